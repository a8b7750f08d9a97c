"""A new version of the job can take the place of one that runs, or the changelog says that it cannot."""

import difflib
from typing import Any

import pytest
import yaml

from tests.support import dataflow_golden
from tests.support.dataflow_jobs import ALERTS, DEAD, EVERYTHING, SUBSCRIPTION, TOPIC, transforms, translate

ADVICE = (
    "running jobs cannot be updated (--update) to this. If that is meant: python -m tests.support.dataflow_golden, and "
    "a line in CHANGELOG.md that says so\n"
)


def difference(before: Any, now: Any) -> str:
    """The lines in which two parts of the file differ."""
    old, new = (yaml.safe_dump(one, sort_keys=False, width=120).splitlines() for one in (before, now))
    return ADVICE + "\n".join(difflib.unified_diff(old, new, "running", "this version", n=1, lineterm=""))


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return dataflow_golden.describe(translate(*EVERYTHING))


@pytest.mark.parametrize("part", ["transforms", "stateful"])
def test_names_and_coders_are_those_of_running_jobs(part: str, now: dict[str, Any]) -> None:
    before = dataflow_golden.frozen()[part]
    assert now[part] == before, difference(before, now[part])


def test_what_is_pickled_has_the_fields_it_had() -> None:
    before = dataflow_golden.frozen()["fields"]
    assert dataflow_golden.fields() == before, difference(before, dataflow_golden.fields())


@pytest.mark.parametrize("name", sorted(dataflow_golden.examples()))
def test_what_a_running_job_keeps_is_read(name: str) -> None:
    """The sample in the file is what an earlier version wrote."""
    try:
        found = dataflow_golden.decode(name, dataflow_golden.frozen()["samples"][name])
    except Exception as error:  # noqa: BLE001 - whatever a decoder makes of it
        pytest.fail(f"{ADVICE}{name}: {error!r}")
    assert dataflow_golden.same(found, dataflow_golden.examples()[name]), f"{ADVICE}{name}: {found}"


def test_another_value_is_seen() -> None:
    examples = dataflow_golden.examples()
    assert dataflow_golden.same(examples["arrival"], dataflow_golden.examples()["arrival"])
    examples["arrival"].table.floats[0, 0, 0] += 1
    assert not dataflow_golden.same(examples["arrival"], dataflow_golden.examples()["arrival"])


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param([f"--subscription={SUBSCRIPTION}", "--output=gs://lake/results"], id="plain"),
        pytest.param([f"--topic={TOPIC}", "--bigquery=telemetry-test:telemetry", "--archive"], id="bigquery"),
        pytest.param(
            [f"--subscription={SUBSCRIPTION}", f"--alerts-topic={ALERTS}", f"--dead-letter-topic={DEAD}"], id="topics"
        ),
        pytest.param([f"--subscription={SUBSCRIPTION}", "--output=gs://lake/results", "--dedup=1m"], id="dedup"),
    ],
)
def test_every_job_has_names_and_coders_of_the_file(flags: list[str]) -> None:
    """With fewer options there are fewer steps; none is called otherwise, or keeps something else."""
    pipeline, before = translate(*flags), dataflow_golden.frozen()
    assert set(transforms(pipeline)) < set(before["transforms"])
    steps = dataflow_golden.describe(pipeline)["stateful"]
    assert steps == {name: before["stateful"][name] for name in steps}


def test_options_change_no_name(now: dict[str, Any]) -> None:
    """What can be changed while a job is updated: windows, shards, intervals, formats."""
    flags = ["--window=10m", "--slide=1m", "--shards=7", "--flush-interval=5s", "--file-format=parquet", "--dedup=1h"]
    assert dataflow_golden.describe(translate(*EVERYTHING, *flags)) == now


def test_the_file_says_what_to_do() -> None:
    text = dataflow_golden.PATH.read_text(encoding="utf-8")
    assert text.startswith(dataflow_golden.HEADER)
    assert text == dataflow_golden.rendered(dataflow_golden.frozen()), "the file was edited by hand"
