"""Rows go out by time, then input, then position, whatever memory and blocks there are."""

import gzip
import random
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.csv_input import CsvTable, read_chunks
from publisher.json_lines import NO_TIME, LineBatch, format_lines
from publisher.replay.order import external_sort
from publisher.replay.order.external_sort import sort_rows
from publisher.replay.order.keyed_lines import EARLIEST_US, Disorder, KeyedLines, add_keys
from publisher.replay.order.merge import merge
from publisher.replay.order.read import find_spans, read_in_order
from publisher.replay.order.scan import Span, find_span
from publisher.replay.recording import Order, Recording
from publisher.replay.selection import Selection
from telemetry.errors import TelemetryError

BASE = 1_594_512_000
TIMES = st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=60)
"""Seconds after `BASE`; None for a row without a time."""


def batch(times: Iterable[int | None], name: str = "") -> LineBatch:
    known = [NO_TIME if time is None else (BASE + time) * 1_000_000 for time in times]
    texts = [f"{name}{number} ü \udce9" for number in range(len(known))]
    return LineBatch(texts, np.array(known, dtype=np.int64), [f"device\n{n}" for n in range(len(known))])


def cut(lines: LineBatch, sizes: Iterator[int]) -> Iterator[LineBatch]:
    start = 0
    while start < len(lines):
        end = start + next(sizes)
        yield LineBatch(lines.texts[start:end], lines.times[start:end], lines.devices[start:end])
        start = end


def sizes(seed: int) -> Iterator[int]:
    numbers = random.Random(seed)
    return iter(lambda: numbers.randint(1, 7), 0)


def expected(inputs: list[list[int | None]]) -> list[str]:
    """Return the texts in order, by a plain sort of all rows."""
    rows = []
    for place, times in enumerate(inputs):
        key = -1
        for number, time in enumerate(times):
            key = key if time is None else time
            rows.append((key, place, number, batch(times, f"{place}-").texts[number]))
    return [text for *_, text in sorted(rows)]


def texts(blocks: Iterable[KeyedLines]) -> list[str]:
    return [text for block in blocks for text in block.lines.texts]


@given(times=TIMES, seed=st.integers(0, 9), memory=st.sampled_from([1, 2_000, 1 << 20]))
def test_a_sort_gives_the_same_rows_with_any_memory(times: list[int | None], seed: int, memory: int) -> None:
    lines = batch(times, "0-")
    blocks = list(sort_rows(add_keys(cut(lines, sizes(seed)), Disorder()), memory))
    assert texts(blocks) == expected([times])
    place = {text: number for number, text in enumerate(lines.texts)}
    for block in blocks:
        for text, time, device in zip(block.lines.texts, block.lines.times, block.lines.devices, strict=True):
            assert (lines.times[place[text]], lines.devices[place[text]]) == (time, device)


@given(inputs=st.lists(TIMES, min_size=1, max_size=5), seed=st.integers(0, 9))
def test_a_merge_is_a_stable_sort(inputs: list[list[int | None]], seed: int) -> None:
    sources = [
        sort_rows(add_keys(cut(batch(times, f"{place}-"), sizes(seed + place)), Disorder()), 3_000)
        for place, times in enumerate(inputs)
    ]
    assert texts(merge(sources)) == expected(inputs)


def test_many_runs_are_merged_in_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    most_open = 0
    files: list[Any] = []
    real = tempfile.TemporaryFile

    def make(**options: Any) -> Any:
        nonlocal most_open
        files.append(real(**options))
        most_open = max(most_open, sum(not file.closed for file in files))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    monkeypatch.setattr(external_sort, "_FAN_IN", 3)
    times: list[int | None] = [number * 7919 % 1000 for number in range(1000)]
    blocks = sort_rows(add_keys(cut(batch(times, "0-"), iter(lambda: 10, 0)), Disorder()), 1)
    assert texts(blocks) == expected([times])
    assert len(files) > 100
    assert most_open <= 3 * 5, "a hundred runs, at most three of each level"


def test_a_full_temporary_folder_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**options: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(
        TelemetryError, match=r"temporary folder .*cannot be written: No space left on device; .*TMPDIR"
    ):
        list(sort_rows(add_keys([batch([2, 1])], Disorder()), 1))


def test_disorder_is_measured_against_the_latest_time_before() -> None:
    disorder = Disorder()
    list(add_keys([batch([5, 9, None]), batch([4, 8, 9, 10, None, 3])], disorder))
    assert (disorder.rows, disorder.back_us) == (3, 7_000_000)


def test_clocks_that_were_never_set_move_no_row() -> None:
    lines = LineBatch(list("abcd"), np.array([EARLIEST_US, 0, EARLIEST_US + 1, EARLIEST_US - 1]), list("wxyz"))
    disorder = Disorder()
    assert texts(sort_rows(add_keys([lines], disorder))) == list("abcd")
    assert disorder == Disorder()


def write(path: Path, rows: Iterable[str], header: str = "ts,device,temp") -> str:
    content = "\n".join([header, *rows, ""]).encode("utf-8", "surrogateescape")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


GOOD = [f"{BASE + n}.5,a,{n}" for n in range(50)]
SPAN = Span((BASE * 10 + 5) * 100_000, ((BASE + 49) * 10 + 5) * 100_000)


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
@pytest.mark.parametrize(
    ("rows", "span"),
    [
        (GOOD, SPAN),
        (['"' + row.replace(",", '","') + '"' for row in GOOD], SPAN),
        ([row + "\r" for row in GOOD], SPAN),
        ([*GOOD[:20], "broken", "a,b", ",b,", "soon,b,1", "nan,b,1", "0,b,1", "9e99,b,1", *GOOD[20:]], SPAN),
        ([f"2020-07-12T00:{n // 60:02}:{n % 60:02}.500Z,a,1" for n in range(50)], SPAN),
        ([f"2020-07-12 02:{n // 60:02}:{n % 60:02}.5+02:00,a,1" for n in range(50)], SPAN),
        ([*GOOD[:20], f"{BASE + 20},b", f"{BASE},b,1,2", *GOOD[20:]], None),  # a row without its last cell
        ([*GOOD[:20], f"{BASE},b,1,2", *GOOD[20:]], SPAN),  # no row at all
        ([*GOOD[:20], f"\0{BASE},b,1", *GOOD[20:]], None),
        ([*GOOD, GOOD[0]], None),
        ([*GOOD, *GOOD], None),
        ([], None),
        (["soon,a,1"], None),
        ([*GOOD[:20], f'{BASE},"two', f'{BASE + 90},lines",1', *GOOD[20:]], None),
    ],
)
def test_a_scan_says_which_files_are_in_order(rows: list[str], span: Span | None, name: str, tmp_path: Path) -> None:
    assert find_span(write(tmp_path / name, rows), {}) == span


def test_a_scan_maps_columns_and_skips_what_precedes_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", (f"a,{row.split(',')[0]}" for row in GOOD), "\n  \nwho,at")
    assert find_span(path, {"at": "ts", "who": "device"}) == SPAN


CELLS = st.sampled_from(
    ["", "soon", "nan", "inf", "1e400", "0", "+5", " 7 ", "1_000", "2020-07-12T00:00:01Z", '"', "'"]
)
LINES = st.lists(
    st.one_of(
        st.builds(lambda second, cell: f"{BASE + second},{cell},1", st.integers(0, 9), CELLS),
        st.builds(lambda cell, device: f"{cell},{device},1", CELLS, CELLS),
        st.sampled_from(
            ["", "x", "1,2", '"', f'{BASE},"a', f'{BASE + 5}",b,1', "\r", f"{BASE},a\rb,1", f'"{BASE}"x,a,1']
        ),
    ),
    max_size=12,
)


@given(lines=LINES)
def test_a_scan_never_takes_an_unsorted_file_for_a_sorted_one(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("scan") / "rows.csv", lines)
    span = find_span(path, {})
    disorder = Disorder()
    keys = [key for block in add_keys(format_lines(read_chunks(path, {})), disorder) for key in block.keys.tolist()]
    known = [key for key in keys if key >= 0]
    assert span is None or (disorder.rows == 0 and (not known or (span[0] <= min(known) and span[1] >= max(known))))


def rows_of(paths: list[str], order: Order = "time", **selection: int) -> tuple[list[str], Disorder]:
    disorder = Disorder()
    recording = Recording(tuple(paths), {}, Selection(**selection), 1, "original", 1, False, "run", order)
    return [text for lines in recording.read_pass(disorder) for text in lines.texts], disorder


def line(second: int, device: str) -> str:
    return f'{{"ts":{BASE + second},"device":"{device}","temp":1}}'


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_inputs_are_merged_by_time(suffix: str, tmp_path: Path) -> None:
    first = write(tmp_path / f"a.{suffix}", [f"{BASE + n},a,1" for n in (0, 2, 2, 5)])
    second = write(tmp_path / f"b.{suffix}", [f"{BASE + n},b,1" for n in (1, 2, 9)])
    third = write(tmp_path / f"c.{suffix}", [f"{BASE + n},c,1" for n in (7, 3, 2)])
    expected_rows = [(0, "a"), (1, "b"), (2, "a"), (2, "a"), (2, "b"), (2, "c"), (3, "c"), (5, "a"), (7, "c"), (9, "b")]
    found, disorder = rows_of([first, second, third])
    assert found == [line(*row) for row in expected_rows]
    assert disorder == Disorder(2, 5_000_000)
    assert rows_of([first, second, third], "as-is") == (
        [line(n, "a") for n in (0, 2, 2, 5)] + [line(n, "b") for n in (1, 2, 9)] + [line(n, "c") for n in (7, 3, 2)],
        Disorder(5, 7_000_000),
    )
    assert rows_of([first, second, third], limit=4, start_us=(BASE + 2) * 1_000_000)[0] == found[2:6]


def test_files_in_the_wrong_order_follow_one_another_without_a_sort(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.csv", [f"{BASE + 10 * n + k},a,1" for k in range(10)]) for n in range(40)]
    paths.reverse()
    spans = find_spans(paths, lambda path: find_span(path, {}))

    def read(path: str) -> Iterator[LineBatch]:
        opened.append(path)
        return format_lines(read_chunks(path, {}))

    opened: list[str] = []
    first = next(read_in_order(paths, spans, read, Disorder()))
    assert (first.texts[0], opened) == (line(0, "a"), [paths[-1]]), "only the file that is first in time is open"
    assert rows_of(paths)[0] == [line(n, "a") for n in range(400)]


def test_more_inputs_than_may_be_open_are_sorted_together(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.csv", [f"{BASE + k},{n},1" for k in range(3)]) for n in range(40)]
    assert rows_of(paths)[0] == [line(k, str(n)) for k in range(3) for n in range(40)]


def test_tables_and_lines_that_fit_no_header_keep_together(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", [f"{BASE + 9},a,1", "broken", f"{BASE},b,1", "too"])
    assert any(not isinstance(chunk, CsvTable) for chunk in read_chunks(path, {}))
    assert rows_of([path])[0] == [line(0, "b"), "too", line(9, "a"), "broken"]
