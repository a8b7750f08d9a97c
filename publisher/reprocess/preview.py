"""Render the plan of a dry run as text."""

from collections.abc import Iterator
from typing import Final

import msgspec

from publisher.reprocess.letters import Letter
from publisher.reprocess.plan import Plan

_SHOWN_BYTES: Final = 80
_WIDTH: Final = 16


def render_plan(plan: Plan) -> str:
    """Return a summary, followed by the number of letters and an example for each reason."""
    letters = sum(plan.by_reason.values())
    lines = [
        _line("letters read", f"{plan.read:,} in {_count(len(plan.files), 'file')}"),
        _line("duplicate", f"{plan.duplicate:,}"),
        _line("skipped", f"{plan.skipped:,}"),
        _line("to be sent", f"{letters:,}, {_count(plan.total('rows'), 'row')}, {_count(plan.total('bytes'), 'byte')}"),
        _line("run id", plan.run_id),
    ]
    if not plan.complete:
        lines.append("interrupted: not all files were read")
    examples = {letter.reason: letter for letter in plan.examples()}
    for reason, number in plan.by_reason.items():
        lines.extend(("", f"{printable(reason.encode())}: {_count(number, 'letter')}, the first of them"))
        lines.extend(_example(examples[reason]))
    return "".join(f"{line}\n" for line in lines)


def printable(data: bytes) -> str:
    """Return bytes as one line of text with unprintable characters escaped, safe for a terminal."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def _example(letter: Letter) -> Iterator[str]:
    hidden_bytes = len(letter.payload) - _SHOWN_BYTES
    more = f" … and {_count(hidden_bytes, 'more byte')}" if hidden_bytes > 0 else ""
    yield _line("  error", printable(letter.error.encode()))
    yield _line("  payload", printable(letter.payload[:_SHOWN_BYTES]) + more)
    yield _line("  attributes", printable(msgspec.json.encode(letter.attributes, order="sorted")))


def _line(name: str, text: str) -> str:
    return f"{name:{_WIDTH}}{text}".rstrip()


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"
