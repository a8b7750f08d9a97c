"""Ids of jobs: the same bounded job has the same id, and anything that changes its results another one."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.job_identity import InputDigests, bounded_job_id, new_job_id
from telemetry.errors import ConfigError
from tests.support.jobs import config_of

ROWS = "ts,device,temp\n1594512000,a,20.5\n1594512001,b,31.5\n"


@pytest.fixture
def job_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return the id of a job on the files of a folder."""
    monkeypatch.chdir(tmp_path)

    def identify(*flags: object, inputs: tuple[str, ...] = ("a.csv",)) -> str:
        config = config_of(*(part for path in inputs for part in ("--input", path)), "--print", *flags)
        return bounded_job_id(config, inputs, InputDigests.start(inputs))

    (tmp_path / "a.csv").write_text(ROWS)
    return identify


def test_the_same_job_has_the_same_id(job_id, tmp_path: Path) -> None:
    first = job_id()
    assert len(first) == 16
    assert int(first, 16) >= 0
    os.utime(tmp_path / "a.csv", (1, 1))
    assert job_id() == first
    (tmp_path / "a.csv").rename(tmp_path / "b.csv")
    (tmp_path / "a.csv").write_text(ROWS)
    assert job_id() == first


@pytest.mark.parametrize(
    "flags",
    [
        ("--metrics", "temp"),
        ("--window", "30s"),
        ("--slide", "30s"),
        ("--window-zone", "Europe/Rome"),
        ("--rules", "rules.yaml"),
        ("--dedup-readings", "1h"),
    ],
)
def test_a_setting_that_changes_results_makes_another_job(job_id, tmp_path: Path, flags: tuple[str, str]) -> None:
    (tmp_path / "rules.yaml").write_text("version: 1\nrules:\n  - {id: hot, metric: temp, above: 40, severity: info}\n")
    assert job_id(*flags) != job_id()


@pytest.mark.parametrize("flags", [("--shards", "3"), ("--file-format", "parquet"), ("--archive", "--output", "out")])
def test_a_setting_that_stores_the_same_records_otherwise_does_not(job_id, flags: tuple[str, ...]) -> None:
    assert job_id(*flags) == job_id()


@pytest.mark.parametrize("content", [ROWS.replace("31.5", "31.6"), ROWS + "1594512002,a,1\n", ""])
def test_a_corrected_input_makes_another_job(job_id, tmp_path: Path, content: str) -> None:
    first = job_id()
    (tmp_path / "a.csv").write_text(content)
    assert job_id() != first


def test_one_byte_in_a_large_file_makes_another_job(job_id, tmp_path: Path) -> None:
    content = bytearray(ROWS.encode() + b"1594512002,a,1.0\n" * 600_000)  # more than a block
    ids = set()
    for place in (-3, len(content) // 2, -3):
        content[place] ^= 1
        (tmp_path / "a.csv").write_bytes(content)
        ids.add(job_id())
    assert len(ids) == 3


def test_another_file_or_another_name_makes_another_job(job_id, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(ROWS)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(ROWS.encode(), mtime=0))
    ids = [job_id(inputs=inputs) for inputs in (("a.csv",), ("b.csv",), ("a.csv", "b.csv"), ("b.csv.gz",))]
    assert len(set(ids)) == 4
    assert job_id(inputs=("b.csv", "a.csv")) == ids[2]


def test_the_order_of_files_matters_where_the_first_of_equal_readings_stays(job_id, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(ROWS)
    flags = ("--dedup-readings", "1h")
    assert job_id(*flags, inputs=("a.csv", "b.csv")) != job_id(*flags, inputs=("b.csv", "a.csv"))
    assert job_id(*flags, inputs=("a.csv", "a.csv")) == job_id("--dedup-readings", "2h")


def test_a_file_that_the_thread_did_not_read_is_read_when_it_is_asked_for(job_id, tmp_path: Path) -> None:
    config = config_of("--input", "a.csv", "--print")
    assert bounded_job_id(config, ["a.csv"]) == job_id()
    digests = InputDigests.start(["missing.csv", "*.nothing"])
    with pytest.raises(ConfigError, match=r"--input missing\.csv: cannot be read: No such file or directory"):
        bounded_job_id(config, ["missing.csv"], digests)


def test_streams_are_jobs_of_their_own() -> None:
    assert new_job_id() != new_job_id()
    assert len(new_job_id()) == 16
