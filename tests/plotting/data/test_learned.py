"""Check the bands of incidents: in steps between transitions, from the opening to the closing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plotting.data.incidents import read_incidents, with_incidents
from plotting.data.learned import SPREADS, STILL_OPEN_US, LearnedBand
from plotting.data.panels import TimeRange, window_panels
from plotting.data.results import read_results
from telemetry.model.records import Incident
from tests.support.records import transition
from tests.support.runs import MINUTE, T0, window, write, write_run

ALL = TimeRange()
NAN = float("nan")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_run(tmp_path, [window("a", minute) for minute in range(10)] + [window("b")])
    return tmp_path


def at(minute: float) -> int:
    return T0 + round(minute * MINUTE)


def told(sequence: int, minute: float, state: str = "updated", **changes: Any) -> Incident:
    """A transition of a rule that has learned 20 ± 0.5."""
    found = {"event_time": at(minute), "opened_at": at(1), "device": "a", "condition": "level", "state": state}
    learned = {"score": 8.0, "expected": 20.0, "spread": 0.5, "why": f"sentence {sequence}"}
    return transition(sequence, **found | learned | changes)


def learned(run: Path, span: TimeRange = ALL) -> dict[str, Any]:
    return dict(zip(*(read_incidents(run, span)[name] for name in ("incident_id", "learned")), strict=True))


def steps(band: LearnedBand) -> tuple[list[float], list[float], list[float]]:
    """Times in minutes, expected values and spreads."""
    return ((band.times - T0) / MINUTE).tolist(), band.expected.tolist(), band.spread.tolist()


def test_a_band_has_a_step_for_each_transition_from_the_first_breach_to_the_closing(run: Path) -> None:
    changes = [
        told(3, 6, "closed", closed_at=at(6), expected=99.0),
        told(1, 2, "opened"),
        told(2, 4, expected=21.0, spread=0.75),
    ]
    write(run, "incidents", changes)
    write(run, "incidents", changes[1:], name="again")
    (band,) = learned(run).values()
    assert steps(band) == ([1, 4, 6], [20, 21], [0.5, 0.75])


def test_one_that_is_open_has_no_end_and_one_that_opens_again_goes_on(run: Path) -> None:
    write(
        run,
        "incidents",
        [
            told(1, 2, "opened"),
            told(2, 3, "closed", closed_at=at(3), expected=20.25),
            told(3, 5, "opened", expected=20.5, closed_at=None),
        ],
    )
    (band,) = learned(run).values()
    assert steps(band)[1:] == ([20, 20.25, 20.5], [0.5] * 3)
    assert band.times.tolist() == [at(1), at(3), at(5), STILL_OPEN_US]


def test_a_transition_that_tells_nothing_changes_nothing(run: Path) -> None:
    nothing: dict[str, Any] = {"score": None, "expected": None, "spread": None, "why": None}
    write(
        run,
        "incidents",
        [
            told(1, 2, "opened"),
            told(2, 4, stale=True, **nothing),
            told(1, 2, "opened", incident_id="stuck", metric="temp", **nothing | {"score": 1.5}),
            told(1, 2, "opened", incident_id="plain", **nothing),
        ],
    )
    found = learned(run)
    assert steps(found.pop("0123456789abcdef")) == ([1, (STILL_OPEN_US - T0) / MINUTE], [20], [0.5])
    assert found == {"stuck": None, "plain": None}


def test_the_score_of_an_incident_is_the_highest_with_its_sentence(run: Path) -> None:
    write(
        run,
        "incidents",
        [
            told(1, 2, "opened"),
            told(2, 3, score=12.5),
            told(3, 4, score=12.5),
            told(4, 5, "closed", closed_at=at(5), score=0.5),
            told(1, 2, "opened", incident_id="plain", score=None, why=None),
        ],
    )
    found = {one["incident_id"]: (one["score"], one["why"]) for one in read_incidents(run, ALL).to_dict("records")}
    assert found["0123456789abcdef"] == (12.5, "sentence 2")
    assert all(value is None or value != value for value in found["plain"])


def test_panels_get_the_bands_of_their_device_and_metric(run: Path) -> None:
    write(
        run,
        "incidents",
        [
            told(1, 2, "opened"),
            told(1, 2, "opened", incident_id="other", metric="humidity", expected=60.0),
            told(1, 2, "opened", incident_id="b", device="b", expected=30.0),
        ],
    )
    stored = read_results(run, "temp")
    panels = window_panels(stored.aggregates, stored.anomalies, ["a", "b", "c"], ALL)
    found = with_incidents(panels, read_incidents(run, ALL), "temp")
    assert [[band.expected.tolist() for band in panel.learned] for panel in found] == [[[20]], [[30]], []]


BAND = LearnedBand(
    np.array([0, 10, 20, 30, 40, 50]), np.array([1.0, 2.0, NAN, NAN, 5.0]), np.array([0.5, 1.0, NAN, 1.0, 0.0])
)


def test_a_band_reaches_three_spreads_to_each_side() -> None:
    assert SPREADS == 3
    np.testing.assert_array_equal(BAND.low, [-0.5, -1, NAN, NAN, 5])
    np.testing.assert_array_equal(BAND.high, [2.5, 5, NAN, NAN, 5])


def test_pieces_are_what_is_known() -> None:
    found = [(piece.times.tolist(), piece.expected.tolist(), piece.spread.tolist()) for piece in BAND.pieces()]
    assert found == [([0, 10, 20], [1, 2], [0.5, 1]), ([40, 50], [5], [0])]


@pytest.mark.parametrize(
    ("span", "times"), [((0, 99), [0, 10, 20, 30, 40, 50]), ((15, 25), [10, 20, 30]), ((60, 70), [0]), ((-9, -1), [0])]
)
def test_what_holds_in_a_span(span: tuple[int, int], times: list[int]) -> None:
    found = BAND.within(span)
    assert found.times.tolist() == times
    assert len(found.expected) == len(found.spread) == len(times) - 1
