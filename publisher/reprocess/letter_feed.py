"""Read the payloads of dead letters as a feed says, and write their readings in the canonical form."""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from publisher.feed_input.format_readings import ReadingFormatter
from publisher.feed_input.odd_texts import odd_row
from publisher.reprocess.letters import Letter
from telemetry.feed.feed import CSV, Feed
from telemetry.feed.formats.inflate import InflateError, inflate
from telemetry.feed.readings.feed_reader import FeedReader
from telemetry.feed.readings.feed_rows import Envelope
from telemetry.feed.times.clocks import Clocks
from telemetry.model.messages import (
    CONTENT_ENCODING,
    DELIMITER,
    EVENT_TIME,
    FILE,
    FIRST_ROW,
    LINE_BYTES,
    MAX_MESSAGE_BYTES,
    MULTILINE,
    ROWS,
)

_OF_PAYLOAD: Final = frozenset(
    (CONTENT_ENCODING, DELIMITER, EVENT_TIME, FILE, FIRST_ROW, LINE_BYTES, MULTILINE, ROWS)
)  # attributes that describe a payload, and not the one that is written in its place
_TOGETHER: Final = 500  # letters
_TOGETHER_BYTES: Final = 4 << 20
_BEGINS_JSON: Final = (b"{", b"[")


class _Opened(NamedTuple):
    """A letter and its payload, decompressed; `key` is equal for payloads that can be read together."""

    letter: Letter
    content: bytes
    key: tuple[bool, str, bool]


class LetterFeed:
    """Reads dead letters as a feed says.

    Args:
        feed: the feed.
        metrics: names of the metrics to publish.
    """

    def __init__(self, feed: Feed, metrics: tuple[str, ...]) -> None:
        """Compile the feed."""
        self._feed = feed
        self._reader = FeedReader(feed, metrics)
        self._formatter = ReadingFormatter(metrics)
        self.identity = msgspec.json.encode((feed, metrics))

    def rewrite(self, letters: Iterable[Letter]) -> Iterator[Letter]:
        """Yield letters in their order, with their readings in the canonical form.

        A row of a letter that is no reading is written as `odd_row`. A letter without a reading stays as it is.

        Args:
            letters: as they were rejected.
        """
        for block in _blocks(letters):
            opened = map(self._open, block)
            for key, group in groupby(opened, lambda one: one.key):
                yield from self._rewrite(list(group), is_csv=key[0])

    def _open(self, letter: Letter) -> _Opened:
        content = letter.payload
        if letter.attributes.get(CONTENT_ENCODING, "").strip().lower() == "gzip":
            try:
                content = inflate("gzip", content)
            except InflateError:
                content = b""
        is_csv = self._feed.format == CSV
        if not self._feed.format and self._feed.csv.columns:  # rows of a file that was known by its name
            is_csv = not content.lstrip().startswith(_BEGINS_JSON)
        return _Opened(letter, content, (is_csv, letter.attributes.get(DELIMITER, ""), MULTILINE in letter.attributes))

    def _rewrite(self, opened: Sequence[_Opened], *, is_csv: bool) -> Iterator[Letter]:
        columns = (self._feed.csv.columns or None) if is_csv else None
        if is_csv and columns is None:  # a row that was cut from a file is without its header
            yield from (one.letter for one in opened)
            return
        envelopes = [Envelope(one.letter.attributes, one.letter.publish_us, columns) for one in opened]
        rows = self._reader.read([one.content for one in opened], envelopes, Clocks())
        texts: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        if len(rows):
            lines = zip(rows.payload.tolist(), rows.number.tolist(), self._formatter.format(rows), strict=True)
            for payload, number, text in lines:
                texts[payload].append((number, text))
        for row in rows.rejected:
            if row.payload in texts:
                texts[row.payload].append((row.number, odd_row(row.content)))
        for payload, one in enumerate(opened):
            yield _with_lines(one.letter, sorted(texts[payload])) if payload in texts else one.letter


def _with_lines(letter: Letter, lines: Sequence[tuple[int, str]]) -> Letter:
    content = "\n".join([text for _, text in lines]).encode("utf-8", "surrogateescape")
    attributes = {name: value for name, value in letter.attributes.items() if name not in _OF_PAYLOAD}
    attributes[ROWS] = str(len(lines))
    if len(content) > MAX_MESSAGE_BYTES:
        content = gzip.compress(content, mtime=0)
        attributes[CONTENT_ENCODING] = "gzip"
    return replace(letter, payload=content, attributes=attributes)


def _blocks(letters: Iterable[Letter]) -> Iterator[list[Letter]]:
    """Yield letters in blocks that are read together."""
    block: list[Letter] = []
    size = 0
    for letter in letters:
        block.append(letter)
        size += len(letter.payload)
        if len(block) >= _TOGETHER or size >= _TOGETHER_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
