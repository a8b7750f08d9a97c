"""A replay at the recorded pace that takes more than an hour says so before it begins."""

import gzip
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.feed_input.inputs import FeedInputs
from publisher.replay.duration import announcement, recorded_span_us
from publisher.replay.recording import Recording
from publisher.replay.row_reader import FeedRowReader
from publisher.replay.selection import Selection
from telemetry.feed.parse import parse_feed

HOUR = 3_600
ROWS = [f"{n * 60},a,20" for n in range(6_001)]  # 100 hours, a row a minute, several tails long


def write(path: Path, rows: list[str], header: str = "ts,device,temp") -> str:
    content = "\n".join([header, *rows, ""]).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def recording(*inputs: str, loop: int = 1, mapping: dict[str, str] | None = None, **selection: int) -> Recording:
    return Recording(inputs, mapping or {}, Selection(**selection), loop, "original", 1, False, "run")


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_the_span_lies_between_the_first_row_and_the_last(name: str, tmp_path: Path) -> None:
    assert recorded_span_us(recording(write(tmp_path / name, ROWS))) == 100 * HOUR * 1_000_000


def test_options_that_choose_rows_count(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", ROWS)
    assert recorded_span_us(recording(path, limit=61)) == HOUR * 1_000_000
    chosen = recording(path, start_us=10 * HOUR * 1_000_000, end_us=12 * HOUR * 1_000_000)
    assert recorded_span_us(chosen) == 2 * HOUR * 1_000_000


def test_several_files_are_one_recording(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.csv", ROWS[:60]), write(tmp_path / "b.csv", ROWS[60:121])]
    assert recorded_span_us(recording(*paths)) == 2 * HOUR * 1_000_000


def test_columns_are_mapped_and_lines_that_fit_no_header_are_passed_over(tmp_path: Path) -> None:
    rows = ["0,a,1", "7200,a,1", "broken", "9e99,a,1", ",a,1"]
    path = write(tmp_path / "rows.csv", rows, header="time,device,temp")
    assert recorded_span_us(recording(path, mapping={"time": "ts"})) == 2 * HOUR * 1_000_000


@pytest.mark.parametrize("rows", [[], ["noon,a,1"]])
def test_without_a_time_nothing_is_known(rows: list[str], tmp_path: Path) -> None:
    assert recorded_span_us(recording(write(tmp_path / "rows.csv", rows))) is None


def test_standard_input_is_not_read_ahead() -> None:
    assert recorded_span_us(recording("-")) is None


@pytest.mark.parametrize(
    ("rows", "loop", "speed", "line"),
    [
        (61, 1, 1.0, None),
        (62, 1, 1.0, "at the recorded pace this takes 1 h 1 min; --speed max publishes without waiting"),
        (6_001, 1, 1.0, "at the recorded pace this takes 100 h 0 min; --speed max publishes without waiting"),
        (6_001, 1, 60.0, "at 60 times the recorded pace this takes 1 h 40 min; --speed max publishes without waiting"),
        (6_001, 1, 100.0, None),
        (61, 2, 1.0, "at the recorded pace this takes 2 h 0 min; --speed max publishes without waiting"),
    ],
)
def test_what_takes_more_than_an_hour_is_announced(
    rows: int, loop: int, speed: float, line: str | None, tmp_path: Path
) -> None:
    assert announcement(recording(write(tmp_path / "rows.csv", ROWS[:rows]), loop=loop), speed) == line


@pytest.mark.parametrize("rows", [range(5), [3, 0, 4, 1]])
def test_foreign_files_are_read_for_their_times(rows: Iterable[int], tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("t;v\n" + "".join(f"{1_594_512_000 + row};1\n" for row in rows))
    feed = parse_feed("version: 1\ncsv: {delimiter: ';'}\ntime: {column: t}\ndevice: {name: x}")
    foreign = FeedRowReader(FeedInputs([str(path)], feed))
    assert recorded_span_us(replace(recording(str(path)), foreign=foreign)) == 4_000_000
