"""Running the job in tests: the real flags, the real graph, files read back."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pandas as pd
from apache_beam.coders import PickleCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipeline.arguments import build_parser
from pipeline.beam_patches.registry import CACHE_DOFN_SIGNATURES, CACHE_TYPE_OPTIONS, patched
from pipeline.config import JobConfig, make_config
from pipeline.graph import build, outputs_of
from telemetry.model.messages import Message
from tests.support import oracle
from transforms.decode.collect_messages import CollectMessages
from transforms.ledger.check import check_ledger
from transforms.ledger.folder_totals import FolderTotals

EARLY = ("--earliest-time", "0")
"""Flags with which the small event times of tests are valid."""


def config_of(*flags: object) -> JobConfig:
    """The configuration of a job; the small event times of tests are valid unless a flag says otherwise."""
    known = [*EARLY, *(str(flag) for flag in flags)]
    args, rest = build_parser().parse_known_args(known)
    return make_config(args, rest)


def run_job(*flags: object) -> dict[str, Any]:
    """Run the job in this process; returns its summary."""
    from pipeline.run import run_config

    output = Path(str(flags[flags.index("--output") + 1]))
    summary = output.parent / f"{output.name}.summary.json"
    assert run_config(config_of(*flags, "--summary", summary)) == 0
    content: dict[str, Any] = json.loads(summary.read_text())
    return content


class Events(beam.PTransform):
    """A source whose messages, watermark and clock are given: the events of a story."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = TestStream(coder=PickleCoder())
        self.watermark_us = 0

    def message(self, message: Message, moment_us: int) -> None:
        self.stream.add_elements([TimestampedValue(message, Timestamp(micros=moment_us - moment_us % 1_000))])

    def watermark(self, moment_us: int) -> None:
        """Advance the watermark, to the whole millisecond before; one that is not ahead changes nothing."""
        moment_us -= moment_us % 1_000
        if moment_us > self.watermark_us:
            self.watermark_us = moment_us
            self.stream.advance_watermark_to(Timestamp(micros=moment_us))

    def clock(self, seconds: float) -> None:
        self.stream.advance_processing_time(seconds)

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        self.stream.advance_watermark_to_infinity()
        messages = pbegin | self.stream | beam.Map(lambda message: message).with_output_types(Message)
        return messages | CollectMessages()


def run_events(events: Events, *flags: object, job_id: str = "a-job") -> None:
    """Run the job's graph on events with the local streaming runner, with the caches of the job."""
    config = config_of("--subscription", "projects/tests/subscriptions/none", *flags)
    options = PipelineOptions(["--project", "a-test-project"], streaming=True)
    with patched(CACHE_DOFN_SIGNATURES), patched(CACHE_TYPE_OPTIONS):
        pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
        build(pipeline, events, config, outputs_of(config), job_id)
        pipeline.run().wait_until_finish()


def imbalances(output: Path) -> list[str]:
    """Return the problems that the ledger check of a finished job finds."""
    return check_ledger(FolderTotals(str(output)).totals(), {}).problems


def check(output: Path, frame: pd.DataFrame, slide: int | None = None) -> None:
    """Check all results of a job with the default rules against the oracle, and its ledger."""
    assert oracle.found_hot(oracle.read_output(output, "anomalies")) == oracle.hot(frame)
    found = oracle.truth(oracle.read_output(output, "aggregates"))
    oracle.assert_same_aggregates(found, oracle.aggregate(frame, 60, slide))
    assert imbalances(output) == []


def ndjson(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps({k: v for k, v in row.items() if v == v}).encode() for row in rows)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    return rows


def cut(rows: Sequence[Any], sizes: Iterable[int]) -> list[list[Any]]:
    """Cut rows into pieces of these sizes; what is left is one more piece."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(list(rows[start : start + size]))
        start += size
    pieces.append(list(rows[start:]))
    return [piece for piece in pieces if piece]
