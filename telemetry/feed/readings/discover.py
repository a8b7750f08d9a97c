"""Find the metrics of telemetry: all fields that hold numbers, besides time and device."""

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from telemetry.feed.feed import CsvFields, Feed
from telemetry.feed.files.columns import nameless
from telemetry.feed.formats.flatten import flatten
from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE, read_column
from telemetry.feed.formats.values import NumberProblem, NumberSpec
from telemetry.feed.readings.csv_cells import TEXT, read_columns
from telemetry.feed.readings.csv_lines import divide_rows
from telemetry.feed.readings.csv_reader import dialect_of
from telemetry.feed.readings.feed_rows import Envelope
from telemetry.feed.readings.reading_fields import ReadingFields
from telemetry.feed.readings.record_reader import RecordsReader
from telemetry.model.messages import Message

_LOOKED_AT: Final = 2_000  # rows
_MISSING: Final = PROBLEM_OF_CODE.index(NumberProblem.MISSING)
_LEAST_SHARE: Final = 0.5
_OF_READINGS: Final = frozenset(("ts", "device"))  # fields of a reading that are no metrics


MOST_FILES: Final = 20
"""Files that are looked at."""


def metrics_of_files(feed: Feed, beginnings: Iterable[Message]) -> tuple[str, ...]:
    """Return the metrics of some files, as `discover_metrics` finds them at their beginnings; () if there are none."""
    found: dict[str, None] = {}
    for message in beginnings:
        envelope = Envelope(message.attributes, message.publish_us, message.columns)
        found |= dict.fromkeys(discover_metrics(feed, message.payload, envelope))
    return tuple(found)


def discover_metrics(feed: Feed, payload: bytes, envelope: Envelope) -> list[str]:
    """Return the fields of a payload that are numbers more often than not, where they are not missing.

    In a long table they are the names of the values. The order is that of the payload.

    Args:
        feed: the feed; metrics that it names are of no account.
        payload: in UTF-8, the beginning of a file.
        envelope: of the payload.
    """
    fields = ReadingFields(feed, ())
    taken = {*fields.times.columns, fields.devices.column, *_OF_READINGS}
    if envelope.columns is not None:
        columns = _columns_of_csv(dialect_of(feed.csv, envelope), payload, envelope.columns)
    else:
        columns = _columns_of_records(RecordsReader(feed, fields), payload)
    if feed.long is not None:
        names = [fields.long_names.metric_of(name) for name in columns.get(feed.long.name, [])]
        columns = _by_name(names, columns.get(feed.long.value, []))
    spec = NumberSpec(decimal=feed.csv.decimal)
    if envelope.columns is not None:  # such as the numbers of rows that Pandas writes first
        taken |= nameless(envelope.columns)
    return [name for name, texts in columns.items() if name and name not in taken and _is_number(texts, spec)]


def _columns_of_csv(fields: CsvFields, payload: bytes, names: tuple[str, ...]) -> dict[str, list[str]]:
    rows = divide_rows(payload, fields)
    some = rows._replace(rows=rows.rows[:_LOOKED_AT], raw=rows.raw[:_LOOKED_AT], number=rows.number[:_LOOKED_AT])
    wanted = dict.fromkeys(range(len(names)), TEXT)
    found = read_columns(some, len(names), wanted, (), fields)
    assert found is not None, "texts are always read"
    return {name: found.table.column(str(place)).to_pylist() for place, name in enumerate(names)}


def _columns_of_records(reader: RecordsReader, payload: bytes) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for fields in itertools.islice(reader.fields_of(payload), _LOOKED_AT):
        found = {name: str(value) for name, value in flatten(fields).items() if not isinstance(value, bool)}
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}  # a number in quotes
        for name, text in (found | texts).items():
            columns.setdefault(name, []).append(text)
    return columns


def _by_name(names: list[str], values: list[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for name, value in zip(names, values, strict=False):
        columns.setdefault(name.strip(), []).append(value)
    return columns


def _is_number(texts: list[str], spec: NumberSpec) -> bool:
    _, codes = read_column(pa.array([text.strip() for text in texts], TEXT), spec)
    kinds = Counter(codes.tolist())
    return kinds[0] > 0 and kinds[0] >= _LEAST_SHARE * (len(texts) - kinds[_MISSING])
