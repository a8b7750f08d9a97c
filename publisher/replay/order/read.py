"""Read the rows of several inputs in order of time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

from publisher.csv_blocks import STDIN
from publisher.json_lines import LineBatch
from publisher.replay.order.external_sort import sort_rows
from publisher.replay.order.keyed_lines import Disorder, KeyedLines, add_keys
from publisher.replay.order.merge import merge
from publisher.replay.order.scan import Span

_MOST_MERGED: Final = 32  # inputs that are open at a time

ReadInput = Callable[[str], Iterator[LineBatch]]
Spans = dict[str, Span | None]


def find_spans(inputs: Sequence[str], find_span: Callable[[str], Span | None]) -> Spans:
    """Return the span of each input that is in order; None for others, and for standard input.

    Args:
        inputs: the inputs.
        find_span: finds that of a file.
    """
    return {path: None if path == STDIN else find_span(path) for path in dict.fromkeys(inputs)}


def read_in_order(inputs: Sequence[str], spans: Spans, read: ReadInput, disorder: Disorder) -> Iterator[LineBatch]:
    """Yield the rows of all inputs by time, then input, then position; the order depends on nothing else.

    Inputs that are in order are merged as they are read; others are read to their end and sorted first.

    Args:
        inputs: the inputs.
        spans: result of `find_spans`.
        read: yields the selected rows of an input in the order of the file.
        disorder: measures the rows that are out of order in their input.
    """
    for group in _group(inputs, spans):
        keyed = [add_keys(read(path), disorder) for path in group]
        for block in _merge(list(zip(group, keyed, strict=True)), spans):
            yield block.lines


def _merge(sources: list[tuple[str, Iterator[KeyedLines]]], spans: Spans) -> Iterator[KeyedLines]:
    if len(sources) > _MOST_MERGED:
        return sort_rows(chain.from_iterable(rows for _, rows in sources))
    return merge([rows if spans[path] else sort_rows(rows) for path, rows in sources])


def _group(inputs: Sequence[str], spans: Spans) -> list[list[str]]:
    """Return groups of inputs whose times overlap, in order of time; one group if the times of any are unknown."""
    known = [(span, number) for number, path in enumerate(inputs) if (span := spans[path]) is not None]
    if len(known) < len(inputs):
        return [list(inputs)]
    groups: list[list[int]] = []
    last_us = -1
    for span, number in sorted(known):
        if groups and span.first_us <= last_us:
            groups[-1].append(number)
        else:
            groups.append([number])
        last_us = max(last_us, span.last_us)
    return [[inputs[number] for number in sorted(group)] for group in groups]
