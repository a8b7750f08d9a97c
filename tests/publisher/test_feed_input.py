"""Inputs of any dialect become lines of the canonical form, one for each row."""

import gzip
import io
import json
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.csv_blocks import InputError
from publisher.csv_input import read_chunks
from publisher.feed_input.format_readings import ReadingFormatter
from publisher.feed_input.inputs import FeedInputs
from publisher.feed_input.odd_texts import odd_row, unread_value
from publisher.json_lines import NO_TIME, LineBatch, format_lines
from telemetry.errors import ConfigError, NothingUsableError
from telemetry.feed.feed import Feed
from telemetry.feed.formats.values import NumberProblem
from telemetry.feed.parse import parse_feed
from telemetry.feed.readings.feed_rows import FeedRows
from tests.support.replayed_feeds import lines_of, readings_of, replayed

BEGIN_S = 1_594_512_000
BEGIN_US = BEGIN_S * 1_000_000


def feed_of(text: str) -> Feed:
    return parse_feed(f"version: 1\n{text}")


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def standard_input(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))


def joined(batches: list[LineBatch]) -> LineBatch:
    times = np.concatenate([batch.times for batch in batches])
    texts = [text for batch in batches for text in batch.texts]
    return LineBatch(texts, times, [device for batch in batches for device in batch.devices])


SEMICOLONS = feed_of("""
csv: {delimiter: ";", decimal: ","}
time: {column: [Date, Time], zone: Europe/Rome, day_first: true}
device: {column: Room, match: "room (.*)"}
metrics:
  temp: {column: "Temp. (°C)", low: -40, high: 60}
  humidity: {column: RH}
  door: {boolean: true}
missing: [-200]
""")


def test_a_foreign_table_becomes_readings(tmp_path: Path) -> None:
    path = write(
        tmp_path / "rooms.csv",
        "Date;Time;Room;Temp. (°C);RH;door;note\n"
        "12/07/2020;02:00:00;room A;21,5;-200;on;x\n"
        "12/07/2020;02:00:00.25;room B;999;50,125;;\n"
        "nonsense\n"
        "12/07/2020;02:00:01;hall;1;2;off;\n"
        '12/07/2020;02:00:02;"room ""C""";warm;inf;maybe;\n',
    )
    (batch,) = replayed(path, SEMICOLONS)
    assert batch.texts == [
        '{"ts":1594512000,"device":"A","temp":21.5,"door":1}',
        '{"ts":1594512000.25,"device":"B","temp":"out of range: 999","humidity":50.125}',
        "nonsense",
        "12/07/2020;02:00:01;hall;1;2;off;",
        '{"ts":1594512002,"device":"\\"C\\"","temp":"warm","humidity":"inf","door":"maybe"}',
    ]
    assert batch.times.tolist() == [BEGIN_US, BEGIN_US + 250_000, NO_TIME, NO_TIME, BEGIN_US + 2_000_000]
    assert batch.devices == ["A", "B", "", "", '"C"']


def test_metrics_that_nobody_names_are_the_fields_that_hold_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "when,who,t,note,ts,device\n2020-07-12T00:00:00Z,x,1,good,5,6\n")
    feed = feed_of("time: {column: when}\ndevice: {column: who}")
    assert lines_of(path, feed) == ['{"ts":1594512000,"device":"x","t":1}']
    assert lines_of(path, feed, ("note",)) == ['{"ts":1594512000,"device":"x","note":"good"}']
    none = write(tmp_path / "b.csv", "when,who,note\n2020-07-12T00:00:00Z,x,good\n")
    with pytest.raises(NothingUsableError, match="--metrics names those"):
        FeedInputs([str(none)], feed)


def test_metrics_of_several_files_are_published_together(tmp_path: Path) -> None:
    feed = feed_of("time: {column: t}\ndevice: {file: true}")
    first = write(tmp_path / "one.csv", f"t,a,b\n{BEGIN_S},1,x\n")
    second = write(tmp_path / "two.jsonl", f'{{"t":{BEGIN_S},"b":2}}\n')
    inputs = FeedInputs([str(first), str(second)], feed)
    texts = [text for path in (first, second) for batch in inputs.read(str(path)) for text in batch.texts]
    assert texts == ['{"ts":1594512000,"device":"one","a":1,"b":"x"}', '{"ts":1594512000,"device":"two","b":2}']


def test_the_hour_that_comes_twice_is_told_apart_by_the_order_of_the_file(tmp_path: Path) -> None:
    feed = feed_of("time: {column: t, zone: Europe/London}\ndevice: {name: x}\nmetrics: {v: }")
    rows = [f"2020-10-25T{hour}:{minute:02}:00,1\n" for hour in ("00", "01", "01", "02") for minute in (0, 30)]
    path = write(tmp_path / "a.csv", "t,v\n" + "".join(rows))
    (batch,) = replayed(path, feed)
    assert (np.diff(batch.times) == 1_800_000_000).all()


# Inputs without a feed


@pytest.mark.parametrize(
    "content",
    [
        f"ts,device,temp,note\n{BEGIN_S}.5,a,+1,x\nnonsense\n\n{BEGIN_S},b,,\n",
        f"\ufeffdevice,ts\r\na,{BEGIN_S}\r\n",
        f'ts,device,"odd ""name"""\n{BEGIN_S},"a,b",1\n',
        b"ts,device,temp\n1594512000,a,\xff\n",
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "export", "a.txt", "a.csv.gz"])
def test_plain_csv_is_replayed_as_ever(name: str, content: str | bytes, tmp_path: Path) -> None:
    raw = content.encode() if isinstance(content, str) else content
    path = write(tmp_path / name, gzip.compress(raw) if name.endswith("gz") else raw)
    inputs = FeedInputs([str(path)], Feed())
    assert inputs.is_plain(str(path))
    assert inputs.identity == ""
    expected = list(format_lines(read_chunks(str(path), {})))
    found = list(inputs.read(str(path)))
    assert [(one.texts, one.times.tolist(), one.devices) for one in found] == [
        (one.texts, one.times.tolist(), one.devices) for one in expected
    ]


def test_csv_of_another_dialect_is_read_as_the_job_reads_it(tmp_path: Path) -> None:
    tabs = write(tmp_path / "a.tsv", f"ts\tdevice\ttemp \tnote\tmotion\n{BEGIN_S}\ta\t1\tgood day\tTRUE\n")
    assert lines_of(tabs) == ['{"ts":1594512000,"device":"a","temp":1,"note":"good day","motion":1}']
    broken = write(tmp_path / "b.csv", f'ts,device,note\n{BEGIN_S},a,"two\nlines"\n"x\ny"\n')
    assert lines_of(broken) == ['{"ts":1594512000,"device":"a","note":"two\\nlines"}', '"\\"x\\ny\\""']
    wide = write(tmp_path / "c.csv", f"ts,device,temp\n{BEGIN_S},a,1\n".encode("utf-16"))
    assert lines_of(wide) == ['{"ts":1594512000,"device":"a","temp":1}']


def test_lines_of_json_stay_as_they_are(tmp_path: Path) -> None:
    kept = [
        '{"ts": 1594512000.5, "device": "a", "x": {"y": [1, 2]}}',
        '{"ts":"2020-07-12T00:00:01Z","device":"b"}',
        '{"ts":1594512002,"device":5}',
        "nonsense",
        '{"ts":true,"device":"c"}',
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(kept) + f'\n\n[{{"ts":{BEGIN_S},"device":"z"}}]\n')
    batch = joined(replayed(path))
    assert batch.texts == [*kept, '"[{\\"ts\\":1594512000,\\"device\\":\\"z\\"}]"']
    assert batch.times.tolist() == [BEGIN_US + 500_000, BEGIN_US + 1_000_000, *[NO_TIME] * 4]
    assert batch.devices == ["a", "b", "", "", "", ""]
    usual = write(tmp_path / "b.ndjson", "\n".join(kept[:2]))
    batch = joined(replayed(usual))
    assert (batch.texts, batch.devices) == (kept[:2], ["a", "b"])


@pytest.mark.parametrize("indent", [None, 2])
def test_documents_are_written_on_one_line_each(indent: int | None, tmp_path: Path) -> None:
    rows = [{"ts": "2020-07-12T00:00:00.123456Z", "device": 5, "x": {"y": [1, 2.50]}}, {"device": "a"}, 7]
    path = write(tmp_path / "a.json", json.dumps(rows, indent=indent))
    assert [json.loads(text) for text in lines_of(path)] == [
        {"ts": BEGIN_S + 0.123456, "device": "5", "x": {"y": [1, 2.5]}},
        {"device": "a"} if indent is None else json.dumps({"device": "a"}, indent=2).replace("\n", "\n  "),
        7,
    ]
    pretty = write(tmp_path / "b.json", json.dumps(rows[0], indent=2))
    assert readings_of(pretty) == [{"ts": BEGIN_S + 0.123456, "device": "5", "x": {"y": [1, 2.5]}}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f"ts,device,temp,note\n{BEGIN_S},a,1,x\nodd\n"),
        ("a.tsv", f"ts\tdevice\ttemp\tnote\n{BEGIN_S}\ta\t1\tx\nodd\n"),
        ("a.jsonl", f'{{"ts":{BEGIN_S},"device":"a","temp":1,"note":"x"}}\nodd\n'),
        ("a.json", f'[{{"ts":{BEGIN_S},"device":"a","temp":1,"note":"x"}},\nodd]'),
    ],
)
def test_metrics_choose_the_fields_of_canonical_inputs(name: str, content: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, content)
    first, odd = lines_of(path, metrics=("temp",))
    assert (json.loads(first), odd.strip()) == ({"ts": BEGIN_S, "device": "a", "temp": 1}, "odd")
    assert FeedInputs([str(path)], Feed(), ("temp",)).identity


# Standard input and damage


def test_rows_of_a_slow_pipe_do_not_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = feed_of("csv: {delimiter: ';'}\ntime: {column: t}\ndevice: {name: x}")
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as pipe, os.fdopen(write_end, "wb", buffering=0) as source:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(pipe))
        threading.Thread(target=source.write, args=(f"t;v\n{BEGIN_S};1\n{BEGIN_S};2\n".encode(),)).start()
        batches = FeedInputs(["-"], feed).read("-")
        assert next(batches).texts == ['{"ts":1594512000,"device":"x","v":1}', '{"ts":1594512000,"device":"x","v":2}']
        source.write(f"{BEGIN_S};3\n".encode())
        assert next(batches).texts == ['{"ts":1594512000,"device":"x","v":3}']
        source.close()
        assert list(batches) == []


@pytest.mark.parametrize("content", [f'{{"ts":{BEGIN_S},"device":"a"}}\n', f'[{{"ts":{BEGIN_S},"device":"a"}}]'])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_is_json_if_it_begins_so(
    pack: "type[bytes]", content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", standard_input(pack(content.encode())))
    (batch,) = FeedInputs(["-"], Feed()).read("-")
    assert list(map(json.loads, batch.texts)) == [{"ts": BEGIN_S, "device": "a"}]


def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    content = gzip.compress(b"t;v\n" + b"".join(b"%d;%d\n" % (BEGIN_S + row, row) for row in range(300_000)))
    path = write(tmp_path / "a.csv.gz", content[: len(content) // 2])
    feed = feed_of("csv: {delimiter: ';'}\ntime: {column: t}\ndevice: {name: x}\nmetrics: {v: }")
    batches: Iterator[LineBatch] = FeedInputs([str(path)], feed).read(str(path))
    rows = 0
    with pytest.raises(InputError, match=r"a.csv.gz: damaged"):
        for batch in batches:
            rows += len(batch)
    assert rows > 10_000
    with pytest.raises(InputError, match="damaged"):
        FeedInputs([str(write(path, content[:20]))], feed)


# Mistakes


@pytest.mark.parametrize(
    ("content", "feed", "metrics", "problem"),
    [
        ("time,sensor,v\n", "", None, "no columns ts and device; did you mean `time` and `sensor`? use --feed or "),
        ("t;d\n", "time: {column: t}", None, "cells seem to be divided by ';'"),
        ("t,d,temp\n", "time: {column: t}\ndevice: {column: d}", ("tmp",), "'tmp'; did you mean 'temp'?"),
        ("ts,device,temp\n", "", ("xyz",), "no input has a column 'xyz', only ts, device, temp"),
    ],
)
def test_a_mistake_names_the_likely_columns(
    content: str, feed: str, metrics: tuple[str, ...] | None, problem: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", content)
    with pytest.raises(ConfigError) as error:
        FeedInputs([str(path)], feed_of(feed) if feed else Feed(), metrics)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_standard_input_has_no_name_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", standard_input(b"ts,v\n1,2\n"))
    with pytest.raises(ConfigError, match=r"INPUT -: has no name, .*device.file"):
        FeedInputs(["-"], feed_of("device: {file: true}"))


def test_the_identity_of_inputs_holds_what_determines_their_lines(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.jsonl", "{}\n"))
    schema = write(tmp_path / "a.avsc", '{"type":"record","name":"R","fields":[{"name":"ts","type":"double"}]}')
    text = f"metrics: {{v: }}\nformat: avro\noptions: {{schema: {schema}}}"
    before = FeedInputs([path], feed_of(text)).identity
    assert before == FeedInputs([path], feed_of(text)).identity
    assert before != FeedInputs([path], feed_of(text), ("v",)).identity
    write(schema, schema.read_text().replace('"R"', '"S"'))
    assert before != FeedInputs([path], feed_of(text)).identity


# Parts of lines


@given(st.lists(st.floats(), min_size=1), st.integers(0, 4_102_444_799_999_999))
@settings(deadline=None)
def test_numbers_keep_their_bits_and_times_their_microseconds(values: list[float], time_us: int) -> None:
    count = len(values)
    zeros = np.zeros(count, np.int32)
    column = np.where(np.isfinite(values), values, np.nan)
    rows = FeedRows(
        zeros, zeros, np.full(count, time_us), ("a",), zeros, column[None, :], None, lambda _m, _r: "", lambda _r: []
    )
    found = [json.loads(text) for text in ReadingFormatter(['odd "metric"']).format(rows)]
    for one, value in zip(found, column.tolist(), strict=True):
        assert round(one["ts"] * 1e6) == time_us
        assert one.keys() - {"ts", "device"} == (set() if math.isnan(value) else {'odd "metric"'})
        assert math.isnan(value) or one['odd "metric"'] == value


@pytest.mark.parametrize(
    ("metric", "problem", "text", "expected"),
    [
        ("temp", NumberProblem.NOT_A_NUMBER, "warm", "warm"),
        ("temp", NumberProblem.NOT_FINITE, "inf", "inf"),
        ("temp", NumberProblem.OUT_OF_RANGE, "-999", "out of range: -999"),
        ("temp", NumberProblem.NOT_A_NUMBER, "21,5 °C", "21,5 °C"),
        ("temp", NumberProblem.NOT_A_NUMBER, "21.5 °C", "not a number: 21.5 °C"),
        ("temp", NumberProblem.NOT_FINITE, "1e308", "not finite: 1e308"),
        ("temp", NumberProblem.NOT_A_NUMBER, "true", "true"),
        ("motion", NumberProblem.NOT_A_NUMBER, "true", "not a number: true"),
        ("temp", NumberProblem.NOT_A_NUMBER, "", "not a number: "),
        ("temp", NumberProblem.NOT_A_NUMBER, "9" * 300, f"not a number: {'9' * 200}"),
        ("temp", NumberProblem.NOT_A_NUMBER, "\ud800", "\\ud800"),
    ],
)
def test_a_value_that_cannot_be_read_is_no_number_to_a_job_either(
    metric: str, problem: NumberProblem, text: str, expected: str
) -> None:
    assert unread_value(metric, problem, text) == expected


@pytest.mark.parametrize(
    ("content", "expected", "kept"),
    [
        (b"x;y\r", "x;y\r", None),
        (b"\xff", "\udcff", None),
        (b'{"device":"a"}', '{"device":"a"}', None),
        (b'{"ts":1,"device":"a', '{"ts":1,"device":"a', None),
        (b'{"ts":1,"device":5}', '{"ts":1,"device":5}', None),
        (b'{"ts":1,"device":"a"}', '"{\\"ts\\":1,\\"device\\":\\"a\\"}"', '{"ts":1,"device":"a"}'),
        (b' {"ts":1,', '" {\\"ts\\":1,"', None),
        (b"[1]", '"[1]"', None),
        (b"a\nb", '"a\\nb"', None),
        (b"\x00\n\xff", '"\\u0000\\n\\\\xff"', None),
        (b" ", '" "', None),
        (b"", '""', None),
    ],
)
def test_a_row_that_is_no_reading_is_none_to_a_job_either(content: bytes, expected: str, kept: str | None) -> None:
    assert odd_row(content) == expected
    assert odd_row(content, keep_objects=True) == (kept or expected)
