import argparse
import gzip
import io
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher import explore
from publisher.csv_blocks import InputError
from publisher.csv_input import CsvChunk, CsvTable, UnparsedLines
from publisher.explore import survey as survey_module
from publisher.explore.report import GapEntry, Report, RuleEntry
from publisher.explore.survey import Survey, select_chunks
from publisher.explore.timelines import Timelines
from publisher.explore.values import read_values
from publisher.json_lines import format_lines
from publisher.replay.selection import Selection
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import BOOLEAN_METRICS, DEFAULT_METRICS
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import MAX_LINE_BYTES, Message
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from telemetry.rules.parse import load_rules, parse_rules
from telemetry.text import timestamps
from telemetry.text.csv_cells import cell_to_json
from tests.support import needs
from tests.support.law_checks import counts_checks
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.json_lines import row_decoder

START = 1_594_512_000


def format_time(microseconds: Any) -> str:
    return timestamps.format_time(int(microseconds))


def command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    explore.add_arguments(parser)
    return explore.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def ask_json(*arguments: object) -> dict[str, Any]:
        assert command(*arguments, "--json") == 0
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        content: dict[str, Any] = json.loads(out)
        return content

    return ask_json


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(content: str, name: str = "r.csv") -> Path:
        file = tmp_path / name
        file.write_bytes(content.encode("utf-8", "surrogateescape"))
        return file

    return write_file


def survey_of(columns: str, *lines: str, rules: str | None = None, top: int = 10) -> Report:
    survey = Survey(load_rules(None) if rules is None else parse_rules(rules), top)
    survey.add(CsvTable(tuple(columns.split(",")), [line.split(",") for line in lines]))
    return survey.report(["r.csv"])


def test_units_and_booleans_are_those_of_a_catalog() -> None:
    catalog = MetricCatalog({"door": MetricInfo("open", boolean=True), "NO2(GT)": MetricInfo("µg/m³")})
    rules = "version: 1\nrules: [{id: no2, metric: NO2(GT), above: 40}, {id: door, metric: door, above: 0.5}]"
    survey = Survey(parse_rules(rules), 10, catalog)
    survey.add(CsvTable(("ts", "device", "NO2(GT)", "door", "light"), [["1", "a", "41", "true", "true"]]))
    report = survey.report(["r.csv"])
    assert [(one.metric, one.unit, one.values) for one in report.metrics] == [
        ("NO2(GT)", "µg/m³", 1), ("door", "open", 1), ("light", None, 0)
    ]  # fmt: skip
    assert [one.condition for one in report.rules] == ["NO2(GT) above 40 µg/m³", "door above 0.5"]


SMALL = """\
ts,device,temp,humidity,light,note
1594512000,a,20,50,true,x
1594512005,b,31.5,,false,
1594512010,a,22,51,TRUE,7

1594512010,a,22,51,TRUE,7
nonsense
soon,a,40,50,true,x
,a,40,50,true,x
1594512011,,40,50,true,x
1594512012,a,warm,50,true,x
1594512013,a,40,inf,true,x
1594512040,a,30,52,maybe,x
1594512030.5,a,30.000001,53,1,x
"""


def test_the_report_of_a_small_file(ask, write):
    path = write(SMALL)
    version = load_rules(None).version
    assert ask(path) == {
        "inputs": [str(path)],
        "counts": {
            "rows": 11,
            "readings": 8,
            "without_time": 2,
            "without_device": 1,
            "unreadable": 0,
            "odd_lines": 1,
            "repeated": 1,
        },
        "time": {
            "first_time": "2020-07-12T00:00:00.000000Z",
            "last_time": "2020-07-12T00:00:40.000000Z",
            "seconds": 40.0,
            "out_of_order": 1,
            "furthest_back_seconds": 9.5,
            "gaps": [
                gap(27.0, "00:13", "00:40"),
                gap(5.0, "00:00", "00:05"),
                gap(5.0, "00:05", "00:10"),
                gap(2.0, "00:10", "00:12"),
                gap(1.0, "00:12", "00:13"),
            ],
            "device_gaps": [
                gap(27.0, "00:13", "00:40", "a"),
                gap(10.0, "00:00", "00:10", "a"),
                gap(2.0, "00:10", "00:12", "a"),
                gap(1.0, "00:12", "00:13", "a"),
            ],
        },
        "device_count": 2,
        "devices": [
            {
                "device": "a",
                "readings": 7,
                "share": 7 / 8,
                "usual_interval_seconds": 2.0,
                "longest_gap_seconds": 27.0,
                "out_of_order": 1,
                "first_time": "2020-07-12T00:00:00.000000Z",
                "last_time": "2020-07-12T00:00:40.000000Z",
            },
            {
                "device": "b",
                "readings": 1,
                "share": 1 / 8,
                "usual_interval_seconds": None,
                "longest_gap_seconds": 0.0,
                "out_of_order": 0,
                "first_time": "2020-07-12T00:00:05.000000Z",
                "last_time": "2020-07-12T00:00:05.000000Z",
            },
        ],
        "metrics": [
            metric("temp", "°C", 7, 0, 1, 20.0, pytest.approx((20 + 31.5 + 22 + 22 + 40 + 30 + 30.000001) / 7), 40.0),
            metric("humidity", "%", 6, 1, 1, 50.0, pytest.approx((50 + 51 + 51 + 50 + 52 + 53) / 6), 53.0),
            metric("light", "bool", 7, 0, 1, 0.0, pytest.approx(6 / 7), 1.0),
            metric("note", None, 2, 1, 8, 7.0, 7.0, 7.0),
        ],
        "rules_version": version,
        "rules": [
            {
                "rule_id": "temp-high",
                "severity": "critical",
                "condition": "temp above 30 °C",
                "readings": 3,
                "share": 3 / 8,
                "devices": 2,
            }
        ],
        "flagged": 3,
    }


def gap(seconds: float, start: str, end: str, device: str | None = None) -> dict[str, Any]:
    day = "2020-07-12T00:"
    return {"seconds": seconds, "start": f"{day}{start}.000000Z", "end": f"{day}{end}.000000Z", "device": device}


def metric(name: str, unit: str | None, values: int, missing: int, not_numbers: int, *rest: Any) -> dict[str, Any]:
    found = {"metric": name, "unit": unit, "values": values, "missing": missing, "not_numbers": not_numbers}
    return found | dict(zip(("min", "mean", "max"), rest, strict=True))


def test_the_text_of_a_small_file(write, capsys, monkeypatch, tmp_path):
    write(SMALL)
    monkeypatch.chdir(tmp_path)
    assert command("r.csv", "--top", 2) == 0
    assert (
        capsys.readouterr().out
        == """\
input  r.csv

rows                                11
  readings that the job decodes      8
  without a readable time            2
  without a device                   1
  too long to be read                0
lines that do not match the header   1
rows identical to the row before     1

time   2020-07-12T00:00:00.000000Z to 2020-07-12T00:00:40.000000Z, 40.0 s
       out of order: 1, by up to 9.50 s

2 devices  readings  share  usual interval  longest gap  out of order
a                 7  87.5%          2.00 s       27.0 s             1
b                 1  12.5%               -            -             0

longest gaps without readings
27.0 s  2020-07-12T00:00:13.000000Z  to  2020-07-12T00:00:40.000000Z
5.00 s  2020-07-12T00:00:00.000000Z  to  2020-07-12T00:00:05.000000Z

longest gaps between readings of a device
27.0 s  2020-07-12T00:00:13.000000Z  to  2020-07-12T00:00:40.000000Z  a
10.0 s  2020-07-12T00:00:00.000000Z  to  2020-07-12T00:00:10.000000Z  a

metric    unit  values  missing  not numbers  min     mean  max
temp      °C         7        0            1   20   27.929   40
humidity  %          6        1            1   50   51.167   53
light     bool       7        0            1    0  0.85714    1
note                 2        1            8    7        7    7

rule       severity  condition         readings   share  devices
temp-high  critical  temp above 30 °C         3  37.50%        2
3 of 8 readings are flagged
"""
    )


def test_a_file_with_only_a_header(ask, write, capsys):
    path = write("ts,device,temp\n")
    found = ask(path)
    assert found["counts"] == dict.fromkeys(found["counts"], 0)
    assert (found["time"]["first_time"], found["time"]["gaps"], found["devices"], found["metrics"]) == (
        None,
        [],
        [],
        [],
    )
    command(path)
    assert "0 of 0 readings are flagged" in capsys.readouterr().out


def test_unprintable_and_long_names_do_not_break_the_layout(write, capsys):
    name = "\x1b[31m" + "x" * 200
    command(write(f'ts,device,"a\nb"\n1,"{name}",2\n'.replace('"a\nb"', "é\x07")))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.00 s"), (0.25, "0.250 s"), (7.384, "7.38 s"), (59.9, "59.9 s"), (60, "1 min 0 s"), (3_725, "1 h 2 min"),
     (86_399, "24 h 0 min"), (90_000, "1 d 1 h"), (1e9, "11,574 d 2 h")],
)  # fmt: skip
def test_durations_have_two_units(seconds, text):
    from publisher.explore.text import _duration

    assert _duration(seconds) == text


# ---- options: each one changes the output


RULES = """
version: 1
rules:
  - {id: cool, metric: temp, below: 21, severity: info}
  - {id: damp, metric: humidity, inside: [51, 52], devices: ["a*"]}
  - {id: lit, metric: light, above: 0.5}
  - {id: gone, metric: pressure, above: 0}
"""


def test_rules_are_those_of_the_file(ask, write):
    found = ask(write(SMALL), "--rules", write(RULES, "rules.yaml"))
    told = [
        [rule[name] for name in ("rule_id", "severity", "condition", "readings", "devices")] for rule in found["rules"]
    ]
    assert told == [
        ["cool", "info", "temp below 21 °C", 1, 1],
        ["damp", "warning", "humidity inside [51, 52] %", 3, 1],
        ["lit", "warning", "light above 0.5", 6, 1],
        ["gone", "warning", "pressure above 0", 0, 0],
    ]
    assert found["counts"]["unreadable"] == 0  # light is decoded now, and `maybe` costs itself only
    assert found["flagged"] == 7
    assert found["rules_version"] != load_rules(None).version


def test_start_is_included_and_end_is_not(ask, write):
    path = write(SMALL)
    whole = ask(path)
    assert ask(path, "--start", START, "--end", START + 41) == whole
    late = ask(path, "--start", "2020-07-12T00:00:05Z")
    assert late["counts"] == whole["counts"] | {"rows": 10, "readings": 7}
    early = ask(path, "--end", START + 10)  # what has no time and follows 00:10 is left out with it
    assert early["counts"] == dict.fromkeys(whole["counts"], 0) | {"rows": 2, "readings": 2}
    assert early["time"]["last_time"] == "2020-07-12T00:00:05.000000Z"


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["1", "2", "3", "4", "soon", "odd"]), max_size=12), st.integers(0, 5), st.integers(0, 5)
)
def test_the_selected_lines_are_those_that_a_replay_publishes(times: list[str], start: int, end: int) -> None:
    pieces: list[CsvChunk] = [
        UnparsedLines([f"odd {i}"]) if ts == "odd" else CsvTable(("device", "ts"), [[f"{i}", ts]])
        for i, ts in enumerate(times)
    ]
    bounds = start * 1_000_000 if start else None, end * 1_000_000 if end else None
    published = Selection(*bounds).select(format_lines(iter(pieces)))
    looked_at = format_lines(select_chunks(pieces, *bounds))
    assert list(chain.from_iterable(p.texts for p in looked_at)) == list(
        chain.from_iterable(p.texts for p in published)
    )


def test_columns_are_renamed(ask, write):
    path = write(SMALL.replace("ts,device,temp", "when,who,celsius", 1))
    found = ask(path, "--columns", "ts=when,device=who,temp=celsius")
    assert ask(path, "--columns", "ts=when,device=who")["metrics"][0]["metric"] == "celsius"
    assert found == ask(write(SMALL))


def test_top_limits_the_gaps_and_devices(ask, write, capsys):
    rows = "".join(f"{START + i * i},d{i % 7},{i}\n" for i in range(40))
    path = write("ts,device,temp\n" + rows)
    for top in (1, 3, 7, 50):
        found = ask(path, "--top", top)
        assert len(found["devices"]) == min(top, 7)
        assert [entry["device"] for entry in found["devices"]] == ["d0", "d1", "d2", "d3", "d4", "d5", "d6"][:top]
        lengths = [entry["seconds"] for entry in found["time"]["gaps"]]
        assert lengths == [float(2 * i + 1) for i in reversed(range(39))][:top]
        assert len(found["time"]["device_gaps"]) == min(top, 33)
        assert found["device_count"] == 7
    assert len(ask(path)["time"]["gaps"]) == 10
    capsys.readouterr()
    command(path, "--top", 2)
    assert "and 5 more devices, each with at most as many readings" in capsys.readouterr().out


def test_several_inputs_have_one_report(ask, write, tmp_path):
    one = write("ts,device,temp\n1,a,20\n2,a,21\n", "1.csv")
    two = tmp_path / "2.csv"
    two.write_bytes(gzip.compress(b"\xef\xbb\xbfhumidity,device,ts\r\n50,a,3\r\n51,a,4\r\n"))
    stdin = mock.Mock(buffer=io.BufferedReader(io.BytesIO(b"ts,device,temp\n9,b,31\n")))
    with mock.patch.object(sys, "stdin", stdin):
        found = ask(one, two, "-")
    assert found["inputs"] == [str(one), str(two), "-"]
    assert found["counts"]["readings"] == 5
    assert [entry["readings"] for entry in found["devices"]] == [4, 1]
    assert found["devices"][0]["longest_gap_seconds"] == 1.0
    assert found["time"]["gaps"][0]["seconds"] == 5.0
    assert found["metrics"] == [
        metric("temp", "°C", 3, 2, 0, 20.0, 24.0, 31.0),
        metric("humidity", "%", 2, 3, 0, 50.0, 50.5, 51.0),
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["none.csv"], "INPUT none.csv: cannot be read: No such file or directory"),
        (["empty.csv"], "INPUT empty.csv: is empty"),
        (["r.csv", "empty.csv"], "INPUT empty.csv: is empty"),
        (["-", "-"], "INPUT -: standard input can be read only once"),
        (["r.csv", "--columns", "ts"], "--columns ts: 'ts' is not written"),
        (["r.csv", "--columns", "ts=when"], "--columns ts=when: r.csv has no column 'when'"),
        (["r.csv", "--rules", "none.yaml"], "--rules none.yaml: No such file or directory"),
        (["r.csv", "--rules", "r.csv"], "--rules r.csv: must be a mapping"),
        (["r.csv", "--start", "soon"], "--start soon: not a time, write seconds since the epoch or RFC 3339"),
        (["r.csv", "--end", "2020-07-12"], "--end 2020-07-12: not a time"),
        (["r.csv", "--end", "1e300"], "--end 1e300: not "),
        (["r.csv", "--start", "-1"], "--start -1: not between 1970 and 2100"),
        (["r.csv", "--start", "5", "--end", "5"], "--start 5: is not before --end 5"),
        (["r.csv", "--top", "0"], "--top 0: must be a number from 1 to"),
        (["r.csv", "--top", "many"], "--top many: must be a number from 1 to"),
    ],
    ids=" ".join,
)
def test_each_mistake_is_reported_in_one_line(write, monkeypatch, tmp_path, capsys, options, problem):
    write(SMALL)
    write("", "empty.csv")
    monkeypatch.chdir(tmp_path)
    joined = [f"{a}={b}" if a.startswith("--") else a for a, b in zip(options, [*options[1:], ""], strict=True)]
    arguments = [a for i, a in enumerate(joined) if i == 0 or not options[i - 1].startswith("--")]
    with pytest.raises(ConfigError) as error:
        command(*arguments)
    assert str(error.value).startswith(problem)
    assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""


def test_a_damaged_input_is_an_error_without_a_report(tmp_path, capsys):
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(b"ts,device\n" + b"1,a\n" * 1_000)[:-3])
    with pytest.raises(InputError, match="damaged"):
        command(path)
    assert capsys.readouterr().out == ""


# ---- the same as the job finds


@pytest.mark.parametrize("name", ["temp", "light", "note"])
@settings(max_examples=300)
@given(
    cells=st.lists(
        st.one_of(
            st.sampled_from(
                ["", " ", "nan", "-inf", "1_0", "true", " False", "1e400", "+.5", "１", "null", "x", "\x1c1", "on"]
            ),
            st.sampled_from(["NA", "--", "21.5 °C", "1,013.2", "9" * 150, "-NaN"]),
            st.floats().map(repr),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
        ),
        min_size=1,
        max_size=5,
    )
)
@example(cells=["1_000"])
@example(cells=["1", "inf"])
def test_a_cell_has_the_value_that_the_decoder_reads(name: str, cells: list[str]) -> None:
    decoder = row_decoder((name,))
    for cell, value in zip(cells, read_values(cells, boolean=name in BOOLEAN_METRICS).tolist(), strict=True):
        row = decoder.read_line(f'{{"ts":1,"device":"a","{name}":{cell_to_json(cell)}}}'.encode())
        expected = np.inf if row.unread else row.values[0]
        assert np.array_equal(value, expected, equal_nan=True), cell


CELLS = st.sampled_from(["20", "31.5", "", "warm", "nan", "true", "-5", "1e400", "30.0", "NA", "31 °C"])


@counts_checks("readings")
@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2.5", "-1e-9", "soon", "", "5e9", "2020-07-12T00:00:00Z"]),
            st.sampled_from(["a", "b", "", " ", "007"]),
            *[CELLS] * 3,
        ),
        max_size=12,
    ),
    st.integers(1, 5),
)
def test_readings_and_anomalies_are_those_of_the_job(
    checks: Counter[str], rows: list[tuple[str, ...]], least: int
) -> None:
    pieces = [CsvTable(("ts", "device", "temp", "co", "light"), [list(row)]) for row in rows]
    survey = Survey(load_rules(None), 10)
    with mock.patch.object(survey_module, "_LEAST_ROWS", least):
        for piece in pieces:
            survey.add(piece)
        found = survey.report([])
    texts = list(chain.from_iterable(lines.texts for lines in format_lines(iter(pieces))))
    readings = decode(MessageBatch.of(Message(text.encode()) for text in texts), DecodeSpec(DEFAULT_METRICS)).readings
    count = 0 if readings is None else len(readings)
    assert found.counts.readings == count
    assert found.counts.rows == len(rows)
    counts = found.counts
    assert counts.rows == count + counts.without_time + counts.without_device + counts.unreadable
    if readings is not None:
        checks["readings"] += 1
        temp = readings.values[DEFAULT_METRICS.index("temp")]
        assert found.flagged == found.rules[0].readings == np.count_nonzero(temp > 30.0)
        assert found.metrics[0].values == np.count_nonzero(~np.isnan(temp))
        assert found.time.first_time == format_time(readings.event_us.min())
        assert found.time.last_time == format_time(readings.event_us.max())
        assert {entry.device for entry in found.devices} == {readings.devices[code] for code in readings.device}


def test_a_row_too_long_for_the_job_is_not_a_reading():
    escaped = "\x01" * (MAX_LINE_BYTES // 6)
    fits = "x" * (MAX_LINE_BYTES - len('{"ts":1,"device":"a","note":""}'))
    table = CsvTable(("ts", "device", "note"), [["1", "a", note] for note in (fits, fits + "x", escaped, "short")])
    survey = Survey(load_rules(None), 10)
    survey.add(table)
    found = survey.report([])
    texts = [text for lines in format_lines(iter([table])) for text in lines.texts]
    decoded = decode(MessageBatch.of(Message(text.encode()) for text in texts), DecodeSpec(DEFAULT_METRICS))
    assert decoded.readings is not None
    assert (found.counts.readings, found.counts.unreadable) == (len(decoded.readings), len(decoded.rejected)) == (2, 2)


def frame_of(n: int, seed: int, devices: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ts = START + np.round(np.cumsum(rng.exponential(3.0, n)) + rng.normal(0, 2.0, n), 3)
    frame = pd.DataFrame({"ts": ts, "device": rng.choice([f"d{i}" for i in range(devices)], n)})
    for name in ("temp", "humidity", "pressure"):
        frame[name] = np.where(rng.uniform(size=n) < 0.2, np.nan, np.round(rng.normal(28, 4, n), 2))
    return frame


def check(found: Report, frame: Any, top: int) -> None:
    """Compare a report with plain pandas."""
    us: Any = pd.Series(np.rint(frame["ts"].to_numpy() * 1e6).astype("int64"), index=frame.index)
    steps = us.diff().dropna()
    assert found.counts.readings == len(frame)
    assert found.time.out_of_order == (steps < 0).sum()
    assert found.time.furthest_back_seconds == max(0.0, -steps.min() / 1e6)
    longest = steps[steps > 0].sort_values(ascending=False, kind="stable").head(top)
    assert found.time.gaps == [
        GapEntry(length / 1e6, format_time(us[at] - length), format_time(us[at])) for at, length in longest.items()
    ]
    by_device = us.groupby(frame["device"]).diff().dropna().astype("int64")
    longest = by_device[by_device > 0].sort_values(ascending=False, kind="stable").head(top)
    assert found.time.device_gaps == [
        GapEntry(length / 1e6, format_time(us[at] - length), format_time(us[at]), frame["device"][at])
        for at, length in longest.items()
    ]
    counts = frame["device"].value_counts()
    assert found.device_count == len(counts)
    assert [entry.readings for entry in found.devices] == counts.head(top).tolist()
    for entry in found.devices:
        times, steps = us[frame["device"] == entry.device], by_device[frame["device"][by_device.index] == entry.device]
        assert entry.readings == counts[entry.device] == round(entry.share * len(frame))
        assert (entry.first_time, entry.last_time) == (format_time(times.min()), format_time(times.max()))
        assert entry.out_of_order == (steps < 0).sum()
        assert entry.longest_gap_seconds == max(0, steps.max() / 1e6 if len(steps) else 0)
        if (steps > 0).any():
            usual = steps[steps > 0].quantile(0.5, interpolation="lower") / 1e6
            assert entry.usual_interval_seconds == pytest.approx(usual, rel=0.045, abs=1e-6)
        else:
            assert entry.usual_interval_seconds is None
    for told in found.metrics:
        column = frame[told.metric].astype(float)
        assert (told.values, told.missing, told.not_numbers) == (column.count(), column.isna().sum(), 0)
        if told.values:
            assert (told.min, told.max) == (column.min(), column.max())
            assert told.mean == pytest.approx(column.mean(), rel=1e-12)
    assert [entry.metric for entry in found.metrics] == [name for name in frame.columns if name not in ("ts", "device")]


@settings(max_examples=25)
@given(
    st.integers(1, 200),
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.integers(1, 60),
    st.sampled_from([1, 20, 999]),
)
def test_the_report_equals_plain_pandas_for_chunks_of_any_size(
    n: int, seed: int, devices: int, rows_at_once: int, top: int
) -> None:
    frame = frame_of(n, seed, devices)
    content = frame.to_csv(index=False, header=False).splitlines()
    survey = Survey(load_rules(None), top)
    with mock.patch.object(survey_module, "_LEAST_ROWS", rows_at_once):
        for start in range(0, n, rows_at_once):
            rows = [line.split(",") for line in content[start : start + rows_at_once]]
            survey.add(CsvTable(tuple(frame.columns), rows))
        found = survey.report([])
    check(found, frame, top)
    assert found.flagged == (frame["temp"] > 30).sum()


def test_the_first_real_readings_equal_plain_pandas(tmp_path, capsys):
    path = needs.data("telemetry_first_10000.csv")
    frame = pd.read_csv(path, float_precision="round_trip")
    parser = argparse.ArgumentParser()
    explore.add_arguments(parser)
    found = explore.command.explore(parser.parse_args([str(path), "--top", "20"]))
    check(found, frame, 20)
    assert found.counts.repeated == (frame == frame.shift()).all(axis=1).sum()


def test_the_whole_real_telemetry(ask):
    found = ask(needs.data("telemetry_full.csv.gz"))
    assert found["counts"] == dict.fromkeys(found["counts"], 0) | {"rows": 405_184, "readings": 405_184, "repeated": 1}
    assert [(entry["device"], entry["readings"]) for entry in found["devices"]] == [
        ("b8:27:eb:bf:9d:51", 187_451),
        ("00:0f:00:70:91:0a", 111_815),
        ("1c:bf:ce:15:ec:4d", 105_918),
    ]
    (rule,) = found["rules"]
    assert (rule["readings"], rule["devices"], found["flagged"]) == (2_335, 1, 2_335)
    assert found["time"]["out_of_order"] == 0


# ---- details


def test_globs_select_the_devices_of_a_rule_also_later_ones():
    rules = 'version: 1\nrules: [{id: r, metric: temp, above: 0, devices: ["b*", "?1"]}]'
    survey = Survey(parse_rules(rules), 10)
    with mock.patch.object(survey_module, "_LEAST_ROWS", 1):
        for device in ("a", "b", "c", "bb", "x1", "a", "bb", "x11"):
            survey.add(CsvTable(("ts", "device", "temp"), [["1", device, "5"]]))
    (rule,) = survey.report([]).rules
    assert rule == RuleEntry("r", "warning", "temp above 0 °C", 4, 0.5, 3)


def test_rules_of_version_2_flag_single_readings_by_the_bounds_of_their_device(tmp_path):
    (tmp_path / "own.csv").write_text("device,rule,bound\nb,r,8\n")
    (tmp_path / "rules.yaml").write_text(
        "version: 2\noverrides: own.csv\nrules:\n- {id: r, metric: temp, above: 4, for: 1h, except: [c]}\n"
        "- {id: both, all: [{metric: temp, above: 0}, {metric: light, above: 0}]}\n- {id: silent, silence: {for: 1m}}\n"
    )
    survey = Survey(load_rules(str(tmp_path / "rules.yaml")), 10)
    with mock.patch.object(survey_module, "_LEAST_ROWS", 1):
        for readings in ("a5 b5 c9", "d4 b9"):
            rows = [["1", reading[0], reading[1]] for reading in readings.split()]
            survey.add(CsvTable(("ts", "device", "temp"), rows))
    assert survey.report([]).rules == [
        RuleEntry("r", "warning", "temp above 4 °C (1 device has bounds of its own)", 2, 0.4, 2)
    ]


def test_repeated_rows_are_found_across_chunks_with_equal_columns():
    survey = Survey(load_rules(None), 10)
    with mock.patch.object(survey_module, "_LEAST_ROWS", 1):
        for names in (("ts", "device"), ("ts", "device"), ("device", "ts")):
            survey.add(CsvTable(names, [["1", "1"]]))
    assert survey.report([]).counts.repeated == 1


def test_large_values_do_not_overflow():
    (told,) = survey_of("ts,device,x", *["1,a,1.7e308"] * 10).metrics
    assert told.mean == pytest.approx(1.7e308)
    assert (told.metric, told.values, told.min, told.max) == ("x", 10, 1.7e308, 1.7e308)


def test_one_wrong_time_is_one_gap_and_one_step_back():
    found = survey_of("ts,device", *(f"{ts},a" for ts in (10, 20, 4e9, 30, 40, 50)))
    assert [entry.seconds for entry in found.time.gaps] == [4e9 - 20, 10, 10, 10]
    assert (found.time.out_of_order, found.time.furthest_back_seconds) == (1, 4e9 - 30)
    assert found.devices[0].usual_interval_seconds == 10.0


def test_equal_gaps_keep_the_order_of_the_input():
    found = survey_of("ts,device", "0,a", "0,b", "5,b", "5,a")
    assert [entry.device for entry in found.time.device_gaps] == ["b", "a"]


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=50))
def test_the_usual_step_is_the_median_to_a_few_percent(steps: list[int]) -> None:
    lines = Timelines(1)
    times = np.cumsum([0, *(min(step, 10**13) for step in steps)])
    lines.add(np.zeros(len(times), np.intp), times)
    usual = lines.usual_us(0)
    assert usual == pytest.approx(np.percentile(np.diff(times), 50, method="lower"), rel=0.045)


def test_memory_does_not_grow_with_the_rows():
    def peak(blocks: int) -> int:
        survey = Survey(load_rules(None), 10)
        tracemalloc.start()
        for block in range(blocks):
            rows = [[f"{START + block * 2_000 + i}", f"d{i % 5}", f"{i * 0.01}"] for i in range(2_000)]
            survey.add(CsvTable(("ts", "device", "temp"), rows))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(40) < 1.1 * peak(10)


def test_nothing_heavy_is_imported():
    program = "import sys, publisher.explore; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"apache_beam", "pandas", "pyarrow", "grpc", "tqdm"}.intersection(result.stdout.split())


def test_a_closed_pipe_prints_no_traceback(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("ts,device,temp\n" + "".join(f"{n},device-{n},20\n" for n in range(3_000)))
    command = [sys.executable, "-m", "publisher", "explore", str(file), "--top", "3000"]
    # Unbuffered, Python itself does not notice that only the beginning of a text was written.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
