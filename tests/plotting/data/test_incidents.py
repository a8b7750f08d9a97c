"""Check the incidents of a run as charts read them: the latest transition of each, in the order of the table."""

from pathlib import Path
from typing import Any

import pytest

from plotting.data.incidents import read_incidents, with_incidents
from plotting.data.panels import IncidentSpan, TimeRange, window_panels
from plotting.data.results import read_results
from telemetry.errors import ConfigError
from telemetry.model.records import Incident
from tests.support.records import transition
from tests.support.runs import MINUTE, T0, window, write, write_run

ALL = TimeRange()


def of(name: str, opened: int, closed: int | None = None, **changes: Any) -> list[Incident]:
    """The transitions of an incident that opens, and may close, at a minute."""
    common = {"incident_id": name, "opened_at": T0 + opened * MINUTE, "device": "a"} | changes
    found = [transition(1, state="opened", event_time=T0 + opened * MINUTE, **common)]
    if closed is not None:
        at = T0 + closed * MINUTE
        found.append(transition(2, state="closed", event_time=at, closed_at=at, **common))
    return found


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_run(tmp_path, [window("a", minute) for minute in range(10)] + [window("b")])
    return tmp_path


def names(run: Path, span: TimeRange = ALL) -> list[str]:
    return read_incidents(run, span)["incident_id"].to_list()


def test_the_latest_transition_counts_and_a_repetition_is_none(run: Path) -> None:
    write(run, "incidents", of("one", 1, 3, worst=33.5))
    write(run, "incidents", of("one", 1), name="again")
    (found,) = read_incidents(run, ALL).to_dict("records")
    assert (found["state"], found["is_open"], found["worst"]) == ("closed", False, 33.5)
    assert (found["opened_us"], found["closed_us"]) == (T0 + MINUTE, T0 + 3 * MINUTE)


def test_open_ones_come_first_then_the_newest(run: Path) -> None:
    write(run, "incidents", [*of("old", 1, 2), *of("new", 8, 9), *of("open", 0), *of("late", 5)])
    assert names(run) == ["late", "open", "new", "old"]


def test_an_incident_belongs_to_the_times_in_which_it_is_open(run: Path) -> None:
    write(run, "incidents", [*of("early", 1, 2), *of("across", 3, 6), *of("open", 4), *of("later", 8, 9)])
    assert names(run, TimeRange(T0 + 5 * MINUTE, T0 + 7 * MINUTE)) == ["open", "across"]
    assert names(run, TimeRange(T0 + 2 * MINUTE, T0 + 3 * MINUTE)) == []
    assert names(run, TimeRange(None, T0 + 2 * MINUTE)) == ["early"]


def test_a_run_from_before_there_were_incidents_has_none(run: Path) -> None:
    assert len(read_incidents(run, ALL)) == 0


def test_a_file_that_cannot_be_read_is_named(run: Path) -> None:
    file = run / "incidents" / "date=2020-07-12" / "hour=00" / "x.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("none\n")
    with pytest.raises(ConfigError, match=r"x\.jsonl: not a file of incidents of the job"):
        read_incidents(run, ALL)


def test_panels_get_the_incidents_of_their_device_and_metric_and_of_what_is_above_it(run: Path) -> None:
    write(
        run,
        "incidents",
        [
            *of("temp", 5, 6, severity="critical", score=9.5, why="so far"),
            *of("humidity", 2, 3, metric="humidity"),
            *of("silent", 1, metric="", condition="silence", severity="warning"),
            *of("other", 1, 2, device="c"),
            *of("source", 8, 9, device="", metric="", condition="silence", severity="info"),
        ],
    )
    stored = read_results(run, "temp")
    panels = window_panels(stored.aggregates, stored.anomalies, ["a", "b"], ALL)
    first, second = with_incidents(panels, read_incidents(run, ALL), "temp")
    assert first.incidents == (
        IncidentSpan(T0 + MINUTE, None, "warning", "temp-high"),
        IncidentSpan(T0 + 5 * MINUTE, T0 + 6 * MINUTE, "critical", "temp-high", 9.5, "so far"),
        IncidentSpan(T0 + 8 * MINUTE, T0 + 9 * MINUTE, "info", "temp-high"),
    )
    assert second.incidents == first.incidents[-1:], "that of the source is one of every device"
    assert first.windows is panels[0].windows
