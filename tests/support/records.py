"""Make single records with plausible fields, and Arrow batches of them."""

from typing import Any

import msgspec
import pyarrow as pa

from telemetry.model.record_batches import from_records
from telemetry.model.records import Anomaly, DeadLetter, Incident, WindowAggregate
from tests.support.batches import MINUTE

START = 1_594_512_000_000_000
"""2020-07-12T00:00:00Z, microseconds."""


def anomaly(moment: int, value: float = 31.0, device: str = "a") -> Anomaly:
    return Anomaly(
        anomaly_id=f"{device}-{moment}-{value}",
        rule_id="temp-high",
        severity="critical",
        device=device,
        metric="temp",
        value=value,
        threshold=30.0,
        threshold_upper=None,
        comparison="above",
        event_time=moment,
        source_time=moment - 5,
        message_id="m",
        rules_version="v",
    )


def incident(
    incident_id: str = "a-1",
    sequence: int = 0,
    state: str = "opened",
    moment: int = START,
    value: float | None = 31.0,
    device: str = "a",
    rule: str = "hot",
    job: str = "",
) -> Incident:
    """A transition; one without a value is of a silent device."""
    silent = value is None
    of_rule = {"condition": "silence", "metric": "", "threshold": None, "readings": 0} if silent else {}
    closing = {"closed_at": moment, "reason": "clear"} if state == "closed" else {}
    fields = {
        "incident_id": incident_id,
        "state": state,
        "rule_id": rule,
        "device": device,
        "job_id": job,
        "event_time": moment,
        "last_at": moment - 5,
        "value": value,
        "stale": silent,
        "first": sequence == 0,
        "worst": None if value is None else value + 0.5,
    }
    return transition(sequence, **fields | of_rule | closing)


def transition(sequence: int = 0, **changes: Any) -> Incident:
    """A transition: the incident opens at `START`, is updated once a minute, and is closed by ``state="closed"``."""
    found = Incident(
        incident_id="0123456789abcdef",
        sequence=sequence,
        state="updated" if sequence else "opened",
        rule_id="temp-high",
        severity="critical",
        condition="above",
        device="b8:27:eb",
        metric="temp",
        event_time=START + sequence * MINUTE,
        opened_at=START,
        last_at=START + sequence * MINUTE,
        closed_at=None,
        reason=None,
        value=30.5 + sequence,
        worst=30.5 + sequence,
        threshold=30.0,
        threshold_upper=None,
        score=None,
        expected=None,
        spread=None,
        why=None,
        readings=1 + sequence,
        first=True,
        stale=False,
        flapping=False,
        rules_version="v",
    )
    if changes.get("state") == "closed":
        changes = {"closed_at": found.event_time, "reason": "clear", "value": 29.0} | changes
    return msgspec.structs.replace(found, **changes)


def aggregate(start: int, pane: int, count: int = 2) -> WindowAggregate:
    statistics = (count, 21.5, 0.1 + 0.2, 21.0, 22.0, 21.0, 22.0, 0)
    return WindowAggregate("ä", "temp", start, start + MINUTE, *statistics, "late" if pane else "on_time", pane)


def dead(published: int | None, event: int | None) -> DeadLetter:
    return DeadLetter("not_json", 'unexpected "', "decode", "AAE=", None, "{}", "m", published, event)


def batch_of(*records: Any) -> pa.RecordBatch:
    return from_records(type(records[0]), records)
