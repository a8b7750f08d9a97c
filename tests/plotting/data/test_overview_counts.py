import msgspec
import numpy as np
import pandas as pd
import pytest

from plotting.data.overview_counts import MAX_DEVICES, Overview, count_overview
from plotting.data.panels import TimeRange
from plotting.data.results import read_run
from telemetry.model.records import DeadLetter
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_run

HOUR = 60 * MINUTE
DAY = 24 * HOUR


def letter(reason="bad_row", event_time=None) -> DeadLetter:
    return DeadLetter(reason, "no", "decode", "", None, "{}", "m1", None, event_time)


def overview(folder, windows=(), anomalies=(), letters=(), *, devices=(), span=None, metric=None) -> Overview:
    write_run(folder, windows, anomalies)
    if letters:
        write(folder, "dead_letters", list(letters))
    run = read_run(folder, metric)
    return count_overview(run.anomalies, run.windows, run.letters, devices, span)


def test_cells_count_the_anomalies_of_a_device_and_an_hour(tmp_path):
    found = [anomaly("b", T0 + 5), anomaly("a", T0 + 1), anomaly("a", T0 + 2), anomaly("a", T0 + 2 * HOUR)]
    shown = overview(tmp_path, anomalies=found)
    assert shown.devices == ("a", "b")
    assert shown.heat is not None
    assert shown.heat.counts.tolist() == [[2, 0, 1], [1, 0, 0]]
    assert shown.heat.edges.tolist() == [T0 + n * HOUR for n in range(4)]
    assert shown.anomalies == 4


@pytest.mark.parametrize(
    ("length", "step", "columns"),
    [(239 * HOUR, HOUR, 240), (240 * HOUR, DAY, 11), (239 * DAY, DAY, 240), (240 * DAY, 7 * DAY, 35)],
)
def test_cells_grow_with_the_span(tmp_path, length, step, columns):
    heat = overview(tmp_path, anomalies=[anomaly(at=T0), anomaly(at=T0 + length)]).heat
    assert heat is not None
    assert (heat.step_us, heat.counts.shape, heat.counts.sum()) == (step, (1, columns), 2)


def test_an_anomaly_delivered_twice_and_a_window_of_two_metrics_and_panes_count_once(tmp_path):
    write_run(tmp_path, [window(), window(pane=1), window(metric="co")], [anomaly()])
    write(tmp_path, "anomalies", [anomaly()], name="again", kind="parquet")
    write(tmp_path, "aggregates", [window(pane=2)], name="again", kind="parquet")
    run = read_run(tmp_path)
    assert (len(run.windows), len(run.anomalies), run.metrics) == (1, 1, ("co", "temp"))


def test_one_metric_or_all(tmp_path):
    windows = [window(), window("b", metric="co")]
    found = [anomaly(), anomaly("c", metric="humidity", rule="damp")]
    assert overview(tmp_path, windows, found, metric="temp").devices == ("a",)
    assert overview(tmp_path).devices == ("a", "b", "c")
    assert read_run(tmp_path, "temp").metrics == ("co", "humidity", "temp")


def test_rules_and_severities_are_counted_most_first(tmp_path):
    rare = [msgspec.structs.replace(anomaly(at=T0 + n, rule="z"), severity="info") for n in range(2)]
    often = [anomaly(at=T0 + n, rule="x") for n in range(3)]
    often += [msgspec.structs.replace(anomaly(at=T0 + 9, rule="x"), severity="warning")]
    shown = overview(tmp_path, anomalies=[*rare, *often, anomaly(rule="y"), anomaly(rule="y", at=T0 + 1)])
    assert shown.rules == (("x", {"critical": 3, "warning": 1}), ("y", {"critical": 2}), ("z", {"info": 2}))


def test_dead_letters_are_counted_by_reason_and_those_of_unknown_time_in_any_range(tmp_path):
    letters = [letter(), letter("too_late", T0), letter("too_late", T0 + 1), letter("too_late", T0 + DAY)]
    whole = overview(tmp_path, [window()], letters=letters)
    assert (whole.reasons, whole.undated, whole.letters) == ((("too_late", 3), ("bad_row", 1)), 0, 4)
    part = overview(tmp_path, span=TimeRange(T0, T0 + HOUR))
    assert (part.reasons, part.undated) == ((("too_late", 2), ("bad_row", 1)), 1)


def test_a_silence_of_more_than_five_usual_steps_is_a_gap(tmp_path):
    minutes = [0, 1, 2, 8, 9, 15, 16]  # five minutes of silence, and then five
    assert overview(tmp_path / "five", [window(minute=m) for m in minutes]).gaps[0].start.tolist() == []
    minutes[3:] = [9, 10, 11]
    (gaps,) = overview(tmp_path / "six", [window(minute=m) for m in minutes]).gaps
    assert ((gaps.start - T0) // MINUTE).tolist() == [3]
    assert ((gaps.end - T0) // MINUTE).tolist() == [9]
    assert gaps.total_us == 6 * MINUTE


def test_a_device_that_began_late_or_fell_silent_or_never_spoke_has_a_gap(tmp_path):
    windows = [window("a", m) for m in range(30)]
    windows += [window("b", m) for m in range(10, 20)]
    shown = overview(tmp_path, windows, [anomaly("c")])
    spans = [
        [((span.start - T0) // MINUTE).tolist(), ((span.end - T0) // MINUTE).tolist()]
        for span in (*shown.gaps, *shown.covered)
    ]
    assert spans == [[[], []], [[0, 20], [10, 30]], [[0], [30]], [[0], [30]], [[10], [20]], [[], []]]


def test_sparse_and_overlapping_windows_are_no_gaps(tmp_path):
    assert len(overview(tmp_path / "sparse", [window(minute=m) for m in range(0, 100, 10)]).gaps[0]) == 0
    long = msgspec.structs.replace(window(), window_end=T0 + HOUR)
    assert len(overview(tmp_path / "long", [long, *[window(minute=m) for m in (0, 1, 2, 58, 59)]]).gaps[0]) == 0


def test_the_range_and_the_devices_choose(tmp_path):
    windows = [window(name, m) for name in "abc" for m in range(9)]
    found = [anomaly(name, T0 + m * MINUTE) for name in "abc" for m in range(9)]
    shown = overview(tmp_path, windows, found, devices=["c", "a"], span=TimeRange(T0 + 2 * MINUTE, T0 + 5 * MINUTE))
    assert shown.devices == ("c", "a")
    assert shown.heat is not None
    assert shown.heat.counts.tolist() == [[3], [3]]
    assert shown.span == (T0 + 2 * MINUTE, T0 + 5 * MINUTE)


def test_of_many_devices_those_with_the_most_anomalies_are_rows_and_all_are_counted(tmp_path):
    names = [f"d{n:02}" for n in range(40)]
    found = [anomaly(name, T0 + n) for name in names[-MAX_DEVICES:] for n in range(2)] + [anomaly("d00")]
    shown = overview(tmp_path, [window(name) for name in names], found)
    assert shown.devices == tuple(names[-MAX_DEVICES:])
    assert (shown.total_devices, shown.anomalies) == (40, 2 * MAX_DEVICES + 1)
    assert shown.heat is not None
    assert shown.heat.counts.sum() == 2 * MAX_DEVICES


def test_nothing_at_all_is_an_overview_of_nothing():
    times = pd.Series(np.array([], dtype="M8[us]")).dt.tz_localize("UTC")
    words = pd.Series([], dtype=object)
    empty = count_overview(
        pd.DataFrame({"device": words, "rule_id": words, "severity": words, "event_time": times}),
        pd.DataFrame({"device": words, "window_start": times, "window_end": times}),
        pd.DataFrame({"reason": words, "event_time": times}),
    )
    assert (empty.devices, empty.span, empty.heat, empty.rules, empty.reasons) == ((), None, None, (), ())
