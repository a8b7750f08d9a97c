"""Read payloads of CSV as readings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.arrays import FloatArray
from telemetry.feed.feed import CsvFields
from telemetry.feed.files.columns import nameless
from telemetry.feed.formats.number_text import MISSING_TEXTS
from telemetry.feed.formats.value_columns import ProblemCodes, finish_numbers, read_column
from telemetry.feed.readings.csv_cells import NAMES, TEXT, CsvColumns, read_columns
from telemetry.feed.readings.csv_headers import same_headers, take_header
from telemetry.feed.readings.csv_lines import CsvRows, divide_rows, split_cells
from telemetry.feed.readings.feed_rows import Envelope, FeedRows, no_rows
from telemetry.feed.readings.joined import JoinedLines
from telemetry.feed.readings.metric_specs import MetricSpec
from telemetry.feed.readings.reading_fields import ReadColumns, ReadingFields
from telemetry.feed.readings.row_devices import RowDevices
from telemetry.feed.readings.row_times import PayloadRows, Series
from telemetry.feed.times.clocks import Clocks
from telemetry.feed.times.problems import Times
from telemetry.model.messages import DELIMITER, MULTILINE

NUMBERS: Final = pa.float64()
_NULLS: Final = tuple({case for text in MISSING_TEXTS for case in (text, text.upper(), text.capitalize())} | {"NaN"})


class CsvReader:
    """Reads rows of CSV, all columns at once.

    Args:
        dialect: fields of `csv` of the feed.
        fields: of the readings.
    """

    def __init__(self, dialect: CsvFields, fields: ReadingFields) -> None:
        """Prepare to read."""
        self._dialect = dialect
        self._fields = fields
        specs = fields.specs
        shared = set.intersection(*(set(spec.number.missing) for spec in specs)) if specs else set()
        self._nulls = (*_NULLS, *sorted(shared - set(_NULLS)))  # texts for missing values of any metric
        # columns that are not all numbers, or have texts of their own for missing values
        self._texts = {
            spec.column for spec in specs if not (_is_plain(spec) and set(spec.number.missing) <= set(self._nulls))
        }

    def read(self, payloads: Sequence[bytes], envelopes: Sequence[Envelope], clocks: Clocks | None) -> FeedRows:
        """Return the readings of some payloads.

        Args:
            payloads: rows, in UTF-8; several only if they share their columns, see `apart`.
            envelopes: of the payloads, with the columns of the file that they were cut from, if they were.
            clocks: of the series of the rows before; None for none.
        """
        dialect = dialect_of(self._dialect, envelopes[0])
        columns, headers = envelopes[0].columns or dialect.columns, [b""] * len(payloads)
        if not columns:
            headed = [take_header(payload, dialect) for payload in payloads]
            payloads, columns = [one.content for one in headed], headed[0].columns
            headers = [one.header for one in headed]  # a row alone is read with it
        lines = JoinedLines(payloads)
        places = {name: place for place, name in reversed(list(enumerate(columns)))}
        rows, table = self._columns(divide_rows(lines.content, dialect), len(columns), places, dialect)
        rejected = [one._replace(content=headers[one.payload] + one.content) for one in lines.rejected(rows.rejected)]
        if not rows.rows:
            return no_rows(len(self._fields.specs), rejected)
        origin = PayloadRows(envelopes, *lines.places(rows.number))
        devices = self._named(table, places, origin)
        times = self._timed(table, places, origin, Series(devices.names, devices.code, clocks))
        values, problems = self._values(table, places, len(rows.rows))
        columns_read: dict[str, list[str]] = {}

        def text(name: str, row: int) -> str:
            if name not in columns_read:
                columns_read[name] = _cells_of(table, places.get(name))
            if columns_read[name]:
                return columns_read[name][row].strip()
            cells = split_cells(rows.rows[row].decode(), dialect)
            place = places.get(name, len(cells))
            return cells[place].strip() if place < len(cells) else ""

        read = ReadColumns(
            origin,
            devices,
            times,
            values,
            problems,
            text,
            lambda some: [headers[origin.payload[row]] + rows.raw[row] for row in some.tolist()],
        )
        return self._fields.readings(read, rejected, self._ignored(columns, len(rows.rows)))

    def apart(self, payloads: Sequence[bytes], envelopes: Sequence[Envelope]) -> list[list[int]]:
        """Return the indices of payloads in groups that can be read together: those that share dialect and columns.

        Payloads in which cells may go over several lines are read alone: a quote that is open would go on in the next.
        """
        if len(payloads) == 1:
            return [[0]]
        groups: dict[tuple[CsvFields, int], list[int]] = {}
        for index, envelope in enumerate(envelopes):
            dialect = dialect_of(self._dialect, envelope)
            groups.setdefault((dialect, index if dialect.multiline else -1), []).append(index)
        if envelopes[0].columns or self._dialect.columns:
            return list(groups.values())
        return [
            [group[place] for place in some]
            for (dialect, _), group in groups.items()
            for some in same_headers([payloads[index] for index in group], dialect)
        ]

    def _named(self, table: pa.Table, places: Mapping[str, int], origin: PayloadRows) -> RowDevices:
        name = self._fields.devices.column
        if not name:
            return self._fields.devices.of_payloads(origin.envelopes, origin.payload)
        if name not in places:
            return self._fields.devices.of_values([None] * len(origin.number))
        column = table.column(str(places[name])).combine_chunks()
        return self._fields.devices.of_names(
            column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        )

    def _timed(self, table: pa.Table, places: Mapping[str, int], origin: PayloadRows, series: Series) -> Times:
        if not self._fields.times.columns:
            return self._fields.times.of_payloads(origin)
        columns = [
            _texts(table.column(str(places[name])).combine_chunks()) if name in places else pa.nulls(len(table), TEXT)
            for name in self._fields.times.columns
        ]
        return self._fields.times.of_columns(columns, origin, series)

    def _columns(self, rows: CsvRows, width: int, places: Mapping[str, int], dialect: CsvFields) -> CsvColumns:
        """Return the columns that are of use; those of numbers as such, if all their cells are plain numbers."""
        wanted = {places[name]: TEXT for name in self._fields.times.columns if name in places}
        if self._fields.devices.column in places:
            wanted[places[self._fields.devices.column]] = NAMES
        if self._fields.long is not None:
            values = {self._fields.long.name: NAMES, self._fields.long.value: TEXT}
        else:
            values = {spec.column: TEXT if spec.column in self._texts else NUMBERS for spec in self._fields.specs}
        for name, kind in values.items():
            if name in places:
                wanted.setdefault(places[name], kind)
        found = read_columns(rows, width, wanted, self._nulls, dialect)
        if found is not None:
            return found
        self._texts |= {spec.column for spec in self._fields.specs}
        texts = {place: TEXT if kind == NUMBERS else kind for place, kind in wanted.items()}
        found = read_columns(rows, width, texts, (), dialect)
        assert found is not None, "texts are always read"
        return found

    def _values(self, table: pa.Table, places: Mapping[str, int], count: int) -> tuple[FloatArray, ProblemCodes]:
        values, problems = self._fields.no_values(count)
        if self._fields.long is not None:
            self._long_values(table, places, values, problems)
        else:
            for index, spec in enumerate(self._fields.specs):
                if spec.column in places:
                    column = table.column(str(places[spec.column])).combine_chunks()
                    values[index], problems[index] = _numbers(column, spec)
        return values, problems

    def _long_values(
        self, table: pa.Table, places: Mapping[str, int], values: FloatArray, problems: ProblemCodes
    ) -> None:
        """Put the one value of each row where its metric is."""
        assert self._fields.long is not None
        if self._fields.long.name not in places or self._fields.long.value not in places:
            return
        names = table.column(str(places[self._fields.long.name])).combine_chunks()
        texts = table.column(str(places[self._fields.long.value])).combine_chunks()
        known = [self._fields.long_names.metric_of(name) for name in names.dictionary.to_pylist()]
        codes = names.indices.to_numpy(zero_copy_only=False)
        for index, spec in enumerate(self._fields.specs):
            mine = np.flatnonzero(np.isin(codes, [code for code, name in enumerate(known) if name == spec.column]))
            if len(mine):
                values[index, mine], problems[index, mine] = _numbers(texts.take(pa.array(mine)), spec)

    def _ignored(self, columns: Sequence[str], count: int) -> Counter[str]:
        asked = {*self._fields.times.columns, self._fields.devices.column, "", *nameless(columns)}
        asked |= (
            {spec.column for spec in self._fields.specs}
            if self._fields.long is None
            else {self._fields.long.name, self._fields.long.value}
        )
        return Counter(dict.fromkeys([name for name in columns if name not in asked], count))


def _numbers(column: pa.Array, spec: MetricSpec) -> tuple[FloatArray, ProblemCodes]:
    column = _texts(column)
    if column.type == NUMBERS:
        return finish_numbers(column.to_numpy(zero_copy_only=False), spec.number)
    return read_column(pc.utf8_trim_whitespace(column), spec.number)


def _cells_of(table: pa.Table, place: int | None) -> list[str]:
    """Return the cells of a column; [] if they were not read as texts."""
    if place is None or str(place) not in table.column_names:
        return []
    column = table.column(str(place))
    return [] if column.type == NUMBERS else column.to_pylist()


def _is_plain(spec: MetricSpec) -> bool:
    """Return whether all values of a metric may be plain numbers, with Arrow's idea of missing ones."""
    return not spec.number.booleans and not any(text[:1] in "+-.0123456789" for text in spec.number.missing if text)


def dialect_of(fields: CsvFields, envelope: Envelope) -> CsvFields:
    """Return the dialect of a payload: that of the feed, but for what its file was seen to have."""
    attributes = envelope.attributes
    if DELIMITER not in attributes and MULTILINE not in attributes:
        return fields
    delimiter = attributes.get(DELIMITER, "")
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in (fields.quote, "\n", "\r"):
        delimiter = fields.delimiter  # an attribute of a message that no file was cut into
    return msgspec.structs.replace(fields, delimiter=delimiter, multiline=fields.multiline or MULTILINE in attributes)


def _texts(column: pa.Array) -> pa.Array:
    """Return texts, of a column that is the device as well."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
