"""Read payloads of records, such as JSON documents, as readings."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.feed.feed import JSON, Feed
from telemetry.feed.formats.explode import KEY, TooManyElementsError
from telemetry.feed.formats.flatten import flatten
from telemetry.feed.formats.json_documents import NO_OBJECT
from telemetry.feed.formats.json_text import parse_document
from telemetry.feed.formats.readers import record_reader
from telemetry.feed.formats.records import FeedRecord
from telemetry.feed.formats.value_columns import ProblemCodes
from telemetry.feed.formats.value_lists import read_values
from telemetry.feed.readings.feed_rows import Envelope, FeedRows, RejectedRow, no_rows
from telemetry.feed.readings.joined import JoinedLines
from telemetry.feed.readings.json_struct import NAME, NUMBER, TIME, StructLines, struct_lines
from telemetry.feed.readings.reading_fields import ReadColumns, ReadingFields
from telemetry.feed.readings.record_fields import FieldLookup
from telemetry.feed.readings.record_rows import NoElementsError, RecordPart, RecordParts, compile_element_field
from telemetry.feed.readings.row_times import PayloadRows, Series
from telemetry.feed.times.clocks import Clocks
from telemetry.model.dead_letters import Reason

_NO_OBJECTS: Final = (NO_OBJECT, "Expected `object")


class _Row(NamedTuple):
    """One reading to be.

    Attributes:
        part: the part of the record that it is.
        payload: index of the payload.
        source: the record of the payload that it was read from.
    """

    part: RecordPart
    payload: int
    source: FeedRecord


class RecordsReader:
    """Reads records of any format: each field as a column over all payloads.

    Args:
        feed: the feed.
        fields: of the readings.
    """

    def __init__(self, feed: Feed, fields: ReadingFields) -> None:
        """Compile the lookups of the fields."""
        times, devices = fields.times, fields.devices
        self._reader = record_reader(feed.format or JSON, body=feed.body, **feed.options)
        self._is_json = (feed.format or JSON) == JSON and not feed.body
        by_name = KEY in (devices.column, "" if feed.long is None else feed.long.name)
        self._parts = RecordParts(feed.records, times.columns[0] if times.columns else "", by_name=by_name)
        self._fields = fields
        self._lookups: dict[str, FieldLookup] = {}
        self._struct = self._compile() if self._is_json and not feed.records and fields.long is None else None

    def _compile(self) -> StructLines | None:
        fields: list[tuple[str, Any]] = [(name, TIME) for name in self._fields.times.columns]
        fields += [(self._fields.devices.column, NAME)] if self._fields.devices.column else []
        return struct_lines([*fields, *((spec.column, NUMBER) for spec in self._fields.specs)])

    def read(self, payloads: Sequence[bytes], envelopes: Sequence[Envelope], clocks: Clocks | None) -> FeedRows:
        """Return the readings of some payloads.

        Args:
            payloads: as the messages hold them.
            envelopes: of the payloads.
            clocks: of the series of the rows before; None for none.
        """
        fast = self._read_lines(payloads, envelopes, clocks) if self._struct is not None else None
        if fast is not None:
            return fast
        rows: list[_Row] = []
        rejected: list[RejectedRow] = []
        numbers: list[int] = []
        for payload, content in enumerate(payloads):
            found = self._read_one(payload, content)
            for number, one in enumerate(found, start=1):
                if isinstance(one, _Row):
                    rows.append(one)
                    numbers.append(number)
                else:
                    whole = len(found) == 1 and len(one.content) == len(content)
                    rejected.append(one._replace(number=0 if whole else number))
        if not rows:
            return no_rows(len(self._fields.specs), rejected)
        payload_of = np.array([row.payload for row in rows], np.int32)
        columns = _RecordColumns(
            PayloadRows(envelopes, payload_of, np.array(numbers, np.int32)),
            lambda name: self._column(name, rows),
            lambda name, row: _shown(self._column(name, [rows[row]])[0]),
            lambda some: self._raw(payloads, [rows[row] for row in some.tolist()]),
        )
        return self._settle(columns, clocks, rejected, lambda: self._ignored(rows[0].part.fields, len(rows)))

    def fields_of(self, payload: bytes) -> Iterator[dict[str, Any]]:
        """Yield the fields in which the values of each record are looked up first."""
        for one in self._read_one(0, payload):
            if isinstance(one, _Row):
                yield one.part.fields

    def _read_lines(
        self, payloads: Sequence[bytes], envelopes: Sequence[Envelope], clocks: Clocks | None
    ) -> FeedRows | None:
        """Return the readings of payloads of usual lines of JSON; None if anything about them is unusual."""
        assert self._struct is not None
        lines = JoinedLines([payload.rstrip(b"\n") for payload in payloads])
        decoded = self._struct.read(lines.content)
        if decoded is None:
            return None
        getters = self._struct.getters
        texts: list[bytes] = []

        def line(row: int) -> bytes:
            if not texts:
                texts.extend(lines.content.split(b"\n"))
            return texts[row]

        columns = _RecordColumns(
            PayloadRows(envelopes, *lines.places(np.arange(1, len(decoded) + 1, dtype=np.int32))),
            lambda name: list(map(getters[name], decoded)),
            lambda name, row: _shown(getters[name](decoded[row])),
            lambda some: [line(row) for row in some.tolist()],
        )
        return self._settle(columns, clocks, [], lambda: self._ignored(_fields_of(line(0)), len(decoded)))

    def _settle(
        self,
        columns: "_RecordColumns",
        clocks: Clocks | None,
        rejected: list[RejectedRow],
        ignored: Callable[[], Counter[str]],
    ) -> FeedRows:
        origin, device = columns.origin, self._fields.devices.column
        if device:
            devices = self._fields.devices.of_values(columns.column(device))
        else:
            devices = self._fields.devices.of_payloads(origin.envelopes, origin.payload)
        clocked = [columns.column(name) for name in self._fields.times.columns]
        series = Series(devices.names, devices.code, clocks)
        times = (
            self._fields.times.of_values(clocked, origin, series) if clocked else self._fields.times.of_payloads(origin)
        )
        values, problems = self._values(columns.column, len(origin.number))
        read = ReadColumns(origin, devices, times, values, problems, columns.text, columns.raw)
        return self._fields.readings(read, rejected, Counter() if np.isfinite(values).any() else ignored())

    def _read_one(self, payload: int, content: bytes) -> list[_Row | RejectedRow]:
        """Return the rows of a payload and its bad parts, in their order."""
        records, bad = self._reader.read(content)
        found: list[tuple[int, _Row | RejectedRow]] = []
        for record in records:
            found += [(record.first, row) for row in self._rows_of(payload, record, content)]
        for part in bad:
            reason = Reason.NOT_UTF8 if part.problem.startswith("not UTF-8") else Reason.NOT_JSON
            if part.problem.startswith(_NO_OBJECTS):
                reason = Reason.NOT_AN_OBJECT
            reason = reason if self._is_json else Reason.BAD_ROW
            text = content[part.first : part.end]
            found.append((part.first, RejectedRow(payload, 0, text, reason, part.problem)))
        if bad:
            found.sort(key=lambda one: one[0])
        return [row for _, row in found]

    def _rows_of(self, payload: int, record: FeedRecord, content: bytes) -> list[_Row | RejectedRow]:
        try:
            return [_Row(part, payload, record) for part in self._parts.of(record.value)]
        except TooManyElementsError as error:
            reason, problem = Reason.TOO_LARGE, str(error)
        except NoElementsError as error:
            reason, problem = Reason.MISSING_FIELD, str(error)
        return [RejectedRow(payload, 0, content[record.first : record.end], reason, problem)]

    def _column(self, name: str, rows: Sequence[_Row]) -> list[Any]:
        """Return a field of all rows."""
        look_up = self._lookups.get(name)
        if look_up is None:
            look_up = self._lookups[name] = compile_element_field(name)
        return [row.part.value(look_up) for row in rows]

    def _values(self, column: Callable[[str], Sequence[Any]], count: int) -> tuple[FloatArray, ProblemCodes]:
        values, problems = self._fields.no_values(count)
        if self._fields.long is None:
            for index, spec in enumerate(self._fields.specs):
                values[index], problems[index] = read_values(column(spec.column), spec.number)
        else:
            names, texts = self._metrics_of(column(self._fields.long.name)), column(self._fields.long.value)
            for index, spec in enumerate(self._fields.specs):
                mine = [row for row, name in enumerate(names) if name == spec.column]
                if mine:
                    values[index, mine], problems[index, mine] = read_values([texts[row] for row in mine], spec.number)
        return values, problems

    def _metrics_of(self, names: Sequence[Any]) -> list[str]:
        """Return the metrics that the names of a long table say; "" for what is no text."""
        known: dict[str, str] = {}
        for name in names:
            if isinstance(name, str) and name not in known:
                known[name] = self._fields.long_names.metric_of(name)
        return [known[name] if isinstance(name, str) else "" for name in names]

    def _raw(self, payloads: Sequence[bytes], rows: Sequence[_Row]) -> list[bytes]:
        """Return the bytes of rows: as they came, or of an element among others, its record with this one alone."""
        seen: set[tuple[int, int, int]] = set()
        texts = []
        for row in rows:
            place = (row.payload, row.source.first, row.source.end)
            alone = row.part.written() if self._is_json else None
            if alone is not None:
                texts.append(msgspec.json.encode(alone))
            else:  # rows of an undivided payload share one copy of it
                texts.append(b"" if place in seen else payloads[row.payload][row.source.first : row.source.end])
            seen.add(place)
        return texts

    def _ignored(self, fields: dict[str, Any], count: int) -> Counter[str]:
        """Return the numbers in the first of some rows, none of which is a metric, for people who look for theirs."""
        asked = {*self._fields.times.columns, self._fields.devices.column}
        return Counter(dict.fromkeys([name for name in flatten(fields) if name not in asked], count))


class _RecordColumns(NamedTuple):
    """N records as columns.

    Attributes:
        origin: where each came from.
        column: returns the N values of a field.
        text: returns the text of one of them.
        raw: returns the bytes of records.
    """

    origin: PayloadRows
    column: Callable[[str], Sequence[Any]]
    text: Callable[[str, int], str]
    raw: Callable[[IntArray], Sequence[bytes]]


def _fields_of(line: bytes) -> dict[str, Any]:
    """Return the fields of a line that was read for some of them only: others may be what nobody can read."""
    try:
        fields = parse_document(line)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
