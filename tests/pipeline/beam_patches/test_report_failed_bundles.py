"""Check that a failure is reported before the runner goes on, and only a failure for good."""

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream

from pipeline.beam_patches.registry import REPORT_FAILED_BUNDLES, SWITCH, patched

EVENTS: list[str] = []
"""In the order in which they happen: the runner pickles the steps."""


def fail(number: int) -> None:
    EVENTS.append(f"step {number}")
    if number == 2 or (number == 1 and EVENTS.count("step 1") < 3):
        raise ZeroDivisionError(f"step {number}")


def run() -> None:
    EVENTS.clear()
    events = test_stream.TestStream(coder=VarIntCoder())
    for number in range(4):
        events.add_elements([number])
    events.advance_watermark_to_infinity()
    options = PipelineOptions(["--project", "a-test-project"], streaming=True)
    pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
    _ = pipeline | events | beam.Map(fail)
    pipeline.run().wait_until_finish()


def report() -> None:
    EVENTS.append("failed")


def test_a_failure_is_reported_at_once_and_a_retry_is_none():
    with pytest.raises(ZeroDivisionError), patched(REPORT_FAILED_BUNDLES, report):
        run()
    assert EVENTS[:9] == ["step 0", *["step 1"] * 3, *["step 2"] * 4, "failed"]


def test_without_the_patch_nothing_is_reported(monkeypatch):
    monkeypatch.setenv(SWITCH, REPORT_FAILED_BUNDLES.name)
    with pytest.raises(ZeroDivisionError), patched(REPORT_FAILED_BUNDLES, report):
        run()
    assert "failed" not in EVENTS
