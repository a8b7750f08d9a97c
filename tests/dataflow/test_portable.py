"""The same graph on another runner, through Beam's job API: the results are the oracle's, and those of a local run."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.__main__ import main
from telemetry.storage.files import StorageError
from tests.support import oracle
from tests.support.jobs import EARLY, check, ndjson, records
from tests.support.readings import frame
from transforms.decode import collect_messages
from transforms.outputs import write_files

PORTABLE = ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"]
"""A job server and a worker in this process, which speak the protocols that Dataflow and its workers speak."""


@pytest.fixture
def rows() -> pd.DataFrame:
    return frame()


@pytest.fixture
def source(rows: pd.DataFrame, tmp_path: Path) -> Path:
    """Three files: CSV, JSON lines with lines that are none, and compressed CSV."""
    folder = tmp_path / "source"
    folder.mkdir()
    first, second, third = rows.iloc[0::3], rows.iloc[1::3], rows.iloc[2::3]
    first.to_csv(folder / "1.csv", index=False)
    (folder / "2.jsonl").write_bytes(b"no reading\n" + ndjson(records(second)) + b'\n{"ts":1}\n')
    third.to_csv(folder / "3.csv.gz", index=False)
    return folder


@pytest.fixture(autouse=True)
def each_message_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file gives a batch of its own, although they come in one bundle: so there is something to merge."""
    monkeypatch.setattr(collect_messages, "GROUP_BYTES", 1)


def run(source: Path, out: Path, *flags: str) -> dict[str, bytes]:
    """Run the job; returns all of its results."""
    assert main([*EARLY, "--input", f"{source}/*", "--output", str(out), *flags]) == 0
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("[!.]*/**/*") if path.is_file()}


@pytest.mark.parametrize(
    ("flags", "slide"),
    [
        pytest.param([], None, id="plain"),
        pytest.param(["--file-format=parquet", "--archive", "--shards=3", "--slide=20s"], 20, id="all options"),
    ],
)
def test_results_are_those_of_the_oracle_and_of_a_local_run(
    flags: list[str], slide: int | None, source: Path, rows: pd.DataFrame, tmp_path: Path
) -> None:
    found = run(source, tmp_path / "portable", *flags, *PORTABLE)
    check(tmp_path / "portable", rows, slide)
    letters = oracle.read_output(tmp_path / "portable", "dead_letters")
    assert sorted(letters.reason) == ["missing_field", "not_json"]
    assert found == run(source, tmp_path / "local", *flags)


def test_the_counters_of_the_runner_are_shown(
    source: Path, rows: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(source, tmp_path / "out", *PORTABLE)
    lines = dict(line.rsplit(None, 1) for line in capsys.readouterr().err.splitlines())
    assert lines["rows decoded"] == f"{len(rows):,}"
    assert (lines["dead letters"], lines["  not_json"], lines["  missing_field"]) == ("2", "1", "1")


def test_the_summary_is_written(source: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    run(source, tmp_path / "out", "--summary", str(summary), *PORTABLE)
    found = json.loads(summary.read_text())
    assert (found["rows_decoded"], found["dead_letters"]) == (len(rows), {"missing_field": 1, "not_json": 1})


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    """A place that takes nothing more once the job runs."""

    def write_file(path: str, content: bytes) -> None:
        raise StorageError(path, "no space left")

    monkeypatch.setattr(write_files, "write_file", write_file)
    return write_file


def test_a_job_that_fails_says_why_in_its_last_line(
    refuses: object, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """This runner logs the whole stack before that; Dataflow's does not."""
    out = tmp_path / "out"
    assert main(["--input", f"{source}/*", "--output", str(out), *PORTABLE]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"pipeline: error: --output {out}: cannot be written: {out}/")
    assert line.endswith(": no space left")
