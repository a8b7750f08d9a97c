"""Check the flags that name results, and that files and BigQuery give the same pictures."""

import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.__main__ import main as run_job
from plotting.__main__ import main
from plotting.data.panels import TimeRange
from plotting.data.source import add_source, explained, open_results, refusal, store_of
from plotting.figures import KINDS, make_figure, picture_bytes
from plotting.render import render
from plotting.serve.live_run import LiveRun
from plotting.serve.polling import ResultsPoller
from telemetry.bigquery.client import connect
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError
from telemetry.storage.result_store import FileStore, ReadPosition, ResultStore
from tests.support.emulators import BigQueryServer, bigquery_server
from tests.support.readings import frame
from tests.support.report_pages import cards, parse
from tests.support.runs import T0, anomaly, window, write_run

__all__ = ["bigquery_server"]


class Backwards:
    """The files of a folder as a store that is none of ours: records in another order, and twice."""

    def __init__(self, folder: Path) -> None:
        self.files = FileStore(str(folder))

    def check_exists(self) -> None:
        self.files.check_exists()

    def check_has_results(self) -> None:
        self.files.check_has_results()

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        table = self.files.read(kind, columns)
        turned = table.take(pa.array(range(len(table))[::-1], pa.int64()))
        yield from (turned, turned) if kind != "dead_letters" else (turned,)

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        return pa.concat_tables(self.tables(kind, columns))

    def read_new(
        self, kind: str, columns: Sequence[str], position: ReadPosition | None
    ) -> tuple[pa.Table, ReadPosition]:
        raise NotImplementedError

    def __str__(self) -> str:
        return "backwards"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    windows = [window(device, minute, 20.0 + minute) for device in "ab" for minute in range(4)]
    return write_run(tmp_path / "run", windows, [anomaly("a", T0 + n, rule=f"r{n % 2}") for n in range(5)])


def opened(*arguments: str) -> ResultStore:
    parser = OneLineParser()
    add_source(parser)
    return open_results(parser.parse_args(arguments))


def test_a_folder_is_opened_as_files() -> None:
    assert opened("--results", "gs://bucket/run") == FileStore("gs://bucket/run")


def test_a_dataset_is_opened_as_such() -> None:
    store = opened("--bigquery", "project-x:results", "--bigquery-endpoint", "http://127.0.0.1:9")
    assert (type(store).__name__, str(store)) == ("DatasetStore", "project-x:results")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "--results: nothing to read, give --results or --bigquery"),
        (
            ["--results", "run", "--bigquery", "project-x:results"],
            "--results and --bigquery: only one of them can be read",
        ),
        (["--bigquery", "project-x.results"], "--bigquery project-x.results: must read PROJECT:DATASET"),
        (
            ["--results", "run", "--bigquery-endpoint", "http://localhost:1"],
            "--bigquery-endpoint http://localhost:1: needs --bigquery, the dataset",
        ),
        (
            ["--bigquery", "project-x:results", "--bigquery-endpoint", "localhost"],
            "--bigquery-endpoint localhost: must read http://HOST:PORT or https://HOST",
        ),
    ],
)
@pytest.mark.parametrize("command", ["render", "report"])
def test_mistakes_are_one_line_and_exit_code_2(
    command: str, arguments: list[str], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / {"render": "p.png", "report": "p.html"}[command]
    assert main([command, *arguments, "--output", str(output)]) == 2
    assert capsys.readouterr() == ("", f"plotting: error: {problem}\n")
    assert not output.exists()


def test_google_is_loaded_only_if_it_is_asked_for(run: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from plotting.__main__ import main; code = main(sys.argv[1:]);"
        "sys.exit(code or ('google.cloud.bigquery' in sys.modules and 'loaded'))"
    )
    command = ["render", "--results", str(run), "--output", str(tmp_path / "p.png")]
    subprocess.run([sys.executable, "-c", code, *command], check=True, timeout=120)
    ran = subprocess.run(
        [sys.executable, "-c", code.replace("code or", ""), "render", "--output", str(tmp_path / "p.png"),
         "--bigquery", "project-x:results", "--bigquery-endpoint", "http://127.0.0.1:9"],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.stderr.splitlines() == [
        "plotting: error: --bigquery project-x:results: BigQuery does not answer (http://127.0.0.1:9)",
        "loaded",
    ]


def test_a_path_is_made_a_store_and_a_store_stays(tmp_path: Path) -> None:
    store = Backwards(tmp_path)
    assert store_of(store) is store
    assert store_of(tmp_path) == store_of(str(tmp_path)) == FileStore(str(tmp_path))


def test_what_is_wrong_with_results_is_said_of_their_flag(tmp_path: Path) -> None:
    flags = ["--bigquery", "project-x:results", "--bigquery-endpoint", "http://127.0.0.1:9"]
    assert str(refusal(opened(*flags), "is odd")) == "--bigquery project-x:results: is odd"
    assert str(refusal(FileStore("run"), "is odd")) == "--results run: is odd"
    with pytest.raises(ConfigError, match=r"^--results run/a: is odd$"), explained():
        raise StorageError("run/a", "is odd")


@pytest.mark.parametrize("kind", KINDS)
def test_any_store_can_be_drawn_in_whatever_order_it_answers(kind: str, run: Path, tmp_path: Path) -> None:
    expected = picture_bytes(make_figure(kind, run), "png")
    assert picture_bytes(make_figure(kind, Backwards(run)), "png") == expected
    render(Backwards(run), tmp_path / "p.png", figure=kind)
    assert (tmp_path / "p.png").read_bytes() == expected


class Twice:
    """A run that the job wrote to a folder and to a dataset at once."""

    def __init__(self, folder: Path, server: BigQueryServer) -> None:
        target = BigQueryTarget(server.project, f"t{uuid.uuid4().hex[:12]}", endpoint=server.endpoint)
        connect(target).create_dataset(f"{target.project}.{target.dataset}")
        source = folder / "rows.csv"
        frame().to_csv(source, index=False)
        source.write_text(source.read_text() + "soon,d1,1,1,1,1,1\n")
        dataset = ["--bigquery", str(target), "--bigquery-endpoint", server.endpoint]
        results = str(folder / "run")
        assert run_job(["--input", str(source), "--output", results, *dataset, "--archive"]) == 0
        self.names = [results, str(target)]
        self.sources = [["--results", results], dataset]
        self.readings = ["--readings", f"{results}/readings"]


@pytest.fixture
def twice(tmp_path: Path, bigquery_server: BigQueryServer) -> Twice:
    return Twice(tmp_path, bigquery_server)


def test_pictures_and_reports_are_the_same_from_files_and_from_a_dataset(
    twice: Twice, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.png"

    def picture(*arguments: str) -> bytes:
        assert main(["render", "--output", str(file), *arguments]) == 0
        return file.read_bytes()

    for extra in ([], twice.readings, ["--figure", "trend"], ["--figure", "overview"], ["--metric", "co"]):
        first, second = (picture(*source, *extra) for source in twice.sources)
        assert first == second, extra
    pages = []
    for name, source in zip(twice.names, twice.sources, strict=True):
        page = tmp_path / "p.html"
        assert main(["report", "--output", str(page), *source, *twice.readings]) == 0
        assert cards(parse(page)) == {
            "Anomalies": "85",
            "Incidents": "85",
            "Devices": "3",
            "Readings decoded": "1,029",
            "Values of temp": "1,029",
            "Windows of temp": "360",
            "Dead letters": "1",
        }
        pages.append(page.read_text().replace(name, "NAME"))
    assert "NAME" in pages[0]
    assert pages[0] == pages[1]


def test_a_dataset_is_followed_as_a_folder_is(twice: Twice) -> None:
    runs = []
    for source in twice.sources:
        follower, live = ResultsPoller(opened(*source)), LiveRun()
        assert all(live.add(kind, table) for kind, table in follower.poll())
        again = [live.add(kind, table) for kind, table in follower.poll()]
        assert not any(again)  # what a dataset repeats is known
        runs.append(live)
    files, dataset = runs
    assert (files.windows, files.anomalies.total, files.letters.total) == (1800, 85, 1)
    assert (dataset.windows, dataset.anomalies.total, dataset.letters.total) == (1800, 85, 1)
    for metric in files.metrics():
        for one, other in zip(
            *(run.panel_content(metric, (), TimeRange(), readings=False).panels for run in runs), strict=True
        ):
            assert (one.device, one.thresholds) == (other.device, other.thresholds)
            for part in fields(one.windows):
                assert getattr(one.windows, part.name).tolist() == getattr(other.windows, part.name).tolist()
            assert one.anomalies.times.tolist() == other.anomalies.times.tolist()


@pytest.mark.parametrize("command", ["render", "report"])
def test_what_a_dataset_does_not_have_is_said_of_bigquery(
    command: str, twice: Twice, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = ["--output", str(tmp_path / {"render": "p.png", "report": "p.html"}[command])]
    missing = [flag.replace(twice.names[1], "telemetry-test:nowhere") for flag in twice.sources[1]]
    capsys.readouterr()
    assert main([command, *missing, *output]) == 2
    assert capsys.readouterr().err.startswith(
        "plotting: error: --bigquery telemetry-test:nowhere: no such dataset; create it "
    )
    if command == "render":
        assert main([command, *twice.sources[1], *output, "--end", "10"]) == 2
        assert capsys.readouterr().err == (
            f"plotting: error: --bigquery {twice.names[1]}: nothing to draw: no temp in the time range asked for\n"
        )
