"""Hand on the transitions of incidents as records of the job, and count them."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from telemetry.model.record_batches import concat_record_batches, with_job
from transforms import counters


def tell(batches: list[pa.RecordBatch | None], job_id: str) -> Iterator[pa.RecordBatch]:
    """Yield transitions as one batch of Incident with the id of the job, if there are any; count them."""
    found = [batch for batch in batches if batch is not None]
    if not found:
        return
    told = concat_record_batches(found)
    states, rules, sequences = (told.column(name).to_pylist() for name in ("state", "rule_id", "sequence"))
    opened = Counter(rule for rule, sequence in zip(rules, sequences, strict=True) if sequence == 1)
    for rule, number in opened.items():
        counters.count(counters.INCIDENTS, number, rule)
    closed = states.count("closed")
    if closed:
        counters.count(counters.INCIDENTS_CLOSED, closed)
    yield with_job(told, job_id)
