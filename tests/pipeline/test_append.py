"""Several jobs and one output: who may write where others have written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import preflight
from pipeline.__main__ import main
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError
from telemetry.storage.job_markers import JobMarker, jobs_in, read_markers, write_marker
from tests.support.datasets import Dataset
from tests.support.emulators import BigQueryServer, bigquery_server, start_server
from tests.support.jobs import config_of

__all__ = ["bigquery_server", "start_server"]
ROWS = "ts,device,temp\n1594512000,a,20.5\n1594512001,b,31.5\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a job on a.csv into out; return its complaint."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(ROWS)

    def run(*flags: str, source: str = "a.csv", code: int = 0) -> str:
        places = flags if "--bigquery" in flags else ("--output", "out", *flags)
        assert main(["--input", source, *places]) == code
        lines = capsys.readouterr().err.splitlines()
        return lines[0] if code else ""

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_job_again_leaves_the_same_files(run) -> None:
    run()
    before = contents(Path("out"))
    (marker,) = (json.loads(content) for name, content in before.items() if name.startswith(".jobs/"))
    assert (marker["source"], [marker["job_id"]]) == ("a.csv", list(read_markers("out")))
    run()
    assert contents(Path("out")) == before


def test_a_corrected_input_is_another_job_and_is_refused_without_append(run) -> None:
    run()
    (first,) = read_markers("out")
    before = contents(Path("out"))
    Path("a.csv").write_text(ROWS.replace("31.5", "31.6"))
    complaint = run(code=2)
    assert complaint.startswith(f"pipeline: error: --output out: holds results of job {first} (a.csv), this is job ")
    assert complaint.endswith(": give another place, or --append to add to them")
    assert contents(Path("out")) == before
    run("--append")
    assert len(read_markers("out")) == 2
    run()  # it has written there before
    Path("a.csv").write_text(ROWS)
    run()


def test_results_without_a_marker_are_those_of_an_older_release(run) -> None:
    run()
    shutil.rmtree("out/.jobs")
    assert "--output out: holds results of an older release, this is job" in run(code=2)
    run("--append")


def test_a_job_that_wrote_nothing_is_no_other_job(run) -> None:
    write_marker("out", JobMarker("failed-at-start"))
    assert jobs_in("out") == {}
    run()
    assert set(jobs_in("out")) > {"failed-at-start"}


def test_several_other_jobs_are_counted(run) -> None:
    run()
    write_marker("out", JobMarker("0"))
    Path("a.csv").write_text(ROWS + "1594512009,b,1.5\n")
    assert "holds results of job 0 and of 1 more, this is job" in run(code=2)


def test_a_job_with_the_name_of_another_is_refused_even_with_append(run) -> None:
    """A stream on Dataflow has the id of its name; only an update goes on with the panes of the earlier one."""
    run()
    (job,) = read_markers("out")
    config = config_of("--subscription", "projects/p/subscriptions/abc", "--output", "out", "--append")
    preflight.check_destinations(config, job)
    with pytest.raises(ConfigError, match=f"--job_name {job}: out holds results of a job of this name"):
        preflight.check_destinations(config, job, begins=True)
    preflight.check_destinations(config, "another-name", begins=True)


def test_append_needs_a_place(run) -> None:
    assert run("--append", "--print", "--output", "", code=2) == (
        "pipeline: error: --append: needs --output or --bigquery, to add results to"
    )


def test_a_marker_that_is_none_is_reported(run) -> None:
    run()
    Path("out/.jobs/x.json").write_text("{}")
    with pytest.raises(StorageError, match="not the marker of a job"):
        read_markers("out")
    assert run(code=2).startswith("pipeline: error: --output out/.jobs/x.json: not the marker of a job")


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    write_marker(str(tmp_path), JobMarker("a/b ü"))
    write_marker(str(tmp_path), JobMarker("a/b ü", "again"))
    assert read_markers(str(tmp_path)) == {"a/b ü": JobMarker("a/b ü")}


def test_a_dataset_of_another_job_is_refused_without_append(run, bigquery_server: BigQueryServer) -> None:
    flags = [str(flag) for flag in Dataset(bigquery_server).flags]
    run(*flags)
    run(*flags)
    Path("a.csv").write_text(ROWS.replace("31.5", "31.6"))
    assert "holds results of job " in run(*flags, code=2)
    run(*flags, "--append")
