"""Aggregation of bounded input, and its first step on streams; streams are told in tests/pipeline/stories.yaml."""

from dataclasses import replace
from functools import cache

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing import test_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.model.message_batch import MessageBatch
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import WindowAggregate
from telemetry.rules.parse import load_rules
from tests.support import oracle
from tests.support.batches import METRICS, MINUTE, NAN, Row, batch_of
from tests.support.counting import Tally
from tests.support.run_transform import run_transform
from transforms.decode.decode_messages import DecodeMessages
from transforms.decode.decode_spec import DecodeSpec
from transforms.detect.detect_anomalies import DetectAnomalies
from transforms.detect.evaluate import detect
from transforms.windows import aggregate_windows
from transforms.windows.aggregate_windows import AggregateWindows, _AggregateBatches, _AggregatePortions
from transforms.windows.late import MissedValues
from transforms.windows.window_spec import WindowSpec

HOUR = 60 * MINUTE
FIXED = WindowSpec(MINUTE, MINUTE)


def run_bounded(batches: list[ReadingBatch], transform: AggregateWindows) -> pd.DataFrame:
    """Aggregate batches in a pipeline; returns the records, times as integer microseconds."""
    found = run_transform(batches, transform, ReadingBatch)["aggregates"]
    for batch in found:
        assert batch.schema.equals(arrow_schema(WindowAggregate), check_metadata=True)
    frame: pd.DataFrame = pa.Table.from_batches(found, arrow_schema(WindowAggregate)).to_pandas()
    for name in ("window_start", "window_end", "first_time", "last_time"):
        frame[name] = frame[name].astype("int64")
    return frame.sort_values(oracle.KEYS).reset_index(drop=True)


def rows_over_hours(count: int = 300) -> list[Row]:
    """Readings of five devices over some three hours, a few of them missing, in no order."""
    rng = np.random.default_rng(5)
    values = np.round(rng.normal(28.0, 3.0, (count, 2)), 2)
    values[rng.uniform(size=(count, 2)) < 0.1] = NAN
    moments = rng.integers(HOUR - MINUTE, 4 * HOUR, count).tolist()
    devices = rng.choice(["a", "b", "c", "d", "ä"], count).tolist()
    return [(device, us, *pair) for device, us, pair in zip(devices, moments, values.tolist(), strict=True)]


def batches_of(rows: list[Row], size: int) -> list[ReadingBatch]:
    rules = load_rules(None)
    return [detect(batch_of(rows[n : n + size]), rules).readings for n in range(0, len(rows), size)]


@pytest.mark.parametrize("size", [7, 300])
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("spec", [FIXED, WindowSpec(3 * MINUTE, MINUTE), WindowSpec(4 * HOUR, 2 * HOUR)])
def test_equals_the_oracle_however_it_is_cut(size, shards, spec):
    rows = rows_over_hours()
    frame = pd.DataFrame([(us / 1e6, *rest) for _, us, *rest in rows], columns=["ts", *METRICS])
    frame["device"] = [row[0] for row in rows]
    found = run_bounded(batches_of(rows, size), AggregateWindows(spec, shards))
    oracle.assert_same_aggregates(found, oracle.aggregate(frame, spec.size_us / 1e6, spec.slide_us / 1e6, [*METRICS]))
    assert set(found.timing) == {"on_time"}
    assert set(found.pane_index) == {0}


def test_two_devices_in_two_windows_exactly():
    rows: list[Row] = [
        ("a", 0, 50.0, 31.0),
        ("b", 1, 60.0, NAN),
        ("a", MINUTE - 1, 52.0, 20.0),
        ("b", MINUTE, NAN, 9.0),
    ]
    found = run_bounded(batches_of(rows, 2), AggregateWindows(FIXED, job_id="j"))
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("a", "humidity", 0, MINUTE, 2, 51.0, 1.0, 50.0, 52.0, 50.0, 52.0, 0, "on_time", 0, "j", 0, MINUTE - 1),
        ("a", "temp", 0, MINUTE, 2, 25.5, 5.5, 20.0, 31.0, 31.0, 20.0, 1, "on_time", 0, "j", 0, MINUTE - 1),
        ("b", "humidity", 0, MINUTE, 1, 60.0, 0.0, 60.0, 60.0, 60.0, 60.0, 0, "on_time", 0, "j", 1, 1),
        ("b", "temp", MINUTE, 2 * MINUTE, 1, 9.0, 0.0, 9.0, 9.0, 9.0, 9.0, 0, "on_time", 0, "j", MINUTE, MINUTE),
    ]


def test_what_goes_in_and_comes_out_is_counted(tally: Tally):
    rows: list[Row] = [("a", 0, 50.0, 31.0), ("b", 1, 60.0, NAN), ("a", 2 * HOUR, 50.0, 20.0), ("b", MINUTE, NAN, NAN)]
    run_bounded(batches_of(rows, 3), AggregateWindows(FIXED))
    assert tally.counts == {"rows_aggregated": 4, "panes": 3, "aggregates": 5}


def test_readings_without_any_value_give_no_record():
    assert run_bounded(batches_of([("a", 0, NAN, NAN)], 1), AggregateWindows(FIXED)).empty


def test_only_a_stream_has_dead_letters():
    pipeline = beam.Pipeline(runner=FnApiRunner())
    bounded = pipeline | "Bounded" >> beam.Create([1]).with_output_types(ReadingBatch)
    stream = pipeline | test_stream.TestStream() | beam.Map(lambda batch: batch).with_output_types(ReadingBatch)
    assert (bounded | "Aggregate file" >> AggregateWindows(FIXED)).dead_letters is None
    assert (stream | "Aggregate stream" >> AggregateWindows(FIXED)).dead_letters is not None


def test_every_step_hands_on_a_concrete_type():
    pipeline = beam.Pipeline(runner=FnApiRunner())
    messages = pipeline | test_stream.TestStream() | beam.Map(lambda batch: batch).with_output_types(MessageBatch)
    decoded = messages | DecodeMessages(DecodeSpec(METRICS))
    detected = decoded.readings | DetectAnomalies(load_rules(None))
    outputs = (*decoded, *detected, *(detected.readings | AggregateWindows(FIXED)))
    types = [output.element_type for output in outputs]
    assert types == [ReadingBatch, pa.RecordBatch, ReadingBatch, *[pa.RecordBatch] * 3, MissedValues]


def portions_of(rows: list[Row], portions: int, size: int) -> list[list[ReadingBatch]]:
    """Cut rows into portions, and each of them into batches."""
    found = []
    for number in range(portions):
        batches = batches_of(rows[number::portions], size)
        messages = [replace(batch.messages, portion=number) for batch in batches]
        found.append([replace(batch, messages=one) for batch, one in zip(batches, messages, strict=True)])
    return found


@cache
def in_order(spec: WindowSpec) -> pd.DataFrame:
    """Return the records of portions in their order."""
    portions = portions_of(rows_over_hours(), 6, 7)
    return run_bounded([batch for portion in portions for batch in portion], AggregateWindows(spec))


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(6)), spec=st.sampled_from([FIXED, WindowSpec(3 * MINUTE, MINUTE)]))
def test_not_a_digit_depends_on_the_order_of_the_portions(order, spec):
    portions = portions_of(rows_over_hours(), 6, 7)
    found = run_bounded([batch for number in order for batch in portions[number]], AggregateWindows(spec))
    pd.testing.assert_frame_equal(found, in_order(spec), check_exact=True)


@pytest.mark.parametrize("step", [_AggregatePortions(FIXED, 1, HOUR), _AggregateBatches(FIXED, 1, HOUR)])
def test_rows_are_counted_when_a_bundle_is_finished_and_not_if_it_fails(step, tally: Tally, monkeypatch):
    def fail(*_: object) -> None:
        raise ValueError("broken")

    batches = batches_of([("a", 0, 50.0, 31.0), ("b", 1, 60.0, NAN)], 1)
    batches = [replace(b, messages=b.messages.at(0)) for b in batches]
    step.start_bundle()
    elements = list(step.process(batches[0]))
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="broken"):
        patch.setattr(aggregate_windows, "partial_aggregates", fail)
        patch.setattr(aggregate_windows, "aggregate_batch", fail)
        elements += step.process(batches[1])
    assert tally.counts == {}
    step.start_bundle()
    elements = [element for batch in batches for element in step.process(batch)]
    elements += step.finish_bundle() or ()
    assert elements
    assert tally.counts == {"rows_aggregated": 2}


def test_a_merge_that_fails_counts_nothing(tally: Tally, monkeypatch):
    def fail(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(aggregate_windows, "aggregates", fail)
    with pytest.raises((ValueError, RuntimeError), match="broken"):
        run_bounded(batches_of([("a", 0, 50.0, 31.0)], 1), AggregateWindows(FIXED))
    assert tally.counts.keys() <= {"rows_aggregated"}
