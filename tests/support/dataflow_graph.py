"""Check the parts that every job's graph has, as it was staged for Dataflow."""

import re

from apache_beam.portability.api import beam_runner_api_pb2 as api

from telemetry.model.kinds import KINDS
from tests.support.dataflow_jobs import HOLD_WINDOWS, PUBSUB_READ, Job, of_urn, stateful, states, timers, transforms

RULES = {"Rules", "Record rules"}
GRAPH = {
    *("Read", "Decode messages", "Detect anomalies", "Watch devices", "Aggregate windows"),
    *("All dead letters", "Mark dead letters"),
    *RULES,
}
"""Steps of every job that stores its results."""
STORED = [name for name, kind in KINDS.items() if not kind.optional]
"""Kinds that every job stores."""
FILES = {"Ledger entries", *(f"Write {kind}" for kind in STORED)}
GLOBAL = "beam:window_fn:global_windows:v1"


def source(job: Job) -> api.PubSubReadPayload:
    (read,) = of_urn(job.pipeline, PUBSUB_READ).values()
    return api.PubSubReadPayload.FromString(read.spec.payload)


def check_stream(job: Job) -> None:
    """Check the parts that every job on Pub/Sub has."""
    components = job.pipeline.components
    assert job.job["type"] == "JOB_TYPE_STREAMING"
    assert {one.is_bounded for one in components.pcollections.values()} == {api.IsBounded.UNBOUNDED}
    # The job keeps its own windows, in state: to Dataflow everything is in the global one.
    assert {one.window_fn.urn for one in components.windowing_strategies.values()} == {GLOBAL}
    assert {one.trigger.WhichOneof("trigger") for one in components.windowing_strategies.values()} == {"default"}
    assert {one.allowed_lateness for one in components.windowing_strategies.values()} == {0}
    read = source(job)
    assert (read.timestamp_attribute, read.id_attribute) == ("event_time", "message_key")
    assert read.with_attributes
    assert of_urn(job.pipeline, "beam:transform:group_by_key:v1") == {}, "a stream gathers by GroupIntoBatches"
    named_by_chance = re.compile(r"[0-9a-f]{8}|\d{3}")
    assert [name for name in transforms(job.pipeline) if named_by_chance.search(name)] == []
    check_windows(job.pipeline)
    check_incidents(job.pipeline)


def check_windows(pipeline: api.Pipeline) -> None:
    """Check the states and timers that the window step declares to the service."""
    step = stateful(pipeline)[HOLD_WINDOWS]
    key = "kv:v1(varint:v1, varint:v1)"
    assert states(pipeline, step) == {
        "pane_state": "read_modify_write of bytes:v1",
        "tables": "bag of bytes:v1",
    }
    assert timers(pipeline, step) == {
        "ts-close": f"EVENT_TIME timer:v1({key}, global_window:v1)",
        "ts-early": f"PROCESSING_TIME timer:v1({key}, global_window:v1)",
        "ts-end": f"EVENT_TIME timer:v1({key}, global_window:v1)",
        "ts-report": f"PROCESSING_TIME timer:v1({key}, global_window:v1)",
    }
    assert "beam:requirement:pardo:stateful:v1" in pipeline.requirements


def check_incidents(pipeline: api.Pipeline) -> None:
    """Check the states and timers that the step of incidents declares to the service."""
    step = stateful(pipeline)["Watch devices/Judge"]
    assert states(pipeline, step) == {
        "rows": "bag of bytes:v1",
        "rules": "read_modify_write of bytes:v1",
        "state": "read_modify_write of bytes:v1",
        "until": "read_modify_write of varint:v1",
    }
    assert timers(pipeline, step) == dict.fromkeys(
        ("ts-deadline", "ts-rows_due"), "EVENT_TIME timer:v1(varint:v1, global_window:v1)"
    )
