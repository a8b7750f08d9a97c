"""Propose a feed for the beginning of a file, or for some messages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from telemetry.feed.feed import CSV, JSON, Feed
from telemetry.feed.files.file_format import format_by_name
from telemetry.feed.files.messages import file_name
from telemetry.feed.formats.body import unwrap
from telemetry.feed.formats.inflate import InflateError
from telemetry.feed.formats.readers import record_reader
from telemetry.feed.propose.assemble import assemble
from telemetry.feed.propose.columns import SampleColumn, SampleTable
from telemetry.feed.propose.csv_sample import CsvSample, are_made, joined_payloads, read_csv
from telemetry.feed.propose.proposal import Decision, Proposal
from telemetry.feed.propose.record_formats import RecordSample, read_records
from telemetry.feed.propose.record_lists import find_list
from telemetry.feed.propose.record_values import columns_of
from telemetry.feed.propose.sample_text import MAX_SAMPLE_BYTES, SampleText, decode_sample
from telemetry.feed.propose.time_lists import spread_times
from telemetry.model.messages import CONTENT_ENCODING, Message

_EXPLAINED: Final = 100_000  # bytes of a payload that are read again, to say why it is not JSON
_UNKNOWN: Final = "it is in none of the known formats: no cells of a table, no JSON, line protocol or SenML"


def propose(
    name: str, sample: bytes, attributes: Mapping[str, str] | None = None, publish_us: int | None = None
) -> Proposal:
    """Return a feed for the beginning of a file, or for the payload of one message.

    Args:
        name: of the file, which may name the device and the format; "" or ``-`` for standard input.
        sample: its first bytes, not packed; more than `MAX_SAMPLE_BYTES` are not looked at.
        attributes: of the message; None for a file.
        publish_us: when the message was published, or the file written, microseconds UTC; None if not known.
    """
    if attributes is not None:
        return _propose(name, [sample], [attributes], publish_us, is_messages=True, cut=False)
    cut = len(sample) >= MAX_SAMPLE_BYTES
    return _propose(name, [sample[:MAX_SAMPLE_BYTES]], [], publish_us, is_messages=False, cut=cut)


def propose_messages(messages: Sequence[Message], name: str = "") -> Proposal:
    """Return a feed for messages of one kind.

    Args:
        messages: some of them, with their attributes.
        name: of the subscription or file that they come from, for the comment.
    """
    payloads = [_plain(message) for message in messages]
    published = next((message.publish_us for message in messages if message.publish_us is not None), None)
    attributes = [message.attributes for message in messages]
    return _propose(name, payloads, attributes, published, is_messages=True, cut=False)


def _plain(message: Message) -> bytes:
    """Return the payload of a message without the packing that its attributes say."""
    if message.attributes.get(CONTENT_ENCODING) == "gzip":
        try:
            return unwrap(("gzip",), message.payload)
        except (InflateError, ValueError):
            return message.payload
    return message.payload


def _propose(
    name: str,
    payloads: Sequence[bytes],
    attributes: Sequence[Mapping[str, str]],
    publish_us: int | None,
    is_messages: bool,
    cut: bool,
) -> Proposal:
    if not any(payload.strip(b"\0\r\n\t \xef\xbb\xbf\xff\xfe") for payload in payloads):
        return Proposal(name, 0, Feed(), problems=("it is empty",) if payloads else ("there are no messages",))
    records = read_records(payloads, cut)
    if records is not None:
        return _of_records(name, records, attributes, publish_us, is_messages)
    texts = [decode_sample(payload) for payload in payloads]
    text = next((one for one in texts if one.problem), texts[0])
    if not text.problem and text.reason != "UTF-8":
        recoded = read_records([one.text.encode() for one in texts], cut)
        if recoded is not None:
            return _of_records(name, recoded, attributes, publish_us, is_messages, text)
    if text.problem:
        return Proposal(name, 0, Feed(), problems=(text.problem,))
    if _begins_json(text.text):
        return Proposal(name, 0, Feed(), problems=(_json_problem(payloads),))
    sample = read_csv(_whole_lines(joined_payloads([one.text for one in texts]), cut))
    if sample is None:
        return Proposal(name, 0, Feed(), problems=(_UNKNOWN,))
    return _of_csv(name, sample, text, _columns_of_attributes(attributes), publish_us, is_messages)


def _whole_lines(text: str, cut: bool) -> str:
    """Return a text without its last line, if that may be cut and there is another one."""
    kept, end, _ = text.rpartition("\n")
    return kept + end if cut and end else text


def _begins_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _json_problem(payloads: Sequence[bytes]) -> str:
    for payload in payloads:
        _, bad = record_reader("json").read(payload[:_EXPLAINED])
        if bad:
            return f"it begins as JSON, but it cannot be read: {bad[0].problem}"
    return _UNKNOWN


def _columns_of_attributes(attributes: Sequence[Mapping[str, str]]) -> tuple[SampleColumn, ...]:
    """Return the attributes of messages as columns of one value for each message."""
    names = dict.fromkeys(name for one in attributes for name in one)
    return tuple(
        SampleColumn(name, tuple(one.get(name) for one in attributes), (name,), attribute=True) for name in names
    )


def _of_csv(
    name: str,
    sample: CsvSample,
    text: SampleText,
    attributes: tuple[SampleColumn, ...],
    publish_us: int | None,
    is_messages: bool,
) -> Proposal:
    table = replace(sample.table, attributes=attributes, is_messages=is_messages, publish_us=publish_us)
    parts = assemble(table, name, publish_us)
    decisions = [Decision("format", round(min(sample.share, 0.98), 2), "the lines have the same number of cells")]
    if text.encoding or text.reason != "UTF-8":
        decisions.append(Decision("encoding", text.confidence, text.reason))
    feed = Feed(
        format="" if _usual_format(name, text.text, is_messages) == CSV else CSV,
        encoding=text.encoding,
        csv=sample.fields,
        time=parts.time,
        device=parts.device,
        metrics=parts.metrics,
        long=parts.long,
        missing=parts.missing,
    )
    questions = list(parts.questions)
    if are_made(sample.fields.columns):
        questions.append("What are the columns called? The file has no header; they are c1, c2 and so on.")
    problems = (*sample.problems, *_without_metrics(feed))
    all_decisions = (*decisions, *sample.decisions, *parts.decisions)
    return Proposal(name, table.rows, feed, all_decisions, tuple(questions), problems, (), tuple(parts.left_out))


def _without_metrics(feed: Feed) -> tuple[str, ...]:
    return () if feed.metrics else ("no column with numbers was found that is a metric",)


def _usual_format(name: str, beginning: str, is_messages: bool) -> str:
    """Return the format that is read without a feed that says it; "" if none is."""
    return JSON if is_messages else format_by_name(file_name(name), beginning.encode("utf-8", "replace"))


def _of_records(
    name: str,
    sample: RecordSample,
    attributes: Sequence[Mapping[str, str]],
    publish_us: int | None,
    is_messages: bool,
    text: SampleText | None = None,
) -> Proposal:
    flat = sample.format in ("senml", "line-protocol")
    found = None if flat else find_list(sample.records)
    rows: list[dict[str, Any]] = sample.records if found is None else found.rows
    rows = (None if flat else spread_times(rows)) or rows
    table = SampleTable(
        columns_of(rows, () if found is None else found.path),
        len(rows),
        _columns_of_attributes(attributes),
        is_messages,
        list_steps=() if found is None else tuple(step for step in found.path if isinstance(step, str)),
        publish_us=publish_us,
    )
    parts = assemble(table, name, publish_us, sample.bases if sample.format == "senml" else None)
    decisions = [Decision("format", round(sample.share, 2), sample.reason)]
    if sample.body:
        decisions.append(Decision("body", 0.9, f"each payload is {sample.body.replace('|', ' of ')}"))
    if text is not None:
        decisions.append(Decision("encoding", text.confidence, text.reason))
    if found is not None:
        decisions.append(Decision("records", found.confidence, found.reason))
    feed = Feed(
        format="" if sample.format == _usual_format(name, sample.beginning, is_messages) else sample.format,
        options=sample.options,
        body=sample.body,
        encoding=text.encoding if text is not None else "",
        records="" if found is None else found.records,
        time=parts.time,
        device=parts.device,
        metrics=parts.metrics,
        long=parts.long,
        missing=parts.missing,
    )
    remarks = (f"a part cannot be read: {sample.problem}",) if sample.problem else ()
    return Proposal(
        name,
        len(rows),
        feed,
        (*decisions, *parts.decisions),
        tuple(parts.questions),
        _without_metrics(feed),
        remarks,
        tuple(parts.left_out),
    )
