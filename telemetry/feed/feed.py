"""Define a feed: how somebody's telemetry becomes readings.

The types are those of the file, so that its schema and the table of its fields in the documentation follow from them.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

_DURATION = r"^\s*[0-9]+(\.[0-9]+)?(ms|s|m|h|d)\s*$"
CSV: Final = "csv"
"""Name of the format whose records are rows: they are read in columns, by no reader of records."""
JSON: Final = "json"
"""Name of the format of payloads of which nothing else is known."""
_CHARACTER = Meta(min_length=1, max_length=1)

UnitName = Literal["s", "ms", "us", "ns", "minutes", "hours", "days", "excel", "excel1904", "labview", "matlab"]
MissingCode = str | float
"""A value that stands for none: a text as it is written, or a number."""


class CsvFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of `csv`."""

    delimiter: Annotated[
        str, _CHARACTER, Meta(description="between cells, or `tab`; a blank is any number of blanks; without it `,`")
    ] = ","
    decimal: Annotated[Literal[".", ","], Meta(description="decimal sign of numbers; without it `.`")] = "."
    quote: Annotated[str, _CHARACTER, Meta(description='around cells; without it `"`')] = '"'
    header: Annotated[int, Meta(ge=0, description="line of the header, from 1; `0` if there is none")] = 1
    skip: Annotated[int, Meta(ge=0, description="lines after the header that are no rows, such as units")] = 0
    columns: Annotated[
        tuple[str, ...], Meta(description="names of the columns, in place of those of a header; needed without one")
    ] = ()
    comment: Annotated[str, Meta(description="lines that begin with it are left out, such as `#`")] = ""
    multiline: Annotated[
        bool, Meta(description="cells in quotes may hold line breaks; files are seen to do so at their beginning")
    ] = False


class TimeFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of `time`."""

    column: Annotated[
        str | tuple[str, ...],
        Meta(description="column or path of the time; a list of its parts, such as a date and a time of day"),
    ] = "ts"
    attribute: Annotated[str, Meta(description="attribute of the message, in place of a column")] = ""
    publish: Annotated[bool, Meta(description="the publish time, for messages in which there is no other")] = False
    format: Annotated[
        str | tuple[str, ...],
        Meta(description="pattern of strptime, such as `%d/%m/%Y %H:%M`, or a list; without it usual forms are known"),
    ] = ()
    zone: Annotated[str, Meta(description="of times that name none, such as `Europe/Rome` or `+02:00`")] = ""
    unit: Annotated[
        UnitName | None, Meta(description="of numbers; without it s, ms, us and ns are told apart by their size")
    ] = None
    day_first: Annotated[bool | None, Meta(description="whether 08/12/2018 is in December")] = None
    start: Annotated[
        str, Meta(description="time of a file's first row, where rows have none; with `counter` that of the number 0")
    ] = ""
    interval: Annotated[
        str, Meta(pattern=_DURATION, description="time between two rows, or of one step of the counter, with `start`")
    ] = "1s"
    counter: Annotated[
        str, Meta(description="column or path of a number that counts from `start`, such as seconds since then")
    ] = ""

    @property
    def by_row(self) -> bool:
        """Return whether the number of a row in its file makes its time."""
        return bool(self.start) and not self.counter

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns or paths of the time, often one; () if it is known without one."""
        if self.counter:
            return (self.counter,)
        if self.attribute or self.start:
            return ()
        return (self.column,) if isinstance(self.column, str) else self.column


class DeviceFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of `device`, of which one of the first four is given."""

    column: Annotated[str, Meta(description="column or path of the device")] = "device"
    attribute: Annotated[str, Meta(description="attribute of the message")] = ""
    file: Annotated[bool, Meta(description="`true`: the name of the file, without its folder and its ending")] = False
    name: Annotated[str, Meta(description="the device itself, if there is only one")] = ""
    match: Annotated[str, Meta(description="regular expression whose first group is the device within that text")] = ""


class MetricFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of a metric."""

    column: Annotated[str, Meta(description="column or path; without it the name of the metric")] = ""
    unit: Annotated[str, Meta(description="for people, such as `°C`")] = ""
    label: Annotated[str, Meta(description="for people; without it the name")] = ""
    missing: Annotated[tuple[MissingCode, ...], Meta(description="values that stand for none, such as `-200`")] = ()
    low: Annotated[float | None, Meta(description="smaller values are not read")] = None
    high: Annotated[float | None, Meta(description="larger values are not read")] = None
    scale: Annotated[float, Meta(description="factor of each value")] = 1.0
    offset: Annotated[float, Meta(description="added to each value, after the factor")] = 0.0
    boolean: Annotated[bool, Meta(description="true and false, on and off are 1 and 0")] = False


class LongFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of `long`: each row holds one value."""

    name: Annotated[str, Meta(description="column or path of the metric's name")]
    value: Annotated[str, Meta(description="column or path of its value")]
    match: Annotated[str, Meta(description="regular expression whose first group is the metric within that name")] = ""


class Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of a feed."""

    version: Annotated[Literal[1], Meta(description="`1`")] = 1
    format: Annotated[
        str,
        Meta(
            description="of a payload: `csv`, `json`, `line-protocol`, `senml`, `avro`, `protobuf`, `python-literal` "
            "or `module:function`; without it `csv` for .csv, .tsv, .txt and .dat files, else `json`"
        ),
    ] = ""
    options: Annotated[
        dict[str, str], Meta(description="of the format, such as `schema`, a file, for `avro` and `protobuf`")
    ] = {}
    body: Annotated[
        str, Meta(description="wrappers of a payload, the outermost first, such as `base64` or `base64|gzip`")
    ] = ""
    encoding: Annotated[
        str, Meta(description="of text, such as `latin-1`; without it UTF-8, or by the mark at the beginning")
    ] = ""
    csv: Annotated[CsvFields, Meta(description="how rows of CSV are written")] = CsvFields()
    records: Annotated[
        str,
        Meta(
            description="path of the list whose elements are readings, such as `readings` or `data.*.values`, or of an "
            "object that is one; `nodes.*` is each value of an object `nodes`"
        ),
    ] = ""
    time: Annotated[TimeFields, Meta(description="where the time of a reading is, and its form")] = TimeFields()
    device: Annotated[DeviceFields, Meta(description="where the device of a reading is")] = DeviceFields()
    metrics: Annotated[
        dict[str, MetricFields | None], Meta(description="the metrics by name; without it, those that `--metrics` says")
    ] = {}
    long: Annotated[
        LongFields | None, Meta(description="where the name of a metric and its value are, if each row holds one value")
    ] = None
    missing: Annotated[tuple[MissingCode, ...], Meta(description="values of any metric that stand for none")] = ()
    strict: Annotated[bool, Meta(description="a value that cannot be read costs its row")] = False


def is_canonical(feed: Feed) -> bool:
    """Return whether a feed says nothing about the form of telemetry: it may name its metrics, and be strict."""
    plain = (one is None or one == MetricFields(unit=one.unit, label=one.label, boolean=one.boolean)
             for one in feed.metrics.values())  # fmt: skip
    form = msgspec.structs.replace(feed, metrics={}, strict=False, format="")
    return form == Feed() and feed.format in ("", JSON) and all(plain)
