"""A package that is missing is named with the extra that installs it, in one line, exit code 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from telemetry.extras import explain_missing, missing_package

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
absent = sys.argv[1].split(",")
class Absent:
    def find_spec(self, name, path=None, target=None):
        if any(f"{name}.".startswith(f"{package}.") for package in absent):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
sys.argv[1:] = sys.argv[2:]
from telemetry.cli.main import main
sys.exit(main())
"""
GCP = "google.cloud.bigquery,google.cloud.storage,google.cloud.dataflow_v1beta3,apitools"
EVERY_EXTRA = f"matplotlib,paho,pandas,tornado,boto3,azure,{GCP}"


def run(absent: str, *args: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `telemetry` where some packages cannot be imported."""
    command = [sys.executable, "-c", PROGRAM, absent, *args]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120)


def install(extra: str) -> str:
    return f"pip install 'iot-telemetry-anomalies[{extra}]'"


@pytest.mark.parametrize(
    ("absent", "args", "problem"),
    [
        ("matplotlib", "report --results r --output r.html", f"matplotlib is not installed: {install('plot')}"),
        ("pandas", "render --results r --output r.png", f"pandas is not installed: {install('plot')}"),
        ("paho", "bridge mqtt://h/a --topic t", f"paho is not installed: {install('mqtt')}"),
        ("tornado", "serve --results r", f"tornado is not installed: {install('plot')}"),
        (GCP, "tables --bigquery p-1234:d --create", f"google.cloud.bigquery is not installed: {install('gcp')}"),
        (GCP, "template validate", f"google.cloud.dataflow_v1beta3 is not installed: {install('gcp')}"),
        (
            GCP,
            "run --input t.csv --bigquery p-1234:d",
            f"--bigquery p-1234:d: google.cloud.bigquery is not installed: {install('gcp')}",
        ),
        ("msgspec", "explore t.csv", "msgspec is not installed: pip install iot-telemetry-anomalies"),
        ("publisher", "replay t.csv", "the package publisher is not part of this installation"),
    ],
)
def test_a_command_without_its_extra(absent: str, args: str, problem: str, tmp_path: Path) -> None:
    ran = run(absent, *args.split(), folder=tmp_path)
    name = "template validate" if args.startswith("template") else args.split()[0]
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"telemetry {name}: error: {problem}\n"


def test_files_of_this_machine_need_no_extra(tmp_path: Path) -> None:
    for args in ("simulate --rows 500 --output t.csv", "explore t.csv", "run --input *.csv --output r"):
        ran = run(EVERY_EXTRA, *args.split(), folder=tmp_path)
        assert ran.returncode == 0, ran.stderr
    assert list((tmp_path / "r" / "aggregates").rglob("*.jsonl"))
    assert run(EVERY_EXTRA, "reconcile", "--output", "r", folder=tmp_path).returncode == 0
    completed = run(EVERY_EXTRA, "completion", "bash", folder=tmp_path)
    assert "reconcile" in completed.stdout


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'pipeline.nowhere'", name="pipeline.nowhere"),
        ModuleNotFoundError("pandas is not used by this run", name="pandas"),
        ImportError("cannot import name 'nothing' from 'telemetry.errors'"),
    ],
)
def test_a_defect_is_not_explained(error: ImportError) -> None:
    assert explain_missing(error) is None


def test_what_is_installed_is_not_missing() -> None:
    assert missing_package("numpy") is None
