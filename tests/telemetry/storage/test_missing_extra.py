"""Run commands in a process in which the client of an object store is not installed."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sources import ROOT

WITHOUT = """
import importlib, sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name in packages or name.startswith(tuple(f"{package}." for package in packages)):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

packages = sys.argv[1].split(",")
sys.meta_path.insert(0, NotInstalled())
sys.exit(importlib.import_module(sys.argv[2]).main(sys.argv[3:]))
"""
STORES = pytest.mark.parametrize(
    ("packages", "root", "extra"),
    [
        ("boto3,botocore", "s3://bucket/a", "aws"),
        ("azure", "azfs://account/container/a", "azure"),
        ("google.cloud,google.auth,google.api_core", "gs://bucket/a", "gcp"),
    ],
)
S3 = pytest.mark.parametrize(("packages", "root", "extra"), [("boto3,botocore", "s3://bucket/a", "aws")])


def run(packages: str, program: str, *args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, packages, program, *map(str, args)]
    env = {**os.environ, "MPLBACKEND": "Agg"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)


def problem(root: str, extra: str) -> str:
    scheme = root.partition(":")[0]
    return f"{scheme}:// needs an extra that is not installed: pip install 'iot-telemetry-anomalies[{extra}]'"


@pytest.mark.parametrize(
    "flags", [("--input", "gs://bucket/a/*.csv", "--print"), ("--input", "x", "--output", "gs://bucket/a")]
)
def test_a_bucket_of_google_needs_the_extra_gcp(flags: tuple[str, ...]) -> None:
    ran = run("google.cloud.storage", "pipeline.__main__", *flags)
    flag, path = next((flag, path) for flag, path in itertools.pairwise(flags) if path.startswith("gs://"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"pipeline: error: {flag} {path}: {problem('gs:', 'gcp')}\n"


@STORES
def test_an_output_needs_its_extra(packages: str, root: str, extra: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("ts,device,temp\n1,a,31\n")
    ran = run(packages, "pipeline.__main__", "--input", rows, "--output", root)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"pipeline: error: --output {root}: {problem(root, extra)}\n"


@STORES
def test_an_input_needs_its_extra(packages: str, root: str, extra: str, tmp_path: Path) -> None:
    ran = run(packages, "pipeline.__main__", "--input", f"{root}/*.csv", "--output", tmp_path / "out")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"pipeline: error: --input {root}/*.csv: {problem(root, extra)}\n"


@S3
def test_rules_need_their_extra(packages: str, root: str, extra: str, tmp_path: Path) -> None:
    ran = run(packages, "pipeline.__main__", "--input", "x", "--output", tmp_path / "out", "--rules", f"{root}.yaml")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"pipeline: error: --rules {root}.yaml: {problem(root, extra)}\n"


@S3
def test_results_to_check_need_their_extra(packages: str, root: str, extra: str) -> None:
    ran = run(packages, "pipeline.__main__", "reconcile", "--output", root)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"pipeline reconcile: error: --output {root}: {problem(root, extra)}\n"


@S3
def test_results_to_draw_need_their_extra(packages: str, root: str, extra: str, tmp_path: Path) -> None:
    ran = run(packages, "plotting.__main__", "render", "--results", root, "--output", tmp_path / "picture.png")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"plotting: error: --results {root}: {problem(root, extra)}\n"
