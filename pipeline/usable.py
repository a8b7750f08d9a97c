"""Check that a job could use some of its input."""

import base64
from collections.abc import Iterator

from pipeline.config import JobConfig
from pipeline.summary import JobSummary
from telemetry.cli.exit_codes import nothing_usable
from telemetry.errors import NothingUsableError
from telemetry.storage.files import StorageError
from telemetry.storage.result_store import FileStore
from transforms import counters

_COLUMNS = ("reason", "error", "payload")


def check_usable(config: JobConfig, summary: JobSummary) -> None:
    """Check that a finished job has decoded a row with a value; a stream may have received none.

    Rows without any value are of use to a rule that looks at no metric: the silence of a device.

    Raises:
        NothingUsableError: if it has not; names the commonest reason, with an example where one is stored.
    """
    if summary.counts.get(counters.ROWS_DUPLICATE):
        return
    if summary.counts.get(counters.ROWS_DECODED):
        values = summary.by_kind(counters.VALUES_READ)  # none, not even zero, if a runner does not tell them
        if values and not any(values.values()) and all(rule.metrics for rule in config.rules.rules):
            raise NothingUsableError(_no_value(config, summary))
        return
    reasons = summary.by_kind(counters.DEAD_LETTERS)
    if not reasons and config.streaming:
        return
    reason = max(reasons, key=lambda name: reasons[name], default="")
    example = next(_examples(config, reason), "") if reason and config.output else ""
    raise NothingUsableError(nothing_usable(reason, reasons.get(reason, 0), example))


def _no_value(config: JobConfig, summary: JobSummary) -> str:
    """Return the one line about rows of which none has a value."""
    text = f"no row was usable: none of {summary.counts[counters.ROWS_DECODED]:,} carries {' or '.join(config.metrics)}"
    unread = summary.commonest(counters.VALUES_UNREAD)
    ignored = summary.commonest(counters.FIELDS_IGNORED)
    if unread:
        kind, number = next(iter(unread.items()))
        metric, _, reason = kind.rpartition("/")
        example = summary.example(kind)
        text += f"; {metric} is {reason} ({number:,}){f', for example {example}' if example else ''}"
    elif ignored:
        text += f"; ignored fields: {', '.join(f'{name} ({number:,})' for name, number in ignored.items())}"
    return text


def _examples(config: JobConfig, reason: str) -> Iterator[str]:
    """Yield dead letters of a reason as text: the error, and the row."""
    try:
        for table in FileStore(config.output).tables("dead_letters", _COLUMNS):
            for row in table.to_pylist():
                if row["reason"] == reason:
                    content = base64.b64decode(row["payload"]).decode("utf-8", "backslashreplace")
                    yield f"{content.strip()} ({row['error']})"
    except StorageError:  # the example is a courtesy, and the run itself has ended well
        return
