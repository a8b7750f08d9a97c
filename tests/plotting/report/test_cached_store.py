"""Check that a report reads each kind of result once."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from plotting.data.source import refusal
from plotting.report import command
from plotting.report.cached_store import CachedStore
from telemetry.storage.result_store import FileStore
from tests.support.report_pages import make, small_run

KEPT = {"aggregates": ("device", "metric", "count"), "anomalies": ("device",)}


class Counting(FileStore):
    """Files, and how often each kind of record was asked for."""

    flag = "--bigquery"

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        object.__setattr__(self, "asked", Counter())

    asked: Counter[str]

    def check_has_results(self) -> None:
        self.asked["check"] += 1
        super().check_has_results()

    def tables(self, kind, columns):
        self.asked[kind] += 1
        return super().tables(kind, columns)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    return Counting(small_run(tmp_path / "run"))


def rows(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


@pytest.mark.parametrize("columns", [("device",), ("count", "device"), ("metric", "count", "device")])
def test_columns_that_are_kept_are_read_once(store: Counting, columns: Sequence[str]) -> None:
    expected = FileStore(store.folder).read("aggregates", columns)
    kept = CachedStore(store, KEPT)
    for table in (
        kept.read("aggregates", columns),
        *kept.tables("aggregates", columns),
        kept.read("aggregates", columns),
    ):
        assert table.schema == expected.schema
        assert rows(table) == rows(expected)
    assert store.asked == {"aggregates": 1}
    kept.read("anomalies", ["device"])
    kept.read("anomalies", ["device"])
    assert store.asked == {"aggregates": 1, "anomalies": 1}


@pytest.mark.parametrize(("kind", "columns"), [("dead_letters", ["reason"]), ("aggregates", ["device", "mean"])])
def test_others_are_read_whenever_they_are_asked_for(store: Counting, kind: str, columns: list[str]) -> None:
    kept = CachedStore(store, KEPT)
    expected = FileStore(store.folder).read(kind, columns)
    assert rows(kept.read(kind, columns)) == rows(pa.concat_tables(kept.tables(kind, columns))) == rows(expected)
    assert store.asked == {kind: 2}


def test_the_rest_is_the_store(store: Counting) -> None:
    kept = CachedStore(store, KEPT)
    kept.check_has_results()
    kept.check_has_results()
    assert store.asked == {"check": 1}
    _, mark = kept.read_new("aggregates", ["device"], None)
    assert len(kept.read_new("aggregates", ["device"], mark)[0]) == 0
    assert str(refusal(kept, "is odd")) == f"--bigquery {store.folder}: is odd"
    assert str(refusal(CachedStore(FileStore("run"), KEPT), "is odd")) == "--results run: is odd"


def test_a_page_reads_its_windows_anomalies_and_incidents_once(
    store: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make(tmp_path, Path(store.folder)).read_text()
    monkeypatch.setattr(command, "open_results", lambda _: store)
    assert make(tmp_path, Path(store.folder)).read_text() == expected
    once = dict.fromkeys(("check", "aggregates", "anomalies", "incidents", "ledger"), 1)
    assert store.asked == once | {"dead_letters": 2}
