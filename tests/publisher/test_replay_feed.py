"""`publisher replay` of foreign files with a real broker: all that a replay does, it does with a feed, too."""

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main as run_pipeline
from publisher.__main__ import main
from tests.support.replayed_feeds import archived
from tests.support.replays import SUBSCRIPTION, Replays, replays

__all__ = ["replays"]

BEGIN_S = 1_594_512_000
FEED = """
version: 1
csv: {delimiter: ";", decimal: ","}
time: {column: when}
device: {column: who}
metrics: {temp: {column: T, high: 100}}
"""


def row(step: int, value: str = "21,5") -> str:
    return f"{BEGIN_S + step};{'ab'[step % 2]};{value}"


def line(step: int, value: str = "21.5") -> str:
    return f'{{"ts":{BEGIN_S + step},"device":"{"ab"[step % 2]}","temp":{value}}}'


class FeedReplays:
    """Runs replays with a feed.

    Attributes:
        feed: the file of the feed.
    """

    def __init__(self, replays: Replays) -> None:
        self._replays = replays
        self.folder = replays.folder
        self.feed = replays.folder / "feed.yaml"
        self.feed.write_text(FEED)

    def table(self, *rows: str, name: str = "table.csv") -> str:
        return self._replays.csv(*rows, name=name, header="when;who;T\n")

    def run(self, *args: object, code: int = 0) -> dict[str, Any]:
        return self._replays.run(*args, "--feed", self.feed, code=code)

    def lines(self) -> list[str]:
        return self._replays.lines()

    def received(self) -> Sequence[Any]:
        return self._replays.received()

    def refusal(self, *args: object) -> str:
        """Return the one line about a replay that cannot begin."""
        flags = self._replays.flags
        assert main(["replay", *map(str, args), *flags]) == 2
        out, err = self._replays.capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        return err.removeprefix("publisher: error: ").removesuffix("\n")


@pytest.fixture
def foreign(replays: Replays) -> FeedReplays:
    return FeedReplays(replays)


def test_rows_of_several_files_go_out_in_order_of_time(foreign: FeedReplays) -> None:
    first = foreign.table(row(5), row(1), "x", row(3, "999"), name="first.csv")
    packed = foreign.folder / "second.csv.gz"
    packed.write_bytes(gzip.compress(f"when;who;T\n{row(2)}\n{row(4, '')}\n".encode()))
    documents = foreign.folder / "third.jsonl"
    documents.write_text(f'{{"when":{BEGIN_S},"who":"a","T":"7,5"}}\n')
    summary = foreign.run(first, packed, documents)
    assert foreign.lines() == [
        line(0, "7.5"),
        line(1),
        "x",
        line(2),
        line(3, '"out of range: 999"'),
        f'{{"ts":{BEGIN_S + 4},"device":"a"}}',
        line(5),
    ]
    assert (summary["rows_published"], summary["rows_out_of_order"], summary["out_of_order_by_s"]) == (7, 2, 4.0)
    assert summary["first_event_time"] == "2020-07-12T00:00:00.000000Z"


def test_the_order_of_the_file_a_range_a_limit_and_messages(foreign: FeedReplays) -> None:
    path = foreign.table(*(row(step) for step in (3, 0, 2, 1)))
    foreign.run(path, "--order", "as-is", "--rows-per-message", 3, "--gzip")
    messages = [gzip.decompress(one.data).decode().split("\n") for one in foreign.received()]
    assert messages == [[line(3), line(0), line(2)], [line(1)]]
    foreign.run(path, "--start", BEGIN_S + 1, "--end", BEGIN_S + 3)
    assert foreign.lines() == [line(1), line(2)]
    foreign.run(path, "--limit", 2, "--order-by-device")
    assert [(one.ordering_key, one.data.decode()) for one in foreign.received()] == [("a", line(0)), ("b", line(1))]


def test_passes_follow_one_another(foreign: FeedReplays) -> None:
    foreign.run(foreign.table(row(0), row(1)), "--loop", 2)
    shifts = [float(one.attributes.get("time_shift", 0)) for one in foreign.received()]
    assert shifts == [0, 0, 2, 2]


def test_standard_input(foreign: FeedReplays, monkeypatch: pytest.MonkeyPatch) -> None:
    content = f"when;who;T\n{row(1)}\n{row(0)}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content.encode()))))
    assert foreign.run("-")["run_id"].startswith("stdin-")
    assert foreign.lines() == [line(0), line(1)]


def test_flags_in_place_of_a_feed(foreign: FeedReplays, replays: Replays) -> None:
    path = replays.csv("12.07.2020 02:00,1.5,x", header="Datum,T,note\n", name="room 1.csv")
    flags = ["--time-column", "Datum", "--device", "room 1", "--time-zone", "Europe/Berlin", "--metrics", "T"]
    replays.run(path, *flags)
    tabs = replays.csv(f"{BEGIN_S}\tb\t2", header="at\tid\tT\n", name="b.txt")
    replays.run(tabs, "--time-column", "at", "--device-column", "id", "--delimiter", "tab")
    assert replays.lines() == [
        f'{{"ts":{BEGIN_S},"device":"room 1","T":1.5}}',
        f'{{"ts":{BEGIN_S},"device":"b","T":2}}',
    ]


def test_a_checkpoint_belongs_to_one_feed(foreign: FeedReplays) -> None:
    path, checkpoint = foreign.table(row(0), row(1)), foreign.folder / "progress.json"
    first = foreign.run(path, "--checkpoint", checkpoint)
    assert foreign.run(path, "--checkpoint", checkpoint)["rows_skipped"] == 2
    foreign.feed.write_text(FEED.replace("high: 100", "high: 99"))
    refused = foreign.refusal(path, "--feed", foreign.feed, "--checkpoint", checkpoint)
    assert refused.endswith("of another input or with other options; remove it to begin anew")
    assert foreign.run(path)["run_id"] != first["run_id"]


def test_a_replay_of_which_nothing_is_usable_says_why(foreign: FeedReplays, replays: Replays) -> None:
    path = foreign.table("01/02/2020 10:00;a;1", "02/02/2020 10:00;a;1", "03/02/2020 10:00;a;1")
    assert main(["replay", path, "--feed", str(foreign.feed), *replays.flags]) == 3
    out, err = replays.capsys.readouterr()
    assert json.loads(out)["rows_published"] == 3
    assert err.startswith("publisher: error: no row was usable; the commonest reason is bad_timestamp (3 rows), for ")
    assert "day_first" in err
    assert "in 01/02/2020 10:00;a;1" in err


def test_a_job_reads_the_replay_as_it_reads_the_files(foreign: FeedReplays, tmp_path: Path) -> None:
    path = foreign.table(*(row(step, value) for step, value in enumerate(("21,5", "hot", "999", ""))), "x")
    flags = ["--metrics", "temp", "--archive", "--rules"]
    results = []
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nrules: [{id: hot, metric: temp, above: 30}]\n")
    foreign.run(path)
    sources: list[list[object]] = [
        ["--subscription", SUBSCRIPTION, "--stop-after-idle", "1s"],
        ["--input", path, "--feed", foreign.feed],
    ]
    for number, source in enumerate(sources):
        out, summary = tmp_path / f"out{number}", tmp_path / f"{number}.json"
        words = [*source, *flags, rules, "--output", out, "--summary", summary]
        assert run_pipeline(list(map(str, words))) == 0
        told = json.loads(summary.read_text())
        unread = sum(one["count"] for one in told["values_unread"].values())
        results.append((archived(out, "temp"), sum(told["dead_letters"].values()), unread))
    assert results[0] == results[1]
    assert results[0][1:] == (1, 2)
    assert results[0][0] == [
        ((BEGIN_S + step) * 1_000_000, "ab"[step % 2], value) for step, value in enumerate((21.5, None, None, None))
    ]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--feed", "none.yaml"], "--feed none.yaml: "),
        (["--time-zone", "Mars"], "--time-zone Mars: "),
        (["--delimiter", "ab"], "--delimiter ab: must be one character"),
        (["--device", "a", "--device-column", "b"], "--device a: cannot be combined with --device-column"),
        (["--columns", "ts=when", "--device", "a"], "--columns ts=when: cannot be combined with --device, which "),
        (["--time-column", "wen", "--device-column", "who", "--delimiter", ";"],
         "table.csv: no column wen; did you mean `when`? use --feed or --time-column when"),
        (["--metrics", "ts"], "--metrics ts: 'ts' cannot be a metric"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line(flags: list[str], problem: str, foreign: FeedReplays) -> None:
    assert problem in foreign.refusal(foreign.table(row(0)), *flags)
