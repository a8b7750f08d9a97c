import json
import math
from collections import Counter
from itertools import chain, islice
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher import json_lines
from publisher.csv_input import CsvChunk, CsvTable, UnparsedLines, read_chunks
from publisher.json_lines import NO_TIME, LineBatch, LineFormatter, format_lines, read_times
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.text.csv_cells import are_numbers, cell_to_json, text_to_json
from tests.support import needs
from tests.support.law_checks import counts_checks
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec

# Cells on the border between a number, a text, nothing and something else.
BORDER = [
    "", " ", "0", "-0", "-0.0", "007", "+1", ".5", "5.", "1e3", "1E+3", "1e400", "-1e400", "1e-400", "nan", "NaN",
    "inf", "-Infinity", "1_000", "0x10", "１２", "1\n2", "1\n", "\n1", "1,2", "true", "FALSE", " true ", "null", '"1"',
    "\\", " 1.5 ", "1 2", "--1", "é", "\x00", "\u2028", "\x1c1", "2020-07-12T00:00:00Z", "1" * 400, "4102444800",
    "-1e-9",
]  # fmt: skip
CELL = st.one_of(
    st.sampled_from(BORDER),
    st.floats().map(repr),
    st.integers().map(str),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)


def write(columns: tuple[str, ...], *rows: list[str]) -> LineBatch:
    return LineFormatter().format(CsvTable(columns, list(rows)))


def test_rows_become_objects_with_the_cells_in_the_order_of_the_file():
    written = write(
        ("temp", "device", "ts", "light", "co"),
        ["22.70", "b8:27", "1.5945120943859746E9", "true", ""],
        ["", "007", "1594512094.5", "FALSE", "warm"],
    )
    assert written.texts == [
        '{"temp":22.70,"device":"b8:27","ts":1.5945120943859746E9,"light":true,"co":null}',
        '{"temp":null,"device":"007","ts":1594512094.5,"light":false,"co":"warm"}',
    ]
    assert written.times.tolist() == [1_594_512_094_385_975, 1_594_512_094_500_000]
    assert written.times.dtype == np.int64
    assert written.devices == ["b8:27", "007"]
    assert len(written) == 2


def test_unparsed_lines_are_unchanged():
    written = LineFormatter().format(UnparsedLines(['1,a"', "\udcff,b"]))
    assert written.texts == ['1,a"', "\udcff,b"]
    assert written.times.tolist() == [NO_TIME, NO_TIME]
    assert written.devices == ["", ""]


@pytest.mark.parametrize("name", ["", "%s", "100%", 'a"b', "{x}", "°C", "a\nb", "\\"])
def test_any_name_of_a_column(name):
    (text,) = write(("ts", "device", name), ["1", "a", "2"]).texts
    assert json.loads(text) == {"ts": 1, "device": "a", name: 2}


def test_one_formatter_accepts_tables_with_any_columns():
    pieces: list[CsvChunk] = [
        CsvTable(("ts", "device"), [["1", "a"]]),
        UnparsedLines(["x"]),
        CsvTable(("device", "ts", "c"), [["1", "2", "3"]]),
    ]
    assert [written.texts for written in format_lines(iter(pieces))] == [
        ['{"ts":1,"device":"a"}'],
        ["x"],
        ['{"device":"1","ts":2,"c":3}'],
    ]


@counts_checks("finite", "not finite")
@given(st.lists(st.floats(), min_size=1))
def test_a_float_survives_as_the_same_double(checks: Counter[str], numbers: list[float]) -> None:
    texts = write(("ts", "device", "x"), *(["1", "a", repr(number)] for number in numbers)).texts
    for number, text in zip(numbers, texts, strict=True):
        survived = json.loads(text)["x"]
        if math.isfinite(number):
            checks["finite"] += 1
            assert survived == number
            assert math.copysign(1, survived) == math.copysign(1, number)
        else:
            checks["not finite"] += 1
            assert survived == repr(number)  # as text, which the decoder rejects


@counts_checks("text")
@settings(max_examples=300)
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=10))
@example([("1", "a", "1,2"), ("1", "a", "3")])
@example([("1", "a", "1\n2")])
def test_each_cell_is_converted_by_the_rules(checks: Counter[str], rows: list[tuple[str, ...]]) -> None:
    written = write(("ts", "device", "x"), *map(list, rows))
    for (ts, device, x), text in zip(rows, written.texts, strict=True):
        device = device.strip()
        assert text == f'{{"ts":{cell_to_json(ts)},"device":{text_to_json(device)},"x":{cell_to_json(x)}}}'
        assert "\n" not in text
        survived = json.loads(text)
        assert survived["device"] == (device or None)
        if isinstance(survived["x"], str):
            checks["text"] += 1
            assert survived["x"] == x
    assert written.devices == [row[1].strip() for row in rows]


@settings(max_examples=300)
@given(st.lists(CELL, min_size=1, max_size=6))
def test_numbers_are_the_cells_that_the_rule_does_not_change(cells: list[str]) -> None:
    unchanged = [cell_to_json(cell) == cell and cell not in ("true", "false") for cell in cells]
    assert are_numbers(cells) == all(unchanged)


def test_caches_are_bounded_and_hold_no_long_cell(monkeypatch):
    monkeypatch.setattr(json_lines, "_MOST_CACHED", 3)
    formatter = LineFormatter()
    cells = [f"text {i % 7}" for i in range(50)] + ["x" * 100]
    written = formatter.format(CsvTable(("ts", "device", "x"), [["1", cell, cell] for cell in cells]))
    assert [json.loads(text)["x"] for text in written.texts] == cells
    assert [json.loads(text)["device"] for text in written.texts] == cells
    for cache in (formatter._names, formatter._values):
        assert len(cache) <= 3
        assert max(map(len, cache)) < 100


def decoded_us(text: str) -> int:
    """Return the time that the job reads in a line, NO_TIME if it rejects the line."""
    readings = decode(MessageBatch.of([Message(text.encode())]), DecodeSpec(())).readings
    return NO_TIME if readings is None else int(readings.source_us[0])


SECONDS = st.one_of(
    st.floats(-1e-5, 1e-5),
    st.floats(0, 4_102_444_800),
    st.floats(4_102_444_799.999998, 4_102_444_800.000001),
    st.floats(),
)
TIMES = st.one_of(
    SECONDS.map(repr),
    SECONDS.map(lambda number: f"{number:.6f}"),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.datetimes().map(lambda moment: moment.isoformat(" ")),
    CELL,
)


@settings(max_examples=400)
@given(st.lists(TIMES, min_size=1, max_size=4))
@example(["-1e-9"])
@example(["-0.0", "-1e-7", "1"])
@example(["1_000", "1000"])
@example(["1969-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00+23:59"])
@example(["4102444799.9999994", "4102444799.9999996", "2099-12-31T23:59:59.999999Z"])
@example(["1e308", "9007199254.740993"])
def test_times_are_those_the_decoder_reads(cells: list[str]) -> None:
    written = write(("ts", "device"), *([cell, "a"] for cell in cells))
    assert written.times.tolist() == read_times(cells).tolist() == [decoded_us(text) for text in written.texts]


def test_lines_are_selected_by_a_mask():
    written = write(("ts", "device"), ["1", "a"], ["2", "b"], ["3", "c"])
    some = written.select(np.array([True, False, True]))
    assert some.texts == [written.texts[0], written.texts[2]]
    assert some.times.tolist() == [1_000_000, 3_000_000]
    assert some.devices == ["a", "c"]
    assert written.select(np.ones(3, np.bool_)) is written
    assert len(written.select(np.zeros(3, np.bool_))) == 0
    two = written.first(2)
    assert (two.texts, two.times.tolist(), two.devices) == (written.texts[:2], [1_000_000, 2_000_000], ["a", "b"])


def test_real_telemetry_is_decoded_with_the_same_times_and_doubles():
    path = needs.data("telemetry_first_10000.csv")
    written = list(format_lines(read_chunks(str(path), {})))
    texts = list(chain.from_iterable(part.texts for part in written))
    frame: Any = pd.read_csv(path, float_precision="round_trip")
    assert len(texts) == len(frame) == 10_000
    assert list(map(json.loads, islice(texts, 100))) == frame.head(100).to_dict("records")
    metrics = ("co", "humidity", "light", "lpg", "motion", "smoke", "temp")
    readings = decode(MessageBatch.of([Message("\n".join(texts).encode())]), DecodeSpec(metrics)).readings
    assert readings is not None
    assert np.array_equal(np.concatenate([part.times for part in written]), readings.source_us)
    assert np.array_equal(readings.values, frame[list(metrics)].to_numpy(np.float64).T)
    assert list(chain.from_iterable(part.devices for part in written)) == frame["device"].tolist()
