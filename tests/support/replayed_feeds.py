"""Compare what a job makes of files with what it makes of their replay."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.feed_input.inputs import FeedInputs
from publisher.json_lines import LineBatch
from publisher.replay.message_builder import MessageBuilder
from telemetry.feed.feed import CSV, Feed, is_canonical
from telemetry.feed.files.look import look_at
from telemetry.feed.files.messages import file_messages
from telemetry.model.message_batch import batches_of
from telemetry.model.messages import CONTENT_ENCODING, ROWS, Message
from telemetry.model.records import DeadLetter
from telemetry.storage.unpacking import inner_name, unpacked
from telemetry.text.timestamps import EARLIEST_US, ClockBounds
from transforms.decode.codec import decode
from transforms.decode.decode_spec import CANONICAL, DecodeSpec
from transforms.decode.unread_values import ValueKind

_BOUNDS = ClockBounds(EARLIEST_US)


class JobResult(NamedTuple):
    """Results of a job from its input, in no order.

    Attributes:
        readings: time in microseconds, device and values of each.
        rejected: number of rows in dead letters.
        unread: number of values that could not be read, by metric.
    """

    readings: Counter[tuple[int, str, tuple[float | None, ...]]]
    rejected: int
    unread: Counter[str]


def job_on_file(path: Path, feed: Feed, metrics: tuple[str, ...]) -> JobResult:
    """Return what a job makes of a file."""
    with open(path, "rb") as raw:
        shape = look_at(unpacked(raw, str(path)), inner_name(raw, str(path)), feed)
        raw.seek(0)
        messages = list(file_messages(unpacked(raw, str(path)), str(path), shape))
    by_lines = is_canonical(feed) and shape.format != CSV
    return _decoded(messages, DecodeSpec(metrics, _BOUNDS, feed), by_lines=by_lines)


def job_on_replay(batches: Iterable[LineBatch], metrics: tuple[str, ...], rows_per_message: int) -> JobResult:
    """Return what a job makes of lines, published so many in a message."""
    builder = MessageBuilder("run", rows_per_message, compress=False, ordering="run")
    messages = [message for batch in batches for message in builder.add(batch, 0)]
    messages += builder.finish(0)
    sent = [Message(one.payload, one.attributes, str(one.sequence)) for one in messages]
    assert not any(CONTENT_ENCODING in one.attributes for one in sent)
    return _decoded(sent, DecodeSpec(metrics, _BOUNDS), by_lines=True)


def replayed(path: Path, feed: Feed = CANONICAL, metrics: tuple[str, ...] | None = None) -> list[LineBatch]:
    """Return the lines of a file."""
    return list(FeedInputs([str(path)], feed, metrics).read(str(path)))


def lines_of(path: Path, feed: Feed = CANONICAL, metrics: tuple[str, ...] | None = None) -> list[str]:
    """Return the texts of the lines of a file."""
    return [text for batch in replayed(path, feed, metrics) for text in batch.texts]


def readings_of(path: Path, feed: Feed = CANONICAL, metrics: tuple[str, ...] | None = None) -> list[object]:
    """Return the lines of a file as JSON says them."""
    return list(map(json.loads, lines_of(path, feed, metrics)))


def archived(output: Path, metric: str) -> list[tuple[int, str, float | None]]:
    """Return time in microseconds, device and value of the readings that a job archived, sorted."""
    paths = sorted(output.glob("readings/**/*.parquet"))
    columns = [pq.read_table(path, partitioning=None).select(["event_time", "device", metric]) for path in paths]
    rows = [row for table in columns for row in table.set_column(0, "t", table[0].cast(pa.int64())).to_pylist()]
    return sorted((row["t"], row["device"], row[metric]) for row in rows)


def _decoded(messages: Sequence[Message], spec: DecodeSpec, *, by_lines: bool) -> JobResult:
    result = JobResult(Counter(), 0, Counter())
    for batch in batches_of(messages):
        found = decode(batch, spec)
        if found.readings is not None:
            some = found.readings
            values = [[None if np.isnan(one) else one for one in row] for row in some.values.T.tolist()]
            names = [some.devices[code] for code in some.device.tolist()]
            result.readings.update(zip(some.event_us.tolist(), names, map(tuple, values), strict=True))
        result.unread.update(_by_metric(found.unread.counts))
        rows = sum(_rows_of(letter, by_lines=by_lines) for letter in found.rejected)
        result = result._replace(rejected=result.rejected + rows)
    return result


def _by_metric(counts: Counter[ValueKind]) -> Iterator[str]:
    return (kind.metric for kind, number in counts.items() for _ in range(number))


def _rows_of(letter: DeadLetter, *, by_lines: bool) -> int:
    """Return the rows of a dead letter; one of a whole message holds many, if its rows are lines."""
    told = json.loads(letter.attributes).get(ROWS)
    if told is not None:
        return int(told)
    content = base64.b64decode(letter.payload)
    return sum(bool(line.strip()) for line in content.split(b"\n")) if by_lines and letter.line is None else 1
