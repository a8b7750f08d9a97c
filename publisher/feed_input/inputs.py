"""Read the inputs of a command as lines of the canonical form, each in its own way."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Protocol

import msgspec

from publisher.csv_blocks import STDIN, InputError
from publisher.csv_input import read_chunks
from publisher.feed_input.canonical_lines import CanonicalDocuments, CanonicalLines
from publisher.feed_input.causes import Causes
from publisher.feed_input.feed_lines import FeedLines, read_rows
from publisher.feed_input.look import InputLook, look_at_input
from publisher.feed_input.metrics import check_asked, find_metrics
from publisher.feed_input.streams import PipeStream
from publisher.json_lines import LineBatch, format_lines
from telemetry.arrays import IntArray
from telemetry.feed.feed import CSV, Feed, is_canonical
from telemetry.feed.files.messages import file_messages
from telemetry.feed.files.shape import Cutting
from telemetry.feed.readings.canonical import CANONICAL_DOCUMENTS
from telemetry.feed.readings.feed_reader import FeedReader
from telemetry.feed.readings.feed_rows import FeedRows
from telemetry.model.messages import CONTENT_ENCODING, Message
from telemetry.storage.files import StorageError, read_file


class _LineReader(Protocol):
    """Reads the messages of a file as lines."""

    def read(self, messages: Iterable[Message], causes: Causes, /) -> Iterator[LineBatch]:
        """Yield the rows of one file, in its order."""
        ...


class FeedInputs:
    """Inputs of any dialect.

    Rows are published in the canonical form: a reading as a line of JSON, with the metrics of the feed that have a
    value; a row that is none as it came. Inputs in the canonical form keep all their fields.

    """

    def __init__(self, paths: Sequence[str], feed: Feed, metrics: tuple[str, ...] | None = None) -> None:
        """Look at each input.

        Args:
            paths: files, or ``-`` for standard input.
            feed: how they become readings.
            metrics: names of the metrics to publish; None for those of the feed, or all that there are.

        Raises:
            ConfigError: if an input cannot be opened, or lacks the columns of time and device, or no input has one of
                `metrics`.
            InputError: if it is damaged at its beginning.
            NothingUsableError: if no field of a foreign input holds numbers.
        """
        self._causes: dict[str, Causes] = {}
        self._feed = feed
        self._asked = metrics
        self._looks = {path: look_at_input(path, feed) for path in dict.fromkeys(paths)}
        self._metrics = metrics or ()
        if metrics is not None:
            check_asked(metrics, feed, list(self._looks.values()))
        elif not is_canonical(feed):
            self._metrics = find_metrics(feed, self._looks.values())

    def is_plain(self, path: str) -> bool:
        """Return whether an input is CSV in the canonical form, which needs no feed."""
        return self._looks[path].is_plain

    @property
    def identity(self) -> str:
        """Description on which the lines of the same inputs depend; "" for inputs in the canonical form."""
        if self._asked is None and is_canonical(self._feed):
            return ""
        files = [_content_of(value) for value in self._feed.options.values()]
        return msgspec.json.encode((self._feed, self._asked, files)).decode()

    @property
    def causes(self) -> Causes:
        """Why rows of the inputs are no readings, as far as they were read last."""
        return Causes.of_all(self._causes.values())

    def read(self, path: str) -> Iterator[LineBatch]:
        """Yield the rows of an input once, in its order.

        Raises:
            InputError: if it is damaged.
        """
        look = self._looks[path]
        with ExitStack() as stack:
            if look.is_plain:
                stream = None if look.rest is None else look.open(stack)
                yield from format_lines(read_chunks(path, {}, stream), self._asked)
            else:
                causes = self._causes[path] = Causes()
                yield from self._reader(look).read(_messages(look, stack), causes)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that are published; () for all fields of inputs in the canonical form."""
        return self._metrics

    def rows(self, path: str, reader: FeedReader) -> Iterator[FeedRows]:
        """Yield the readings of an input, in its order, as a reader reads them.

        Raises:
            InputError: if it is damaged.
        """
        with ExitStack() as stack:
            yield from read_rows(reader, _messages(self._looks[path], stack))

    def read_times(self, path: str) -> Iterator[IntArray]:
        """Yield the times of the readings of an input that is not plain, in its order: microseconds UTC.

        Raises:
            InputError: if it is damaged.
        """
        look = self._looks[path]
        with ExitStack() as stack:
            messages = _messages(look, stack)
            if look.shape.format != CSV and is_canonical(self._feed):
                for batch in self._reader(look).read(messages, Causes()):
                    yield batch.times
            else:
                feed = CANONICAL_DOCUMENTS if is_canonical(self._feed) else self._feed
                for rows in read_rows(FeedReader(feed, ()), messages):
                    yield rows.time_us

    def _reader(self, look: InputLook) -> _LineReader:
        if not is_canonical(self._feed):
            return FeedLines(self._feed, self._metrics)
        if look.shape.columns is not None:
            return FeedLines(CANONICAL_DOCUMENTS, self._asked or _metrics_of(look.shape.columns))
        reader = CanonicalLines if look.shape.cutting is Cutting.LINES else CanonicalDocuments
        return reader(self._asked)


def _metrics_of(columns: Sequence[str]) -> tuple[str, ...]:
    """Return all columns of canonical CSV but time and device, so that nothing of a row is lost."""
    return tuple(name for name in columns if name not in ("ts", "device"))


def _content_of(option: str) -> str:
    """Return a digest of the file that an option of a format names; "" if it names none."""
    try:
        return hashlib.blake2b(read_file(option), digest_size=8).hexdigest()
    except StorageError:
        return ""


def _messages(look: InputLook, stack: ExitStack) -> Iterator[Message]:
    """Yield the messages of an input, up to its damage.

    Raises:
        InputError: if it is damaged.
    """
    try:
        stream = look.open(stack)
        pipe = PipeStream(stream) if look.path == STDIN else stream
        for message in file_messages(pipe, look.path, look.shape):
            if CONTENT_ENCODING in message.attributes:
                raise InputError(look.path, "damaged: it cannot be unpacked to its end")
            yield message
    except OSError as error:
        raise InputError(look.path, f"cannot be read to its end: {error.strerror or error}") from error
