"""Check that every count of a run arrives, and only those of that run."""

import threading
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream

from pipeline.beam_patches.registry import COUNT_EVERY_BUNDLE, SWITCH, patched
from pipeline.summary import Distribution, counts_of, distributions_of, texts_of
from transforms import counters


def count(number: int) -> int:
    counters.count(counters.ANOMALIES, number, "temp-high")
    counters.count(counters.MESSAGES)
    counters.observe(counters.MESSAGE_AGE_MS, number)
    counters.tell("unread_examples", "temp/not_a_number", f"word {number}")
    return number


def run_stream(*bundles: list[int]) -> Any:
    """Run two steps that count on a stream of bundles, with the local stream runner."""
    events = test_stream.TestStream(coder=VarIntCoder())
    for numbers in bundles:
        events.add_elements(numbers)
    events.advance_watermark_to_infinity()
    options = PipelineOptions(["--project", "a-test-project"], streaming=True)
    pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
    _ = pipeline | events | "First" >> beam.Map(count) | "Second" >> beam.Map(count)
    result = pipeline.run()
    result.wait_until_finish()
    return result


def run_bounded(numbers: list[int]) -> Any:
    """Run the same two steps on bounded input."""
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create(numbers) | "First" >> beam.Map(count) | "Second" >> beam.Map(count)
    return pipeline.result


def test_counts_of_bounded_input_are_summed_over_steps():
    result = run_bounded([1, 2, 4])
    assert counts_of(result) == {"anomalies/temp-high": 14, "messages": 6}
    assert distributions_of(result) == {"message_age_ms": Distribution(6, 14, 1, 4)}
    assert texts_of(result) == {"unread_examples": {f"temp/not_a_number\tword {number}" for number in (1, 2, 4)}}


def test_every_bundle_of_a_stream_is_counted():
    with patched(COUNT_EVERY_BUNDLE):
        result = run_stream([1, 2], [4], [8])
    assert counts_of(result) == {"anomalies/temp-high": 30, "messages": 8}
    assert distributions_of(result) == {"message_age_ms": Distribution(8, 30, 1, 8)}
    assert texts_of(result) == {"unread_examples": {f"temp/not_a_number\tword {number}" for number in (1, 2, 4, 8)}}


def test_beam_alone_loses_counts_of_a_stream(monkeypatch: pytest.MonkeyPatch):
    """If this fails, Beam has mended it, and the patch may go."""
    monkeypatch.setenv(SWITCH, COUNT_EVERY_BUNDLE.name)
    with patched(COUNT_EVERY_BUNDLE):
        result = run_stream([1, 2], [4], [8])
    assert counts_of(result)["messages"] < 8


def test_runs_at_once_count_for_themselves():
    """A stream beside bounded runs; two streams of one process share Beam's events, whatever they count."""
    runs = {
        "stream": lambda: run_stream(*[[1]] * 40),
        "first": lambda: run_bounded([1] * 30),
        "second": lambda: run_bounded([1] * 20),
    }
    found: dict[str, dict[str, int]] = {}
    barrier = threading.Barrier(len(runs))

    def run(name: str) -> None:
        barrier.wait()
        found[name] = counts_of(runs[name]())

    with patched(COUNT_EVERY_BUNDLE):
        threads = [threading.Thread(target=run, args=(name,)) for name in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {name: counts["messages"] for name, counts in found.items()} == {"stream": 80, "first": 60, "second": 40}


def test_names_from_the_data_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so are texts of one kind; those that are known go on to be counted and told."""
    monkeypatch.setattr(counters, "_NAMED", {})
    monkeypatch.setattr(counters, "_TOLD", {})
    monkeypatch.setattr(counters, "_MOST_NAMED", 2)
    monkeypatch.setattr(counters, "_MOST_TOLD", 1)

    def note(number: int) -> int:
        counters.count_named("fields_ignored", 1, f"f{number}")
        counters.tell("unread_examples", f"m{number % 2}", str(number))
        return number

    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create([[1, 2, 3, 1, 3, 2, 4]]) | beam.FlatMap(lambda some: list(map(note, some)))
    assert counts_of(pipeline.result) == {"fields_ignored/f1": 2, "fields_ignored/f2": 2}
    assert texts_of(pipeline.result) == {"unread_examples": {"m1\t1", "m0\t2"}}


def test_outside_of_a_step_nothing_is_counted():
    counters.count("panes")
    with patched(COUNT_EVERY_BUNDLE):
        assert "panes" not in counts_of(run_stream([1]))
