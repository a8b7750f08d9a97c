"""A new version of the job can take the place of one that runs, or the changelog says that it cannot."""

import difflib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import yaml

from tests.support import dataflow_golden
from tests.support.dataflow_jobs import ALERTS, DEAD, EVERYTHING, SUBSCRIPTION, TOPIC, transforms, translate
from transforms.dedup.key_memory import decode_key_memory
from transforms.shuffle.versioned import frame
from transforms.windows.pane_state import PaneState, decode_pane_state, encode_pane_state

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


@pytest.mark.parametrize("name", sorted(dataflow_golden.kinds()))
def test_bytes_that_a_running_job_keeps_are_read_and_written(name: str) -> None:
    dataflow_golden.check_samples(dataflow_golden.kinds()[name], dataflow_golden.frozen()["samples"][name])


def test_there_is_a_sample_of_each_kind_and_no_other() -> None:
    assert list(dataflow_golden.frozen()["samples"]) == list(dataflow_golden.kinds())


class _OtherLayout(msgspec.Struct, array_like=True):
    """The fields of `PaneState` in another order."""

    panes: dict[int, int]
    watermark_us: int


@pytest.mark.parametrize(
    ("encode", "reason"),
    [
        pytest.param(
            lambda state: frame(1, msgspec.msgpack.encode(_OtherLayout(state.panes, state.watermark_us))),
            "format 1 is written in another way",
            id="other fields",
        ),
        pytest.param(
            lambda state: frame(2, encode_pane_state(state)[1:]), "format 2 is written", id="a number without a sample"
        ),
        pytest.param(
            lambda state: frame(0, encode_pane_state(state)[1:]), "format 0 is written", id="an earlier number"
        ),
    ],
)
def test_a_change_of_what_is_written_fails(encode: Callable[[PaneState], bytes], reason: str) -> None:
    kind = replace(dataflow_golden.kinds()["pane state"], encode=encode)
    with pytest.raises(AssertionError, match=reason):
        dataflow_golden.check_samples(kind, dataflow_golden.frozen()["samples"]["pane state"])


def test_a_change_of_what_is_read_fails() -> None:
    kind = dataflow_golden.kinds()["pane state"]
    samples = dataflow_golden.frozen()["samples"]["pane state"]
    fewer = replace(kind, decode=lambda content: msgspec.structs.replace(decode_pane_state(content), panes={}))
    with pytest.raises(AssertionError, match="format 1 is read as"):
        dataflow_golden.check_samples(fewer, samples)
    none_of_it = replace(kind, decode=decode_key_memory)
    with pytest.raises(AssertionError, match="format 1 is read as KeyMemory"):
        dataflow_golden.check_samples(none_of_it, samples)


def test_another_value_is_seen() -> None:
    example, other = (dataflow_golden.kinds()["partial aggregate"].example for _ in range(2))
    assert dataflow_golden.same(example, other)
    other.table.floats[0, 0, 0] += 1
    assert not dataflow_golden.same(example, other)


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param([f"--subscription={SUBSCRIPTION}", "--output=gs://lake/results"], id="plain"),
        pytest.param([f"--topic={TOPIC}", "--bigquery=telemetry-test:telemetry", "--archive"], id="bigquery"),
        pytest.param(
            [
                f"--subscription={SUBSCRIPTION}",
                f"--alerts-topic={ALERTS}",
                "--alerts=readings",
                f"--dead-letter-topic={DEAD}",
            ],
            id="topics",
        ),
        pytest.param([f"--subscription={SUBSCRIPTION}", "--output=gs://lake/results", "--dedup=1m"], id="dedup"),
        pytest.param(
            [f"--subscription={SUBSCRIPTION}", "--output=gs://lake/results", "--dedup-readings=1m"], id="repeats"
        ),
    ],
)
def test_every_job_has_names_and_coders_of_the_file(flags: list[str]) -> None:
    """With fewer options there are fewer steps; none is called otherwise, or keeps something else."""
    pipeline, before = translate(*flags), dataflow_golden.frozen()
    assert set(transforms(pipeline)) < set(before["transforms"])
    steps = dataflow_golden.describe(pipeline)["stateful"]
    assert steps == {name: before["stateful"][name] for name in steps}


def test_options_change_no_name(now: dict[str, Any]) -> None:
    """Windows, shards, intervals and formats can change while a job is updated."""
    flags = ["--window=10m", "--slide=1m", "--shards=7", "--flush-interval=5s", "--file-format=parquet", "--dedup=1h"]
    flags.append("--dedup-readings=1d")
    assert dataflow_golden.describe(translate(*EVERYTHING, *flags)) == now


def test_the_file_says_what_to_do() -> None:
    text = dataflow_golden.PATH.read_text(encoding="utf-8")
    assert text.startswith(dataflow_golden.HEADER)
    assert text == dataflow_golden.rendered(dataflow_golden.frozen()), "the file was edited by hand"
