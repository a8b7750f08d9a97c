"""Say in plain words how telemetry is read with a feed."""

from collections.abc import Iterator
from typing import Final

from telemetry.feed.feed import CSV, CsvFields, Feed, MetricFields

_DELIMITERS: Final = {"\t": "tabs", " ": "blanks"}


def describe_feed(feed: Feed) -> list[str]:
    """Return one sentence for each part of a feed."""
    return [_form(feed), _time(feed), _device(feed), *_metrics(feed)]


def _form(feed: Feed) -> str:
    parts = [feed.format or "csv or json, by the name of a file"]
    parts += [f"{name} {value}" for name, value in feed.options.items()]
    parts += [f"within {feed.body.replace('|', ' of ')}"] if feed.body else []
    parts += [f"encoded in {feed.encoding}"] if feed.encoding else []
    parts += [f"a reading for each element of {feed.records}"] if feed.records else []
    parts += _csv(feed.csv) if feed.format in ("", CSV) else []
    return f"format: {', '.join(parts)}."


def _csv(fields: CsvFields) -> Iterator[str]:
    usual = CsvFields()
    if fields.delimiter != usual.delimiter:
        yield f"cells between {_DELIMITERS.get(fields.delimiter, fields.delimiter)}"
    if fields.decimal != usual.decimal:
        yield f"numbers with a decimal {'comma' if fields.decimal == ',' else fields.decimal}"
    if fields.quote != usual.quote:
        yield f"cells in {fields.quote}"
    if fields.header != usual.header:
        yield f"the header in line {fields.header}" if fields.header else "no header"
    if fields.skip:
        yield f"{fields.skip} more {'line' if fields.skip == 1 else 'lines'} passed over"
    if fields.columns:
        yield f"the columns {', '.join(fields.columns)}"
    if fields.comment:
        yield f"no lines that begin with {fields.comment}"
    if fields.multiline:
        yield "cells over several lines"


def _time(feed: Feed) -> str:
    time = feed.time
    column = time.column if isinstance(time.column, str) else " and ".join(time.column)
    if time.counter:
        return f"time: {time.start} where {time.counter} is 0, {time.interval} more for each step of it."
    if time.start:
        return f"time: {time.start} for the first row of a file, {time.interval} more for each row behind it."
    parts = [f"the attribute {time.attribute}" if time.attribute else column]
    formats = (time.format,) if isinstance(time.format, str) and time.format else time.format
    parts += [f"as {' or '.join(formats)}"] if formats else []
    parts += [f"numbers of {time.unit}"] if time.unit else []
    parts += ["the day first" if time.day_first else "the month first"] if time.day_first is not None else []
    parts += [f"times without a zone in {time.zone}"] if time.zone else []
    parts += ["else the publish time"] if time.publish else []
    return f"time: {', '.join(parts)}."


def _device(feed: Feed) -> str:
    device = feed.device
    if device.name:
        where = f"always {device.name}"
    elif device.file:
        where = "the name of the file"
    else:
        where = f"the attribute {device.attribute}" if device.attribute else device.column
    return f"device: {where}{f', what {device.match} finds in it' if device.match else ''}."


def _metrics(feed: Feed) -> Iterator[str]:
    if feed.long is not None:
        found = f", what {feed.long.match} finds in it" if feed.long.match else ""
        yield f"one value a row: its name is {feed.long.name}{found}, its value {feed.long.value}."
    if not feed.metrics:
        yield "metrics: those of --metrics, else all fields that hold numbers."
    for name, fields in feed.metrics.items():
        yield f"metric {name}{_metric(fields or MetricFields())}."
    if feed.missing:
        yield f"missing values: {', '.join(map(_written, feed.missing))}."
    if feed.strict:
        yield "a value that cannot be read costs its row."


def _metric(fields: MetricFields) -> str:
    parts = [f"of {fields.column}"] if fields.column else []
    parts += [f"called {fields.label}"] if fields.label else []
    parts += [f"in {fields.unit}"] if fields.unit else []
    parts += [f"missing where it is {' or '.join(map(_written, fields.missing))}"] if fields.missing else []
    parts += [f"from {fields.low:g}"] if fields.low is not None else []
    parts += [f"up to {fields.high:g}"] if fields.high is not None else []
    parts += [f"times {fields.scale:g}"] if fields.scale != 1 else []
    parts += [f"plus {fields.offset:g}"] if fields.offset else []
    parts += ["true and on are 1, false and off are 0"] if fields.boolean else []
    return "".join(f", {part}" for part in parts)


def _written(code: str | float) -> str:
    return code if isinstance(code, str) else f"{code:g}"
