"""Check that the package a worker installs (--setup_file) is complete: the graph's functions run from it alone."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from apache_beam.portability.api import beam_runner_api_pb2 as api
from packaging.requirements import Requirement

from telemetry.rules.parse import load_rules
from tests.support.dataflow_jobs import EVERYTHING, translate

pytestmark = pytest.mark.xdist_group("dataflow")

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parents[1] / "support" / "dataflow_worker.py"
IN_WORKER = ("pipeline", "telemetry", "transforms")
"""Packages whose modules the archive must have, all of them."""


@dataclass(frozen=True)
class Staged:
    """Return the archive and the graph that a launch with ``--setup_file`` stages for the workers."""

    archive: Path
    pipeline: api.Pipeline

    def names(self) -> set[str]:
        """Files in the archive, below its one folder."""
        with tarfile.open(self.archive) as archive:
            names = [one.name for one in archive.getmembers() if one.isfile()]
        assert len({name.partition("/")[0] for name in names}) == 1
        return {name.partition("/")[2] for name in names}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source: building leaves files beside setup.py."""
    copy = tmp_path_factory.mktemp("source") / "telemetry"
    unwanted = shutil.ignore_patterns(".*", "out", "__pycache__", "*.egg-info", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=unwanted)
    return copy


@pytest.fixture(scope="module")
def staged(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("staged")))  # where Beam builds
        pipeline = translate(*EVERYTHING, f"--setup_file={source / 'setup.py'}")
    (environment,) = pipeline.components.environments.values()
    paths = {}
    for one in environment.dependencies:
        name = api.ArtifactStagingToRolePayload.FromString(one.role_payload).staged_name
        paths[name] = Path(api.ArtifactFilePayload.FromString(one.type_payload).path)
    return Staged(paths["workflow.tar.gz"], pipeline)


@dataclass(frozen=True)
class Worker:
    """A Python of its own, with the archive installed and nothing of this source tree in sight."""

    python: Path
    folder: Path

    def run(self, *arguments: object) -> str:
        """Run Python there, elsewhere than here; returns what it printed."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [str(self.python), "-P", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def worker(staged: Staged, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """The archive, installed without its dependencies: those are the ones of this environment, by a .pth file.

    Not by pip: it wants the package `wheel`, which this environment may not have, to build from an archive. It
    would do the same: setup.py of the unpacked archive, into the new environment.
    """
    home = tmp_path_factory.mktemp("worker")
    venv.create(home / "venv", symlinks=True)
    python = home / "venv" / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv")}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    with tarfile.open(staged.archive) as archive:
        archive.extractall(home, filter="data")
    (unpacked,) = home.glob("*/setup.py")
    command = ["setup.py", "--quiet", "install", "--single-version-externally-managed", f"--record={home / 'record'}"]
    Worker(python, unpacked.parent).run("-W", "ignore", *command)
    shutil.rmtree(unpacked.parent)
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    return Worker(python, elsewhere)


def test_the_archive_has_what_the_job_needs(staged: Staged, source: Path) -> None:
    names = staged.names()
    data = {"telemetry/feed/default_feed.yaml", "telemetry/rules/default_rules.yaml"}
    assert {"setup.py", "requirements.txt", *data} <= names
    assert [name for name in names if name.startswith(("tests", "demo", "benchmarks", "docs"))] == []
    for package in IN_WORKER:
        expected = {str(path.relative_to(source)) for path in (source / package).rglob("*.py")}
        assert {name for name in names if name.startswith(f"{package}/") and name.endswith(".py")} == expected


def test_what_is_installed_accepts_the_pinned_dependencies(worker: Worker, source: Path) -> None:
    program = "import importlib.metadata as m; print('\\n'.join(m.requires('iot-telemetry-anomalies')))"
    found = [Requirement(line) for line in worker.run("-c", program).splitlines() if "extra" not in line]
    lines = (source / "requirements.txt").read_text().splitlines()
    pins = {pin.name: pin for pin in map(Requirement, (line for line in lines if line and not line.startswith("#")))}
    assert {one.name for one in found} <= pins.keys()
    for one in found:
        (exact,) = pins[one.name].specifier
        assert one.specifier.contains(exact.version), one


@pytest.fixture(scope="module")
def report(worker: Worker, staged: Staged) -> dict[str, Any]:
    """Return the report of the worker's program."""
    graph = worker.folder / "pipeline.pb"
    graph.write_bytes(staged.pipeline.SerializeToString())
    program = shutil.copy(PROGRAM, worker.folder)
    content: dict[str, Any] = json.loads(worker.run(program, graph))
    return content


def test_the_installed_package_is_what_runs(report: dict[str, Any], worker: Worker) -> None:
    assert {Path(place).is_relative_to(worker.python.parents[1]) for place in report["places"]} == {True}
    assert Path(report["beam"]).is_relative_to(sys.prefix)


def test_every_function_of_the_graph_is_unpickled(report: dict[str, Any]) -> None:
    assert {
        "_Decode",
        "_Detect",
        "_AggregateBatches",
        "StatefulWindows",
        "_CheckKeys",
        "_WriteGathered",
        "_Insert",
    } <= set(report["functions"])
    assert {"_PublishAlerts", "_PublishLetters"} <= set(report["functions"])


def test_a_message_is_decoded_judged_and_aggregated(report: dict[str, Any]) -> None:
    assert report["decoded"] == 3
    assert report["dead_letters"] == ["not_json"]
    assert report["anomalies"] == [["a", 31.5, "temp-high"]]
    assert report["partials"] == [["a", 0, 2, 26.25], ["b", 60_000_000, 1, 12.0]]
    assert report["rules"] == load_rules(None).version


def test_charts_and_the_publisher_are_not_loaded(report: dict[str, Any]) -> None:
    assert [name for name in ("matplotlib", "plotting", "publisher", "tests") if name in report["loaded"]] == []
