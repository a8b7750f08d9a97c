"""Read payloads as a feed says; publisher and job read with the same reader."""

from collections.abc import Sequence

from telemetry.feed.feed import CSV, JSON, Feed
from telemetry.feed.files.encodings import payload_as_utf8
from telemetry.feed.files.other_shape import is_text
from telemetry.feed.readings.csv_reader import CsvReader
from telemetry.feed.readings.feed_rows import Envelope, FeedRows
from telemetry.feed.readings.reading_fields import ReadingFields
from telemetry.feed.readings.record_reader import RecordsReader
from telemetry.feed.times.clocks import Clocks
from telemetry.text.timestamps import EARLIEST_US


class FeedReader:
    """Reads the payloads of one feed; it raises for no payload.

    Args:
        feed: the feed.
        metrics: names of the metrics to read.
        earliest_us: first event time that is possible, microseconds UTC.
    """

    def __init__(self, feed: Feed, metrics: tuple[str, ...], earliest_us: int = EARLIEST_US) -> None:
        """Compile the feed.

        Raises:
            FeedFormatError: if a file that it names, or the function of its own decoder, is not to be had.
        """
        fields = ReadingFields(feed, metrics, earliest_us)
        self._encoding = feed.encoding
        self._is_text = is_text(feed.format or JSON) and not feed.body
        self._csv = CsvReader(feed.csv, fields)
        self._records = None if feed.format == CSV else RecordsReader(feed, fields)

    def apart(self, payloads: Sequence[bytes], envelopes: Sequence[Envelope]) -> list[list[int]]:
        """Return the indices of payloads in groups that can be read together, often one of all."""
        if self._records is None or envelopes[0].columns is not None:
            return self._csv.apart(self._texts(payloads, envelopes), envelopes)
        return [list(range(len(payloads)))]

    def read(self, payloads: Sequence[bytes], envelopes: Sequence[Envelope], clocks: Clocks | None = None) -> FeedRows:
        """Return the readings of some payloads.

        Args:
            payloads: as messages hold them, without a compression; several of a group of `apart`.
            envelopes: of the payloads; either all of them or none are cut from CSV files, and from files of the same
                columns.
            clocks: of the series of the rows before, where their order matters; None for none.
        """
        if self._records is None or envelopes[0].columns is not None:
            return self._csv.read(self._texts(payloads, envelopes), envelopes, clocks)
        return self._records.read(self._texts(payloads, envelopes) if self._is_text else payloads, envelopes, clocks)

    def _texts(self, payloads: Sequence[bytes], envelopes: Sequence[Envelope]) -> list[bytes]:
        """Return payloads of text in UTF-8; those of files, which nobody has published, are already."""
        return [
            payload if envelope.publish_us is None else payload_as_utf8(payload, self._encoding)
            for payload, envelope in zip(payloads, envelopes, strict=True)
        ]
