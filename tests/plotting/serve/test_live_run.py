"""Check that a run added in any portions gives the same content as one read at once."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plotting.data.overview_counts import count_overview
from plotting.data.panels import MAX_PANELS, TimeRange, most_anomalous, reading_panels, window_panels
from plotting.data.results import read_results, read_run
from plotting.serve.live_run import LiveRun
from plotting.serve.record_buffer import AnomalyBuffer
from telemetry.rules.parse import load_rules
from tests.support.live_tables import take
from tests.support.report_pages import letter
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_run

METRICS = ("temp", "humidity")
EVERYTHING = TimeRange()
NAMES = st.sampled_from(["a", "b", "c"])
WINDOWS = st.builds(
    lambda device, minute, metric, pane: window(device, minute, 20.0 + minute + pane, metric=metric, pane=pane),
    NAMES, st.integers(0, 90), st.sampled_from(METRICS), st.integers(0, 2),
)  # fmt: skip
ANOMALIES = st.builds(
    lambda device, at, metric, rule: anomaly(
        device, T0 + at * MINUTE, 31.0 + at, metric=metric, rule=rule, threshold=30.0 + len(rule), shift=at % 3
    ),
    NAMES, st.integers(0, 90), st.sampled_from(METRICS), st.sampled_from(["high", "spike"]),
)  # fmt: skip
LETTERS = st.builds(
    lambda line, reason, at: msgspec.structs.replace(
        letter(reason, line), event_time=None if at is None else T0 + at * MINUTE
    ),
    st.integers(1, 5), st.sampled_from(["too_late", "not_json"]), st.none() | st.integers(0, 90),
)  # fmt: skip
SPANS = st.sampled_from([TimeRange(), TimeRange(T0 + 10 * MINUTE, T0 + 60 * MINUTE), TimeRange(None, T0 + 30 * MINUTE)])


def plain(content) -> Any:
    """Return a panel or an overview as what can be compared."""
    if isinstance(content, np.ndarray):
        return content.tolist()
    if isinstance(content, dict):
        return {name: plain(value) for name, value in content.items()}
    return [plain(one) for one in content] if isinstance(content, (list, tuple)) else content


def panel_of(panel) -> Any:
    """Return a panel with its anomalies as a set: those of one moment have no order."""
    found = plain(asdict(panel))
    found["anomalies"] = sorted(zip(*found["anomalies"].values(), strict=True))
    return found


def in_parts(rows, size) -> Any:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@settings(max_examples=30, deadline=None)
@given(
    windows=st.lists(WINDOWS, min_size=1, max_size=30),
    anomalies=st.lists(ANOMALIES, max_size=20),
    letters=st.lists(LETTERS, max_size=6, unique_by=lambda one: (one.line, one.reason)),
    span=SPANS,
    size=st.integers(1, 20),
    wanted=st.sampled_from([(), ("b",), ("c", "a")]),
)
def test_any_number_of_parts_shows_what_the_whole_shows(windows, anomalies, letters, span, size, wanted):
    run = LiveRun()
    for rows in in_parts(letters, size):
        take(run, letters=rows)
    for rows in in_parts(anomalies + anomalies[:3], size):
        take(run, anomalies=rows)
    for rows in in_parts([*windows, *windows[:3]], size):
        take(run, windows=rows)
    with TemporaryDirectory() as folder:
        stored = write_run(Path(folder), windows, anomalies)
        write(stored, "dead_letters", letters)
        for metric in METRICS:
            whole = read_results(str(stored), metric)
            devices = list(wanted) or sorted({*whole.aggregates["device"], *whole.anomalies["device"]})
            panels = window_panels(whole.aggregates, whole.anomalies, devices, span)
            expected = [panel for panel in panels if wanted or panel.points or len(panel.anomalies)]
            course = run.panel_content(metric, wanted, span, readings=True)
            assert [panel_of(one) for one in course.panels] == [panel_of(one) for one in expected]
            assert course.devices == len(devices)
        for of in (None, *METRICS):
            read = read_run(str(stored), of)
            overview = count_overview(read.anomalies, read.windows, read.letters, wanted, span)
            assert plain(asdict(run.overview(of, wanted, span))) == plain(asdict(overview))
            assert run.devices(of) == sorted({*read.windows["device"], *read.anomalies["device"]})
        assert run.metrics() == list(read.metrics)
        assert run.anomalies.total == len(read_run(str(stored)).anomalies)
        assert run.letters.total == len(letters)


def test_what_has_come_before_is_nothing_new():
    run = LiveRun()
    first = ([window("a")], [anomaly("a")], [letter()])
    assert take(run, *first)
    version: int = run.version
    assert not take(run, *first)
    assert run.version == version
    assert take(run, [window("a", 1)])
    assert run.version == version + 1


def test_the_newest_moment_is_the_end_of_a_window_or_an_anomaly():
    run = LiveRun()
    assert LiveRun().newest_us is None
    take(run, [window("a", 5)])
    assert run.newest_us == T0 + 6 * MINUTE
    take(run, [window("a", 2)], [anomaly("a", T0 + MINUTE)])
    assert run.newest_us == T0 + 6 * MINUTE
    take(run, anomalies=[anomaly("a", T0 + 9 * MINUTE)])
    assert run.newest_us == T0 + 9 * MINUTE


def stamps(run, span=EVERYTHING, **options) -> Any:
    course = run.panel_content("temp", (), span, readings=options.get("readings", False))
    return {panel.device: stamp for panel, stamp in zip(course.panels, course.versions, strict=True)}


def changed(run, *records, **more) -> Any:
    before = stamps(run)
    take(run, *records, **more)
    return {device for device, stamp in stamps(run).items() if before.get(device) != stamp}


def test_stamps_change_for_exactly_the_devices_that_changed():
    run = LiveRun()
    take(run, [window(device) for device in "abc"])
    assert changed(run) == set()
    assert changed(run, [window("a", 1)]) == {"a"}
    assert changed(run, [window("a", 1)], [anomaly("b")]) == {"b"}
    assert changed(run, [window("a", 2, metric="humidity")], [anomaly("b", metric="humidity")], [letter()]) == set()
    assert changed(run, [window("a", 1, 50.0, pane=1), window("c", 9)], [anomaly("b"), anomaly("d")]) == set("acd")
    assert stamps(run, TimeRange(T0, None)) != stamps(run)


def test_a_device_whose_anomalies_are_let_go_has_changed():
    run = LiveRun(anomalies=AnomalyBuffer(max_records=3))
    take(run, [window(device) for device in "abc"], [anomaly("a", T0), anomaly("b", T0 + 1), anomaly("b", T0 + 2)])
    assert changed(run, anomalies=[anomaly("c", T0 + 3)]) == {"a", "c"}
    assert [len(panel.anomalies) for panel in run.panel_content("temp", (), TimeRange(), readings=False).panels] == [
        0,
        2,
        1,
    ]


def test_of_many_devices_those_with_the_most_anomalies_are_shown():
    run, names = LiveRun(), [f"d{number:02}" for number in range(20)]
    windows = [window(name, minute) for n, name in enumerate(names) for minute in range(1 + n % 3)]
    anomalies = [
        anomaly(name, T0 + at * MINUTE, rule=rule)
        for n, name in enumerate(names)
        for at in range(n % 5)
        for rule in ("high", "spike")[: 1 + n % 2]
    ]
    take(run, windows, anomalies)
    course = run.panel_content("temp", (), TimeRange(), readings=False)
    everything = run.panel_content("temp", names[:12], TimeRange(), readings=False).panels
    everything += run.panel_content("temp", names[12:], TimeRange(), readings=False).panels
    assert len(course.panels) == MAX_PANELS
    assert [panel.device for panel in course.panels] == [panel.device for panel in most_anomalous(everything)]
    assert course.devices == 20


def test_devices_without_anything_in_the_time_range_take_no_place_of_others():
    run = LiveRun()
    take(run, [window(f"old{number:02}", minute) for number in range(15) for minute in range(5)])
    take(run, [window("new", 500)])
    course = run.panel_content("temp", (), TimeRange(T0 + 400 * MINUTE, None), readings=False)
    assert [panel.device for panel in course.panels] == ["new"]


def test_bounds_are_those_of_the_rules(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nrules:\n  - {id: r, metric: temp, above: 33, severity: critical}\n")
    run = LiveRun(rules=load_rules(str(rules)))
    take(run, [window("a")], [anomaly("a")])
    assert run.panel_content("temp", (), TimeRange(), readings=False).panels[0].thresholds == (33.0,)
    assert LiveRun().panel_content("temp", (), TimeRange(), readings=False).panels == []


def test_readings_take_the_place_of_windows_where_they_are_wanted():
    run = LiveRun()
    take(run, [window("a"), window("b")], [anomaly("a", T0 + 5)])
    times = pd.to_datetime([T0, T0 + 5, T0 + 7], unit="us", utc=True)
    frame = pd.DataFrame({"device": ["a", "a", "b"], "time": times, "value": [1.0, 31.0, 2.0]})
    before = stamps(run, readings=True)
    run.set_readings("temp", frame)
    course = run.panel_content("temp", (), TimeRange(), readings=True)
    twins, unmatched = reading_panels(frame, run.anomalies.frame, ["a", "b"], TimeRange())
    assert [panel_of(one) for one in course.panels] == [panel_of(one) for one in twins]
    assert unmatched == 0
    assert {name for name, stamp in stamps(run, readings=True).items() if stamp != before[name]} == {"a", "b"}
    assert len(run.panel_content("temp", (), TimeRange(), readings=False).panels[0].windows) == 1


def test_the_limit_of_all_windows_is_shared_from_the_first_table_on():
    run = LiveRun(max_windows=400, shortest_series=8)
    take(run, [window(f"d{n}", minute) for n in range(10) for minute in range(100)])
    held = [len(panel.windows) for panel in run.panel_content("temp", (), TimeRange(), readings=False).panels]
    assert sum(held) <= 400
    assert run.windows == 1000


@pytest.mark.parametrize("metric", [None, "temp"])
def test_an_overview_of_nothing_is_empty(metric):
    assert LiveRun().overview(metric, (), TimeRange()).span is None
