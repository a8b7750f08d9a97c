"""The whole job with windows by the clock of a zone: exact days, and any rows against `zoneinfo` one by one."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from plotting.__main__ import main as plot
from telemetry.model.messages import Message
from telemetry.rules.parse import load_rules
from tests.support import oracle
from tests.support.jobs import Events, cut, imbalances, run_events, run_job
from tests.support.local_windows import LocalWindows, local_us
from tests.support.row_oracle import MICROS, Arrival, Row, Rule, evaluate
from tests.support.written_rows import assert_written, ending_of, flags_of

SLOW = settings(  # an example is a whole job; shrinking one would take minutes
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
ROME = "Europe/Rome"
HOUR = 3_600 * MICROS
CHANGES = [local_us(ROME, 2021, 3, 27), local_us(ROME, 2021, 10, 30)]
RULES = [Rule("warm", "temp", "above", (30.0,), "warning", ("*",))]
WINDOWS = st.builds(
    lambda hours, lateness, zone: LocalWindows(hours[0] * 3_600, hours[1] * 3_600, lateness * 3_600, zone),
    st.sampled_from([(24, 24), (24, 6), (48, 24), (6, 6), (2, 1), (1, 1)]),
    st.sampled_from([0, 1, 30]),
    st.sampled_from([ROME, ROME, "Asia/Kolkata", "Africa/Lagos"]),
)


@st.composite
def row_lists(draw: st.DrawFn) -> list[Row]:
    """Up to 60 readings of four days around a change of the clock, in any order, each device at most once at a time."""
    start_us = draw(st.sampled_from(CHANGES))
    moments = st.integers(-24 * 4, 72 * 4).map(lambda quarter: start_us + quarter * HOUR // 4)
    values = st.tuples(st.sampled_from([None, 20.0, 31.25]), st.sampled_from([None, 0.5]))
    readings = st.builds(Row, moments, st.sampled_from(["a1", "b"]), values)
    return draw(st.lists(readings, min_size=1, max_size=60, unique_by=lambda row: (row.ts_us, row.device)))


@SLOW
@given(data=st.data(), rows=row_lists(), windows=WINDOWS, shards=st.sampled_from([1, 3]))
def test_a_stream_equals_the_rows_one_by_one(
    data: st.DataObject, rows: list[Row], windows: LocalWindows, shards: int, tmp_path: Path
) -> None:
    folder, events, arrivals = Path(tempfile.mkdtemp(dir=tmp_path)), Events(), []
    messages = cut(rows, data.draw(st.lists(st.integers(1, 20), max_size=8)))
    first_us = min(row.ts_us for row in rows)
    hours = sorted(data.draw(st.lists(st.integers(0, 100), min_size=len(messages), max_size=len(messages))))
    for number, (part, hour) in enumerate(zip(messages, hours, strict=True)):
        arrivals.append(Arrival(f"m{number}", tuple(part), first_us + hour * HOUR))
        events.watermark(arrivals[-1].watermark_us)
        message = Message(arrivals[-1].payload, {}, f"m{number}", None, arrivals[-1].watermark_us)
        events.message(message, min(row.ts_us for row in part))
    flags = flags_of(RULES, windows, folder)
    run_events(events, "--output", folder / "out", "--flush-interval", "1ms", "--shards", shards, *flags)
    expected = evaluate(arrivals, RULES, load_rules(str(folder / "rules.yaml")).version, windows)
    event(f"too late: {expected.totals['dead_letters', 'too_late'] > 0}")
    assert_written(folder / "out", expected, windows)


@SLOW
@given(
    rows=row_lists(),
    sizes=st.lists(st.integers(1, 40), max_size=3),
    windows=WINDOWS,
    file_format=st.sampled_from(["jsonl", "parquet"]),
)
def test_files_equal_the_rows_one_by_one(
    rows: list[Row], sizes: list[int], windows: LocalWindows, file_format: str, tmp_path: Path
) -> None:
    folder, arrivals = Path(tempfile.mkdtemp(dir=tmp_path)), []
    for number, part in enumerate(cut(rows, sizes)):
        path = folder / f"{number}.jsonl"
        arrivals.append(Arrival(f"{path}@0", tuple(part), end=b"\n"))
        path.write_bytes(arrivals[-1].payload)
    flags = flags_of(RULES, windows, folder)
    with ending_of(rows):
        run_job("--input", folder / "*.jsonl", "--output", folder / "out", "--file-format", file_format, *flags)
    expected = evaluate(arrivals, RULES, load_rules(str(folder / "rules.yaml")).version, windows)
    assert_written(folder / "out", expected, windows)


def hourly(path: Path, first_us: int, hours: int) -> Path:
    """Write a reading of each hour, whose temperature is its number."""
    lines = [f"{(first_us + hour * HOUR) / MICROS},meter,{hour}\n" for hour in range(hours)]
    path.write_text("ts,device,temp\n" + "".join(lines))
    return path


def days_of(output: Path) -> list[tuple[int, int, int, float]]:
    """Return start, end, count and mean of each window, by its start."""
    found = oracle.read_output(output, "aggregates").sort_values("window_start")
    return list(zip(found.window_start, found.window_end, found["count"], found["mean"], strict=True))


@pytest.mark.parametrize(("day", "hours"), [((3, 28), 23), ((7, 12), 24), ((10, 31), 25)])
def test_the_hourly_readings_of_a_local_day_are_one_window(day: tuple[int, int], hours: int, tmp_path: Path) -> None:
    midnight = local_us(ROME, 2021, *day)
    path = hourly(tmp_path / "day.csv", midnight, hours)
    flags = ("--input", path, "--metrics", "temp", "--window", "1d")
    run_job(*flags, "--output", tmp_path / "rome", "--window-zone", ROME)
    assert days_of(tmp_path / "rome") == [(midnight, midnight + hours * HOUR, hours, (hours - 1) / 2)]
    run_job(*flags, "--output", tmp_path / "utc")
    assert [count for _, _, count, _ in days_of(tmp_path / "utc")] == ([1, 22] if hours == 23 else [2, hours - 2])


def test_late_readings_of_a_long_day(tmp_path: Path) -> None:
    """On time in the 25th hour, late up to an hour after midnight, and too late after that."""
    midnight = local_us(ROME, 2021, 10, 31)
    events = Events()
    for number, (hour, watermark) in enumerate([(1, 0), (24.5, 24.75), (2, 25), (3, 25.99), (4, 26), (30, 26)]):
        watermark_us = midnight + round(watermark * HOUR)
        events.watermark(watermark_us)
        row = {"ts": midnight / MICROS + hour * 3_600, "device": "meter", "temp": hour}
        message = Message(json.dumps(row).encode(), {}, f"m{number}", None, watermark_us)
        events.message(message, midnight + round(hour * HOUR))
    flags = ("--window", "1d", "--window-zone", ROME, "--allowed-lateness", "1h", "--metrics", "temp")
    run_events(events, "--output", tmp_path, "--flush-interval", "1ms", *flags)
    panes = oracle.read_output(tmp_path, "aggregates").sort_values(["window_start", "pane_index"])
    columns = ("window_start", "window_end", "count", "timing", "last")
    assert list(panes[[*columns]].itertuples(index=False, name=None)) == [
        (midnight, midnight + 25 * HOUR, 2, "on_time", 24.5),
        (midnight, midnight + 25 * HOUR, 3, "late", 24.5),
        (midnight, midnight + 25 * HOUR, 4, "late", 24.5),
        (midnight + 25 * HOUR, midnight + 49 * HOUR, 1, "on_time", 30.0),
    ]
    (letter,) = oracle.read_output(tmp_path, "dead_letters").to_dict("records")
    assert (letter["reason"], letter["event_time"]) == ("too_late", midnight + 4 * HOUR)
    assert letter["error"] == (
        "window 2021-10-30T22:00:00.000000Z to 2021-10-31T23:00:00.000000Z had closed, "
        "watermark 2021-11-01T00:00:00.000000Z"
    )
    assert imbalances(tmp_path) == []


def test_pictures_of_local_days(tmp_path: Path) -> None:
    path = hourly(tmp_path / "days.csv", CHANGES[1], 5 * 24)
    run_job("--input", path, "--metrics", "temp", "--window", "1d", "--window-zone", ROME, "--output", tmp_path / "out")
    assert [count for _, _, count, _ in days_of(tmp_path / "out")] == [24, 25, 24, 24, 23]
    for figure in ("scatter", "trend", "overview"):
        picture = tmp_path / f"{figure}.png"
        assert plot(["render", "--results", str(tmp_path / "out"), "--figure", figure, "--output", str(picture)]) == 0
        assert imread(picture).std() > 0
    assert plot(["report", "--results", str(tmp_path / "out"), "--output", str(tmp_path / "report.html")]) == 0
