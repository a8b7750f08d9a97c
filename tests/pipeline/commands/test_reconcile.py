"""Check the ledger of a job: it passes when all is there, and says what is missing when it is not."""

import json
import random
import shutil
from pathlib import Path

import pytest

from pipeline.__main__ import main
from telemetry.model.kinds import KINDS
from telemetry.model.messages import Message
from telemetry.model.record_batches import has_default
from telemetry.storage.result_names import file_name
from telemetry.storage.result_store import columns_in, parse_table
from tests.support import needs
from tests.support.given_incidents import incidents_given
from tests.support.jobs import Events, ndjson, run_events, run_job
from transforms.outputs.write_files import encode_records

BAD = [
    b"not json", b"[1]", b'{"ts":1}', b'{"ts":"soon","device":"a"}', b'{"ts":true,"device":"a","temp":2}', b"\xff",
    b'{"ts":-5,"device":"a"}', b'{"ts":1e30,"device":"a"}', b'{"ts":1,"device":7}', b'{"ts":NaN,"device":"a","co":1}',
    b'{"ts":1,"device":"","temp":1e999}', b"{", b'{"device":"a","temp":3}', b"null",
]  # fmt: skip


def reconcile(*flags: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], str]:
    """Exit code, lines of output without padding, errors."""
    code = main(["reconcile", *map(str, flags)])
    out, err = capsys.readouterr()
    return code, [" ".join(line.split()) for line in out.splitlines()], err


def reading(number: int) -> bytes:
    return b'{"ts":%d,"device":"d%d","temp":%d.5,"humidity":50}' % (
        1_594_512_000 + number,
        number % 7,
        15 + number % 17,
    )


def test_a_thousand_bad_rows_among_a_hundred_thousand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is a dead letter, each good row a reading, whatever lies beside it."""
    rng = random.Random(7)
    rows = [reading(number) for number in range(99_000)]
    for _ in range(1_000):
        rows.insert(rng.randrange(len(rows)), rng.choice(BAD))
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(rows) + b"\n")
    summary = run_job("--input", tmp_path / "rows.jsonl", "--output", tmp_path / "out")
    assert (summary["rows_decoded"], sum(summary["dead_letters"].values())) == (99_000, 1_000)
    capsys.readouterr()
    code, lines, _ = reconcile("--output", tmp_path / "out", capsys=capsys)
    assert code == 0
    assert lines[-1] == "ledger check passed: every row is accounted for"
    assert "total – 99,000 1,000 0 0 99,000" in [line.removeprefix("| ") for line in lines]
    for reason, number in summary["dead_letters"].items():
        assert f"dead letters, {reason} {number:,} {number:,}" in lines
    assert "readings in final windows, temp 99,000 99,000" in lines


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A stream of two runs, with bad rows, late and too late ones, duplicates, an archive and repeated transitions."""
    events = Events()
    start = 1_594_512_000_000_000

    def message(number: int, rows: list[bytes], run: str, moment_s: int, watermark_us: int | None = None) -> None:
        attributes = {"run_id": run, "message_key": f"{run}-{number}", "rows": str(len(rows))} if run else {}
        events.message(
            Message(b"\n".join(rows), attributes, f"id{number}", start + number, watermark_us),
            start + moment_s * 1_000_000,
        )

    message(0, [reading(n) for n in range(100)], "one", 0)
    message(1, [reading(n) for n in range(100, 150)] + BAD[:3], "two", 100)
    message(0, [reading(n) for n in range(100)], "one", 0)
    events.watermark(start + 120_000_000)
    message(2, [reading(20)], "two", 20)
    passed = start + 2_000_000_000
    events.watermark(passed)
    message(3, [reading(30), reading(31)], "one", 30, passed)
    message(4, [reading(3_000)], "", 3_000, passed)
    out = tmp_path / "out"
    with incidents_given():
        run_events(events, "--output", out, "--dedup", "10m", "--archive")
    capsys.readouterr()
    for name, rows in (("one", 202), ("two", 54)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"run_id": name, "rows_published": rows}))
    return out


def published(run: Path) -> list[object]:
    return ["--published", run.parent / "one.json", "--published", run.parent / "two.json"]


def test_runs_stand_side_by_side(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = reconcile("--output", run, *published(run), capsys=capsys)
    assert lines[2:7] == [
        "run published decoded rejected duplicates too late aggregated",
        "(no run id) – 1 0 0 0 1",
        "one 202 102 0 100 2 100",
        "two 54 51 3 0 0 51",
        "total 256 154 3 100 2 152",
    ]
    assert "readings in final windows, temp 152 152" in lines
    assert "archived readings 154 154" in lines
    assert "transitions of incidents 6 6" in lines, "each of the stream's batches has repeated all of them"
    assert "dead letters, too_late 2 2" in lines
    # A device that publishes without a replay is not in any summary, so the total is one row more.
    assert code == 1
    assert lines[-1] == (
        "ledger check failed: rows of total, decoded or rejected or duplicates, of those published: "
        "257 of 256, 1 too many"
    )


def test_without_the_publishers_numbers_the_results_are_compared_with_the_ledger(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = reconcile("--output", run, capsys=capsys)
    assert (code, lines[-1]) == (0, "ledger check passed: every row is accounted for")


def test_every_single_file_is_missed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(path for path in run.rglob("*.*") if path.is_file())
    assert {path.relative_to(run).parts[0] for path in files} == {
        "aggregates", "anomalies", "dead_letters", "incidents", "ledger", "readings", "rules",
    }  # fmt: skip
    superseded = 0
    for path in files:
        content = path.read_bytes()
        path.unlink()
        code, lines, _ = reconcile("--output", run, capsys=capsys)
        if "aggregates" in path.parts and "-0-" in path.name and code == 0:
            superseded += 1  # its window has a later pane, which repeats it
        else:
            assert code == 1, path
            assert lines[-1].startswith("ledger check failed: "), path
        path.write_bytes(content)
    assert superseded <= 1
    assert reconcile("--output", run, capsys=capsys)[0] == 0


def test_a_file_that_lies_there_twice_counts_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted(run.rglob("*.*")):
        if path.is_file():
            (path.parent / f"again-{path.name}").write_bytes(path.read_bytes())
    assert reconcile("--output", run, capsys=capsys)[0] == 0


def test_rows_that_never_came(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run.parent / "one.json").write_text('{"run_id": "one", "rows_published": 210}')
    (run.parent / "two.json").write_text('{"run_id": "three", "rows_published": 5}')
    code, lines, _ = reconcile("--output", run, *published(run), capsys=capsys)
    assert code == 1
    what = "ledger check failed: rows of {}, decoded or rejected or duplicates, of those published: {}"
    assert what.format("one", "202 of 210, 8 missing") in lines
    assert what.format("three", "0 of 5, 5 missing") in lines


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ([], "--output: nothing to check, give --output or --bigquery"),
        (["--output", "none"], "--output none: no such directory"),
        (["--output", "."], "--output .: no results in it: no .jsonl or .parquet file of the job"),
        (["--output", ".", "--published", "none.json"], "--published none.json: No such file or directory"),
        (["--output", ".", "--published", "list.json"], "--published list.json: is not the summary of a publisher"),
        (["--output", ".", "--published", "text.json"], "--published text.json: is not the summary of a publisher"),
        (["--bigquery", "here"], "--bigquery here: must read PROJECT:DATASET"),
        (["--outputs", "x"], "--outputs: unknown flag, did you mean --output?"),
    ],
)
def test_mistakes(
    flags: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "text.json").write_text('{"run_id": "x", "rows_published": "7"}')
    code, out, err = reconcile(*flags, capsys=capsys)
    assert (code, out) == (2, [])
    assert err.count("\n") == 1
    assert err.startswith(f"pipeline reconcile: error: {problem}")


def test_one_json_document(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reconcile", "--output", str(run), "--output", str(run), "--json"]) == 0
    passed = json.loads(capsys.readouterr().out)
    (store,) = passed["stores"]
    assert (passed["passed"], store["passed"], store["where"], store["jobs"]) == (True, True, str(run), {"a-job": ""})
    assert store["total"] == {
        "name": "total", "published": None, "decoded": 154, "rejected": 3, "duplicates": 100, "too_late": 2
    }  # fmt: skip
    assert {"what": "archived readings", "expected": 154, "found": 154} in store["claims"]
    next((run / "readings").rglob("*.parquet")).unlink()
    assert main(["reconcile", "--output", str(run), *map(str, published(run)), "--json"]) == 1
    failed = json.loads(capsys.readouterr().out)
    assert failed["passed"] is False
    assert any("archived readings" in problem for problem in failed["stores"][0]["problems"])


def test_a_file_that_cannot_be_read_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ledger").mkdir()
    path = tmp_path / "ledger" / "x.jsonl"
    path.write_text("half a li")
    code, lines, err = reconcile("--output", tmp_path, capsys=capsys)
    assert (code, err) == (1, "")
    assert lines[-3] == "ledger check failed: there is no ledger"
    assert lines[-2] == f"ledger check failed: {path}: its name has no hash: no job wrote it under this name"
    assert lines[-1].startswith(f"ledger check failed: {path}: not a file of ledger of the job: ")


def stream(out: Path, rows: list[bytes], job: str, *flags: str) -> None:
    events = Events()
    events.message(Message(b"\n".join(rows), {}, f"m-{job}"), 1_594_512_000_000_000)
    run_events(events, "--output", out, *flags, job_id=job)


def test_a_window_that_a_stop_has_cut_is_whole_and_the_jobs_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream(tmp_path, [reading(n) for n in range(39)], "first")
    stream(tmp_path, [reading(n) for n in range(39, 60)], "second")
    capsys.readouterr()
    code, lines, _ = reconcile("--output", tmp_path, capsys=capsys)
    assert (code, lines[-1]) == (0, "ledger check passed: every row is accounted for")
    assert "readings in final windows, temp 60 60" in lines
    assert "note: 2 jobs have written here: first; second" in lines
    assert lines[-2].startswith("note: 14 parts of windows are of a further job: readers add them")


def test_jobs_do_not_make_up_for_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One job has too much of the rows that another lacks: the sums over all of them are right."""
    for name, count in (("first", 30), ("second", 20)):
        stream(tmp_path / name, [reading(n) for n in range(count)], name, "--metrics", "temp")
    for path in (tmp_path / "second/aggregates").rglob("*.jsonl"):
        path.write_text(path.read_text().replace('"job_id":"second"', '"job_id":"first"'))
        path.rename(path.with_name(file_name(0, 0, path.read_bytes(), "jsonl")))
    shutil.copytree(tmp_path / "second", tmp_path / "first", dirs_exist_ok=True)
    code, lines, _ = reconcile("--output", tmp_path / "first", capsys=capsys)
    assert code == 1
    assert any("job second, hour 2020-07-12T00: readings in final windows, temp: 0 of 20" in line for line in lines)


def test_open_windows_of_a_stopped_stream_are_mentioned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream(tmp_path, [reading(n) for n in range(39)], "first")
    (tmp_path / ".state").mkdir()
    note = f"note: a stream keeps its open windows in {tmp_path}/.state: start it again, or end it with --drain"
    assert note not in reconcile("--output", tmp_path, capsys=capsys)[1]
    next((tmp_path / "aggregates").rglob("*.jsonl")).unlink()
    code, lines, _ = reconcile("--output", tmp_path, capsys=capsys)
    assert code == 1
    assert note in lines


def test_results_of_an_older_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their records name no job, and the ledger has no hours and sums: the counts of all of them are compared."""
    stream(tmp_path, [reading(n) for n in range(39)] + BAD[:2], "x", "--archive")
    for kind in KINDS.values():
        added = [field.name for field in kind.schema() if has_default(field)]
        for path in [path for path in (tmp_path / kind.name).rglob("*.*") if path.is_file()]:
            content = path.read_bytes()
            table = parse_table(kind.name, str(path), content, columns_in(kind.name, str(path), content))
            if kind.name == "ledger":
                sums = [(name, "sum") for name in ("count",)]
                keys = ["run_id", "item", "detail", "day"]
                table = table.group_by(keys).aggregate([*sums, ("entry_id", "min")])
                table = table.rename_columns([*keys, "count", "entry_id"])
            (batch,) = table.drop_columns([name for name in added if name in table.schema.names]).to_batches()
            content = encode_records(batch, path.suffix[1:])  # type: ignore[arg-type]
            path.unlink()
            (path.parent / file_name(0, 0, content, path.suffix[1:])).write_bytes(content)  # type: ignore[arg-type]
    assert reconcile("--output", tmp_path, capsys=capsys)[0] == 0
    next((tmp_path / "aggregates").rglob("*.jsonl")).unlink()
    assert reconcile("--output", tmp_path, capsys=capsys)[0] == 1


def test_results_without_a_ledger_prove_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.jsonl").write_bytes(ndjson([{"ts": 1, "device": "a", "temp": 31}]))
    run_job("--input", tmp_path / "rows.jsonl", "--output", tmp_path / "out")
    for path in (tmp_path / "out" / "ledger").rglob("*.jsonl"):
        path.unlink()
    capsys.readouterr()
    code, lines, _ = reconcile("--output", tmp_path / "out", capsys=capsys)
    assert code == 1
    assert "ledger check failed: there is no ledger" in lines


@pytest.mark.parametrize("flags", [[], ["--window", "10m", "--slide", "5m", "--file-format", "parquet", "--archive"]])
def test_the_founding_data_set(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = needs.data("telemetry_full.csv.gz")
    run_job("--input", path, "--output", tmp_path / "out", *flags)
    capsys.readouterr()
    code, lines, _ = reconcile("--output", tmp_path / "out", capsys=capsys)
    assert (code, lines[-1]) == (0, "ledger check passed: every row is accounted for")
    counted = 405_184 * (2 if flags else 1)
    assert f"readings in final windows, temp {counted:,} {counted:,}" in lines
    assert "anomalies 2,335 2,335" in lines
    random.Random(1).choice(sorted((tmp_path / "out").rglob("20*.*"))).unlink()
    assert reconcile("--output", tmp_path / "out", capsys=capsys)[0] == 1
