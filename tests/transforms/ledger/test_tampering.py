"""The ledger check notices what happens to stored results: each kind of damage, in each kind of file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry.model.kinds import KINDS
from telemetry.storage.result_names import file_name
from telemetry.storage.result_store import columns_in, parse_table
from tests.support.given_incidents import incidents_given
from tests.support.jobs import imbalances, run_job
from transforms.outputs.write_files import encode_records

FORMATS = ("jsonl", "parquet")
START = 1_594_512_000
Row = dict[str, Any]
Edit = Callable[[list[Row]], None]


def reading(number: int) -> str:
    """One of four readings of a minute; two devices, three hours, values that differ."""
    temp = 20 + number % 37 * 0.375
    return f"{START + number * 17},d{number % 2},{temp},{40 + number % 11 * 0.7}"


@pytest.fixture(scope="module", params=FORMATS)
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a job with anomalies, incidents, dead letters and an archive."""
    root: Path = tmp_path_factory.mktemp(request.param)
    rows = [reading(number) for number in range(600)]
    rows[100:100] = ["soon,d1,21,40", "1594512001,d1,hot,40", "bad"]
    (root / "rows.csv").write_text("\n".join(["ts,device,temp,humidity", *rows]) + "\n")
    with incidents_given():
        run_job("--input", root / "rows.csv", "--output", root / "out", "--archive", "--metrics", "temp,humidity",
                "--file-format", request.param)  # fmt: skip
    assert imbalances(root / "out") == []
    return root / "out"


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    shutil.copytree(results, tmp_path / "copy")
    return tmp_path / "copy"


def files(folder: Path, kind: str) -> list[Path]:
    return sorted(path for path in (folder / kind).rglob("*.*") if path.is_file())


def largest(folder: Path, kind: str) -> Path:
    return max(files(folder, kind), key=lambda path: (path.stat().st_size, path.name))


def read(kind: str, path: Path) -> pa.Table:
    content = path.read_bytes()
    return parse_table(kind, str(path), content, columns_in(kind, str(path), content))


def rewrite(kind: str, path: Path, edit: Edit, *, rename: bool) -> None:
    """Change the records of a file; with `rename` under a name that is right for its new content."""
    table = read(kind, path)
    rows = table.to_pylist()
    edit(rows)
    names = table.schema.names
    metrics = [name for name in names if name not in KINDS[kind].schema().names]
    (batch,) = pa.Table.from_pylist(rows, KINDS[kind].schema(metrics)).combine_chunks().to_batches() or [None]
    content = b"" if batch is None else encode_records(batch, path.suffix[1:])  # type: ignore[arg-type]
    path.unlink()
    name = file_name(0, 0, content, path.suffix[1:]) if rename else path.name  # type: ignore[arg-type]
    (path.parent / name).write_bytes(content)


def remove(folder: Path, kind: str) -> None:
    largest(folder, kind).unlink()


def remove_folder(folder: Path, kind: str) -> None:
    shutil.rmtree(folder / kind)


def remove_day(folder: Path, kind: str) -> None:
    shutil.rmtree(largest(folder, kind).parent.parent)


def cut(folder: Path, kind: str) -> None:
    path = largest(folder, kind)
    path.write_bytes(path.read_bytes()[:-20])


def empty(folder: Path, kind: str) -> None:
    largest(folder, kind).write_bytes(b"")


def flip(folder: Path, kind: str) -> None:
    path = largest(folder, kind)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(folder: Path, kind: str) -> None:
    """Exchange the contents of two files; the only one of a kind is exchanged with one of the ledger."""
    first, second = (files(folder, kind) + files(folder, "ledger" if kind != "ledger" else "anomalies"))[:2]
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


def drop_last(rows: list[Row]) -> None:
    rows.pop()


def drop_middle(rows: list[Row]) -> None:
    del rows[len(rows) // 2]


FILE_DAMAGE = [remove, remove_folder, remove_day, cut, empty, flip, swap]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", FILE_DAMAGE)
def test_a_file_that_is_missing_or_damaged(copy: Path, kind: str, damage: Callable[[Path, str], None]) -> None:
    damage(copy, kind)
    assert imbalances(copy)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("edit", [drop_last, drop_middle])
@pytest.mark.parametrize("rename", [False, True])
def test_a_record_that_is_missing(copy: Path, kind: str, edit: Edit, rename: bool) -> None:
    rewrite(kind, largest(copy, kind), edit, rename=rename)
    assert imbalances(copy)


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_harmless(copy: Path, kind: str) -> None:
    for path in files(copy, kind):
        shutil.copy(path, path.with_name(path.name.replace("Z-", "Z-9-")))
        shutil.copy(path, path.with_name(f"again-{path.name}"))
    assert imbalances(copy) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [False, True])
def test_a_file_in_the_folder_of_another_hour(copy: Path, kind: str, keep: bool) -> None:
    path = largest(copy, kind)
    target = copy / kind / "date=2031-01-01" / "hour=07"
    target.mkdir(parents=True)
    (shutil.copy if keep else shutil.move)(path, target / path.name)
    (problem,) = imbalances(copy)
    assert problem.startswith(f"{target / path.name}: it holds records of date=")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_under_a_name_that_no_job_gives(copy: Path, kind: str) -> None:
    path = largest(copy, kind)
    path.rename(path.with_name(f"mine{path.suffix}"))
    (problem,) = imbalances(copy)
    assert problem.endswith("its name has no hash: no job wrote it under this name")


def put(name: str, value: Any) -> Edit:
    def edit(rows: list[Row]) -> None:
        assert rows[0][name] != value
        rows[0][name] = value

    return edit


def flipped(name: str) -> Edit:
    def edit(rows: list[Row]) -> None:
        rows[0][name] = not rows[0][name]

    return edit


def scaled(name: str) -> Edit:
    def edit(rows: list[Row]) -> None:
        rows[0][name] *= 1.000001

    return edit


def same_metric(rows: list[Row]) -> tuple[Row, Row]:
    """Return two windows of equal counts, but of other devices and values."""
    first = rows[0]
    second = next(
        row for row in rows
        if row["metric"] == first["metric"] and row["count"] == first["count"] and row["mean"] != first["mean"]
        and row["device"] != first["device"]
    )  # fmt: skip
    return first, second


def shift_counts(rows: list[Row]) -> None:
    first, second = same_metric(rows)
    first["count"] += 1
    second["count"] -= 1


def swap_fields(*names: str) -> Edit:
    def edit(rows: list[Row]) -> None:
        first, second = same_metric(rows)
        for name in names:
            first[name], second[name] = second[name], first[name]

    return edit


def swap_columns(rows: list[Row]) -> None:
    rows[0]["temp"], rows[0]["humidity"] = rows[0]["humidity"], rows[0]["temp"]


def move_hour(name: str) -> Edit:
    def edit(rows: list[Row]) -> None:
        from datetime import timedelta

        rows[0][name] += timedelta(minutes=1)

    return edit


EDITS: dict[str, tuple[str, Edit]] = {
    "mean": ("aggregates", put("mean", 999.0)),
    "mean, a little": ("aggregates", scaled("mean")),
    "max": ("aggregates", put("max", 999.0)),
    "min": ("aggregates", put("min", -999.0)),
    "count": ("aggregates", put("count", 1)),
    "device": ("aggregates", put("device", "nobody")),
    "metric": ("aggregates", put("metric", "nothing")),
    "window": ("aggregates", move_hour("window_start")),
    "counts of two windows": ("aggregates", shift_counts),
    "devices of two windows": ("aggregates", swap_fields("device")),
    "means of two windows": ("aggregates", swap_fields("mean")),
    "job of a window": ("aggregates", put("job_id", "another")),
    "anomaly value": ("anomalies", put("value", -5.0)),
    "anomaly device": ("anomalies", put("device", "nobody")),
    "anomaly rule": ("anomalies", put("rule_id", "nothing")),
    "anomaly threshold": ("anomalies", put("threshold", 1.0)),
    "anomaly time": ("anomalies", move_hour("event_time")),
    "anomaly message": ("anomalies", put("message_id", "m")),
    "transition's incident": ("incidents", put("incident_id", "another")),
    "transition's number": ("incidents", put("sequence", 77)),
    "transition's state": ("incidents", put("state", "shelved")),
    "transition's rule": ("incidents", put("rule_id", "nothing")),
    "transition's value": ("incidents", put("value", -5.0)),
    "transition's value that is missing": ("incidents", put("value", None)),
    "transition's time": ("incidents", move_hour("event_time")),
    "transition's opening": ("incidents", move_hour("opened_at")),
    "transition's reason": ("incidents", put("reason", "nothing")),
    "transition that is stale": ("incidents", flipped("stale")),
    "transition that is the first": ("incidents", flipped("first")),
    "transition's job": ("incidents", put("job_id", "another")),
    "payload": ("dead_letters", put("payload", "AAAA")),
    "reason": ("dead_letters", put("reason", "too_late")),
    "error": ("dead_letters", put("error", "nothing")),
    "attributes": ("dead_letters", put("attributes", '{"a":"b"}')),
    "line": ("dead_letters", put("line", 77)),
    "ledger count": ("ledger", put("count", 77)),
    "ledger job": ("ledger", put("job_id", "another")),
    "ledger run": ("ledger", put("run_id", "another")),
    "ledger day": ("ledger", put("day", None)),
    "ledger sum": ("ledger", lambda rows: rows[-1].update(total=77.0)),
    "archived value": ("readings", put("temp", 1.5)),
    "archived value that is missing": ("readings", put("temp", None)),
    "archived device": ("readings", put("device", "nobody")),
    "archived time": ("readings", move_hour("source_time")),
    "archived values of two metrics": ("readings", swap_columns),
    "archived line": ("readings", put("line", 77)),
}  # fmt: skip
UNDER_ANOTHER_NAME = {
    "stddev": ("aggregates", put("stddev", 77.0)),
    "first": ("aggregates", put("first", 77.0)),
    "anomaly_count": ("aggregates", put("anomaly_count", 77)),
}
"""Columns that only the hash in the name of a file protects."""


@pytest.mark.parametrize("name", [*EDITS, *UNDER_ANOTHER_NAME])
def test_a_value_that_was_edited(copy: Path, name: str) -> None:
    kind, edit = {**EDITS, **UNDER_ANOTHER_NAME}[name]
    path = largest(copy, kind)
    rewrite(kind, path, edit, rename=False)
    assert any(str(path) in problem for problem in imbalances(copy))


@pytest.mark.parametrize("name", EDITS)
def test_a_value_that_was_edited_by_somebody_who_knows_how_files_are_named(copy: Path, name: str) -> None:
    kind, edit = EDITS[name]
    rewrite(kind, largest(copy, kind), edit, rename=True)
    problems = imbalances(copy)
    assert problems
    assert not any("is not that of its name" in problem for problem in problems)


def test_a_second_version_of_a_record_beside_the_first(copy: Path) -> None:
    for kind, edit in (
        ("aggregates", put("stddev", 77.0)),
        ("anomalies", put("threshold", 77.0)),
        ("incidents", put("worst", 77.0)),
    ):
        path = largest(copy, kind)
        content = path.read_bytes()
        rewrite(kind, path, edit, rename=True)
        path.write_bytes(content)
    problems = imbalances(copy)
    assert "1 panes are stored several times with different content" in problems
    for label in ("anomalies", "transitions of incidents"):
        assert any(label in problem and "1 too many" in problem for problem in problems)


def test_rows_that_are_in_another_order_or_other_files_are_the_same(copy: Path) -> None:
    for kind in KINDS:
        path = largest(copy, kind)
        table = read(kind, path)
        metrics = [name for name in table.schema.names if name not in KINDS[kind].schema().names]
        rows = table.to_pylist()[::-1]
        path.unlink()
        for part in (rows[::2], rows[1::2]):
            if part:
                (batch,) = pa.Table.from_pylist(part, KINDS[kind].schema(metrics)).combine_chunks().to_batches()
                content = encode_records(batch, path.suffix[1:])  # type: ignore[arg-type]
                (path.parent / file_name(0, 0, content, path.suffix[1:])).write_bytes(content)  # type: ignore[arg-type]
    assert imbalances(copy) == []


def test_files_of_another_program_are_named_and_do_not_end_the_check(copy: Path) -> None:
    (largest(copy, "aggregates").parent / "notes.jsonl").write_text(json.dumps({"a": 1}))
    pq.write_table(pa.table({"a": [1]}), largest(copy, "readings").parent / "notes.parquet")
    problems = imbalances(copy)
    assert sum("notes.jsonl: not a file of aggregates" in problem for problem in problems) == 1
    assert sum("notes.parquet: not a file of readings" in problem for problem in problems) == 1
