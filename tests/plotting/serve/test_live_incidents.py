"""Incidents in the live view: each once, in bounded memory, drawn as in stored pictures, and told under the pointer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backend_bases import MouseEvent

from plotting.data.incidents import read_incidents, with_incidents
from plotting.data.panels import IncidentSpan, TimeRange, window_panels
from plotting.data.results import read_results
from plotting.draw.time_axis import DAY_US
from plotting.serve.incident_buffer import IncidentBuffer
from plotting.serve.live_pictures import PanelsPicture
from plotting.serve.live_run import LiveRun
from plotting.serve.view_choice import ViewChoice
from telemetry.model.records import Incident
from tests.support.live_drawing import pixels
from tests.support.live_tables import table, take
from tests.support.records import transition
from tests.support.runs import MINUTE, T0, window, write, write_run

EVERYTHING = TimeRange()
TREND = ViewChoice("trend", width=480)


def told(sequence: int, minute: float, state: str = "updated", **changes: Any) -> Incident:
    """A transition of an incident of device a, which opened in minute 2, of a rule that has learned."""
    found = {"event_time": T0 + round(minute * MINUTE), "opened_at": T0 + 2 * MINUTE, "device": "a", "state": state}
    learned = {"score": 8.0 + sequence, "expected": 20.0, "spread": 0.5, "why": f"sentence {sequence}"}
    closing = {"closed_at": found["event_time"]} if state == "closed" else {}
    return transition(sequence, **found | learned | closing | changes)


STORY = [
    told(1, 3, "opened"),
    told(2, 5, expected=21.0),
    told(1, 4, "opened", incident_id="source", device="", metric="", score=None, expected=None, spread=None, why=None),
    told(3, 8, "closed", score=0.5),
    told(1, 9, "opened", incident_id="other", metric="humidity"),
    told(1, 9, "opened", incident_id="b", device="b", opened_at=T0 + 9 * MINUTE),
]
WINDOWS = [window(device, minute, 20.0 + minute % 3) for device in "ab" for minute in range(12)]


def panels_of(run: LiveRun, span: TimeRange = EVERYTHING) -> list[Any]:
    found = run.panel_content("temp", (), span, readings=False).panels
    return [(one.incidents, [(b.times.tolist(), b.expected.tolist()) for b in one.learned]) for one in found]


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("span", [EVERYTHING, TimeRange(T0 + 8 * MINUTE, None)])
def test_any_number_of_parts_shows_what_is_stored(tmp_path: Path, size: int, span: TimeRange) -> None:
    run = LiveRun()
    take(run, WINDOWS)
    for start in range(0, len(STORY), size):
        assert take(run, incidents=STORY[start : start + size])
        assert not take(run, incidents=STORY[: start + 1]), "they have come before"
    write_run(tmp_path, WINDOWS)
    write(tmp_path, "incidents", STORY)
    whole = read_results(tmp_path, "temp")
    stored = window_panels(whole.aggregates, whole.anomalies, ["a", "b"], span)
    expected = with_incidents(stored, read_incidents(tmp_path, span), "temp")
    found = panels_of(run, span)
    assert [incidents for incidents, _ in found] == [one.incidents for one in expected]
    assert [bands for _, bands in found] == [
        [(band.times.tolist(), band.expected.tolist()) for band in one.learned] for one in expected
    ]


def test_the_panels_of_the_device_alone_change_and_all_of_them_for_the_source() -> None:
    run = LiveRun()
    take(run, WINDOWS)

    def versions() -> list[tuple[int, ...]]:
        return run.panel_content("temp", (), EVERYTHING, readings=False).versions

    before = versions()
    take(run, incidents=STORY[:1])
    after = versions()
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]
    take(run, incidents=STORY[2:3])
    assert [one == other for one, other in zip(after, versions(), strict=True)] == [False, False]


def test_the_oldest_transitions_are_evicted() -> None:
    buffer = IncidentBuffer(max_transitions=2)
    assert buffer.add(table("incidents", [STORY[1], STORY[0]])) == {"a"}
    assert buffer.add(table("incidents", STORY[3:4])) == {"a"}
    (found,) = buffer.within(EVERYTHING).to_dict("records")
    assert (found["state"], found["opened_us"], found["score"]) == ("closed", T0 + 2 * MINUTE, 10.0)
    assert found["learned"].times.tolist() == [T0 + 5 * MINUTE, T0 + 8 * MINUTE]


def picture_of(run: LiveRun, choice: ViewChoice = TREND) -> PanelsPicture:
    return PanelsPicture(choice, run.panel_content("temp", (), EVERYTHING, readings=False))


def test_step_by_step_is_pixel_for_pixel_what_is_drawn_afresh() -> None:
    run = LiveRun()
    take(run, WINDOWS[:1] + WINDOWS[12:13])
    picture = picture_of(run)
    for number in range(1, 12):
        take(run, [WINDOWS[number], WINDOWS[12 + number]])
        take(run, incidents=[one for one in STORY if one.event_time == T0 + number * MINUTE])
        assert picture.update(run.panel_content("temp", (), EVERYTHING, readings=False))
        if number in (3, 4, 8, 11):
            assert np.array_equal(pixels(picture, TREND), pixels(picture_of(run), TREND))
    gids = [[child.get_gid() for child in axes.get_children()] for axes in picture.grid]
    assert [of.count("incident") for of in gids] == [1, 1], "those of a severity that overlap are shaded once"
    assert [of.count("learned") for of in gids] == [1, 1]


def hover(run: LiveRun, minute: float, language: str = "en") -> Any:
    choice = ViewChoice("trend", language=language, width=480)
    picture = picture_of(run, choice)
    pixels(picture, choice)
    axes = picture.grid[0]
    x, y = axes.transData.transform(((T0 + minute * MINUTE) / DAY_US, 20.0))
    return picture.hover_at(MouseEvent("motion_notify_event", axes.figure.canvas, x, y))


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", ["Incident (critical): temp-high, score 10", "sentence 2", "Incident (critical): temp-high"]),
        ("fr", ["Incident (critique): temp-high, score 10", "sentence 2", "Incident (critique): temp-high"]),
    ],
)
def test_incidents_are_told_below_the_window_of_their_time(language: str, lines: list[str]) -> None:
    run = LiveRun()
    take(run, WINDOWS, incidents=STORY)
    found = hover(run, 6.5, language)
    assert (found.kind, list(found.lines[5:])) == ("window", lines)
    assert list(hover(run, 1.5, language).lines[5:]) == []
    assert list(hover(run, 9.5, language).lines[5:]) == lines[2:]


def test_an_incident_without_windows_is_told_alone() -> None:
    run = LiveRun()
    take(run, [WINDOWS[0], WINDOWS[11]], incidents=STORY[:4])
    found = hover(run, 6.5)
    assert (found.kind, found.device) == ("incident", "a")
    assert found.lines[0] == "Incident (critical): temp-high, score 10"
    assert hover(run, 1.5) is None


def test_a_run_without_incidents_has_none() -> None:
    run = LiveRun()
    take(run, WINDOWS)
    assert panels_of(run) == [((), []), ((), [])]
    take(run, incidents=STORY[:1])
    assert panels_of(run)[0][0] == (IncidentSpan(T0 + 2 * MINUTE, None, "critical", "temp-high", 9.0, "sentence 1"),)
