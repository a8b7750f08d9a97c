"""Read the rules that a job was judged by from its results."""

from typing import Final

import pyarrow as pa

from telemetry.rules.errors import RuleError
from telemetry.rules.rules_bytes import decode_rules
from telemetry.rules.timeline import ALWAYS_US, RulesChange, RulesTimeline, timeline_of
from telemetry.storage.files import StorageError, join, list_files
from telemetry.storage.result_store import concat_tables, read_tables

_KIND: Final = "rules"
_COLUMNS: Final = ("since", "sequence", "rules", "job_id")


def read_stored_rules(folder: str) -> RulesTimeline | None:
    """Return the rules that a job stored in its output, each with the event time from which it judged.

    Args:
        folder: the output, on any Beam filesystem.

    Returns:
        The timeline; None if no rules are stored there, so that it is no output.

    Raises:
        RuleError: if they cannot be read, or are those of several jobs.
    """
    try:
        paths = list_files(join(folder, _KIND), (".jsonl", ".parquet"))
        if not paths:
            return None
        table = concat_tables(_KIND, _COLUMNS, (part for _, part in read_tables(_KIND, paths, _COLUMNS)))
    except StorageError as error:
        raise RuleError(error.problem) from error
    jobs = set(table.column("job_id").to_pylist())
    if len(jobs) > 1:
        raise RuleError(f"holds the rules of {len(jobs)} jobs: name a rules file instead")
    since = table.column("since").cast(pa.int64()).to_pylist()
    texts, sequences = (table.column(name).to_pylist() for name in ("rules", "sequence"))
    return timeline_of(
        RulesChange(ALWAYS_US if since_us is None else since_us, decode_rules(text), sequence)
        for since_us, text, sequence in zip(since, texts, sequences, strict=True)
    )
