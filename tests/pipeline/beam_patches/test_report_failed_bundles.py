"""Check that a failure is reported before the runner goes on, and only a failure for good."""

import sys

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream

from pipeline.beam_patches.registry import REPORT_FAILED_BUNDLES, SWITCH, patched


def note(event: str) -> int:
    """Return how often an event was noted; the fixture `events` replaces this function, which the runner looks up."""
    raise AssertionError(f"{event}, but nobody notes events")


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note events in the order in which they happen."""
    noted: list[str] = []

    def keep(event: str) -> int:
        noted.append(event)
        return noted.count(event)

    monkeypatch.setattr(sys.modules[__name__], "note", keep)
    return noted


def fail(number: int) -> None:
    attempt = note(f"step {number}")
    if number == 2 or (number == 1 and attempt < 3):
        raise ZeroDivisionError(f"step {number}")


def run() -> None:
    stream = test_stream.TestStream(coder=VarIntCoder())
    for number in range(4):
        stream.add_elements([number])
    stream.advance_watermark_to_infinity()
    options = PipelineOptions(["--project", "a-test-project"], streaming=True)
    pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
    _ = pipeline | stream | beam.Map(fail)
    pipeline.run().wait_until_finish()


def report() -> None:
    note("failed")


def test_a_failure_is_reported_at_once_and_a_retry_is_none(events):
    with pytest.raises(ZeroDivisionError), patched(REPORT_FAILED_BUNDLES, report):
        run()
    assert events[:9] == ["step 0", *["step 1"] * 3, *["step 2"] * 4, "failed"]


def test_without_the_patch_nothing_is_reported(events, monkeypatch):
    monkeypatch.setenv(SWITCH, REPORT_FAILED_BUNDLES.name)
    with pytest.raises(ZeroDivisionError), patched(REPORT_FAILED_BUNDLES, report):
        run()
    assert "failed" not in events
