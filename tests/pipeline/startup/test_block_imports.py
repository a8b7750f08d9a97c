"""Check that a run loads no client of a service that it does not use."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.startup.block_imports import EXTRAS, block_imports, unused
from tests.support.jobs import EARLY, config_of

ROOT = Path(__file__).parents[3]
HEAVY = ("pandas", "google.cloud.dataflow", "google.api_core", "google.pubsub_v1", "azure", "boto3", "matplotlib")
RUN = """
import sys
from pipeline.__main__ import main
code = main(sys.argv[2:], alone=True)
print(code, *(name for name in sys.argv[1].split(",") if name in sys.modules))
"""


def loaded(*args: object) -> str:
    """Run the command line in a fresh process; returns its exit code and what of HEAVY it loaded."""
    command = [sys.executable, "-c", RUN, ",".join(HEAVY), *EARLY, *map(str, args)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return ran.stdout.splitlines()[-1]


@pytest.mark.parametrize("flags", [(), ("--archive", "--file-format", "parquet"), ("--direct_num_workers", "1")])
def test_a_job_of_local_files_loads_no_client_of_a_cloud(tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "rows.csv").write_text("ts,device,temp\n1,a,31\n2,a,\n")
    assert loaded("--input", tmp_path / "rows.csv", "--output", tmp_path / "out", *flags) == "0"
    assert list((tmp_path / "out" / "anomalies").rglob("*.*"))


def test_a_job_that_may_need_them_has_them(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("ts,device,temp\n1,a,31\n")
    words = loaded("--input", tmp_path / "rows.csv", "--output", tmp_path / "out", "--project", "any-project").split()
    assert {"pandas", "google.cloud.dataflow", "azure"} <= set(words[1:])


@pytest.mark.parametrize(
    ("flags", "packages"),
    [
        (("--output", "out"), EXTRAS),
        (("--output", "out", "--direct_num_workers", "2"), EXTRAS),
        (("--output", "out", "--direct_num_workers=2", "--print"), EXTRAS),
        (("--print",), EXTRAS),
        (("--output", "gs://bucket/out"), ()),
        (("--output", "out", "--input", "s3://bucket/*.csv"), ()),
        (("--output", "out", "--bigquery", "project:dataset"), ()),
        (("--output", "out", "--alerts-topic", "projects/p/topics/abc"), ()),
        (("--output", "out", "--dead-letter-topic", "projects/p/topics/abc"), ()),
        (("--output", "out", "--runner", "DataflowRunner"), ()),
        (("--output", "out", "--project", "p"), ()),
    ],
)
def test_what_a_job_can_do_without(flags: tuple[str, ...], packages: tuple[str, ...]) -> None:
    assert unused(config_of("--input", "rows.csv", *flags)) == packages


def test_a_stream_can_do_without_nothing() -> None:
    assert unused(config_of("--subscription", "projects/p/subscriptions/abc", "--output", "out")) == ()


def test_a_package_is_left_out_for_a_while() -> None:
    sys.modules.pop("this", None)
    with block_imports(["this"]), pytest.raises(ModuleNotFoundError, match="this is not used by this run"):
        importlib.import_module("this")
    assert importlib.import_module("this").__name__ == "this"


def test_what_is_loaded_already_stays() -> None:
    with block_imports(["json"]):
        assert importlib.import_module("json") is sys.modules["json"]
        with pytest.raises(ModuleNotFoundError, match=r"json\.absent is not used by this run"):
            importlib.import_module("json.absent")
