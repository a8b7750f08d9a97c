"""Write a proposed feed as YAML, with the reason for each field as a comment."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from telemetry.feed.feed import Feed
from telemetry.feed.propose.proposal import Decision, Proposal
from telemetry.text.yaml_texts import comments, counted, printable, quoted

_INDENT = "  "


def write_proposal(proposal: Proposal) -> str:
    """Return the text of the feed file, of which `parse_feed` makes the same feed; defaults are left out."""
    lines = [*_head(proposal), "version: 1"]
    for field in msgspec.structs.fields(Feed):
        value = getattr(proposal.feed, field.name)
        if field.name == "metrics" and value:
            lines += ["metrics:", *_metrics(proposal)]
        elif field.name not in ("version", "metrics"):
            lines += _field(field.name, value, value != _default_of(field), proposal)
    lines += comments(_left_out(proposal))
    return "\n".join([*lines, ""])


def _head(proposal: Proposal) -> Iterator[str]:
    source = printable(proposal.name) or "a sample"
    yield from comments(
        [
            f"Feed proposed for {source}, from {counted(proposal.rows, 'row')}. The number before each reason is the "
            "confidence, from 0 to 1: check what is low."
        ]
    )
    yield from comments(f"Problem: {printable(problem)}." for problem in proposal.problems)
    yield from comments(f"Remark: {printable(remark)}." for remark in proposal.remarks)
    yield from comments(f"Question: {printable(question)}" for question in proposal.questions)


def _field(name: str, value: object, is_written: bool, proposal: Proposal) -> Iterator[str]:
    yield from comments(_reason(one, named=not is_written) for one in proposal.decisions if one.field == name)
    if is_written and not isinstance(value, msgspec.Struct):
        yield f"{name}: {_flow(value)}"
    written = _differing(value) if isinstance(value, msgspec.Struct) else {}
    if written:
        yield f"{name}:"
    for inner, content in written.items():
        yield from comments(_reasons(proposal, f"{name}.{inner}"), _INDENT)
        yield f"{_INDENT}{inner}: {_flow(content)}"
    places = {f"{name}.{inner}" for inner in written}
    rest = [one for one in proposal.decisions if one.field.startswith(f"{name}.") and one.field not in places]
    yield from comments((_reason(one, named=True) for one in rest), _INDENT if written else "")


def _default_of(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _differing(fields: msgspec.Struct) -> dict[str, Any]:
    """Return the fields that have no default, or another value."""
    return {
        field.encode_name: getattr(fields, field.name)
        for field in msgspec.structs.fields(fields)
        if field.required or getattr(fields, field.name) != field.default
    }


def _metrics(proposal: Proposal) -> Iterator[str]:
    for name, fields in proposal.feed.metrics.items():
        (reason,) = [*_reasons(proposal, f"metrics.{name}"), ""][:1]
        value = f" {_flow(_differing(fields))}" if fields is not None else ""
        yield f"{_INDENT}{quoted(name)}:{value}" + (f"  # {reason}" if reason else "")


def _left_out(proposal: Proposal) -> Iterator[str]:
    for column, reason in proposal.left_out:
        yield f"Not a metric: {printable(column)}, {reason}."


def _reasons(proposal: Proposal, field: str) -> list[str]:
    return [_reason(one) for one in proposal.decisions if one.field == field]


def _reason(decision: Decision, named: bool = False) -> str:
    name = f"{decision.field}: " if named else ""
    return f"{decision.confidence:.2f} {name}{printable(decision.reason)}"


def _flow(value: Any) -> str:
    """Return a value in YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(name))}: {_flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    return quoted(value) if isinstance(value, str) else str(value)


def _number(value: float) -> str:
    """Return a number as YAML reads it: 1e+30 would be a text."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = repr(value)
    mantissa, power, exponent = text.partition("e")
    return text if not power or "." in mantissa else f"{mantissa}.0e{exponent}"
