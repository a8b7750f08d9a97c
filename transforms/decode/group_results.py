"""Gather the batches of readings and the dead letters of a group of messages."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import CodeArray, FloatArray, IntArray
from telemetry.feed.default_feed import READING_UNITS
from telemetry.feed.files.columns import nameless
from telemetry.model.dead_letters import Reason, RejectionError, dead_message
from telemetry.model.line_letters import LineLetters
from telemetry.model.message_batch import UNKNOWN_US, MessageBatch
from telemetry.model.messages import Message
from telemetry.model.reading_batch import RawRows, ReadingBatch, concat_batches
from telemetry.model.records import DeadLetter
from telemetry.text.timestamps import LATEST_US, explain_time, latest_event_times_us
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.decoded_batch import DecodedBatch
from transforms.decode.decoded_columns import DecodedColumns
from transforms.decode.time_shifts import shifts_of
from transforms.decode.unread_values import UnreadValues

STAGE: Final = "decode"
"""Stage of the dead letters."""


class GroupResults:
    """Results of reading a group of messages, whoever reads them; messages are known by their index in the group.

    Args:
        messages: the group.
        spec: how they are decoded.
        first: number of messages before the group.
    """

    def __init__(self, messages: MessageBatch, spec: DecodeSpec, first: int) -> None:
        """Begin without results."""
        self._messages = messages
        self._metrics = spec.metrics
        self._bounds = spec.bounds
        self._first = first
        self._known = {"ts", "device", *spec.metrics, *READING_UNITS}
        self._batches: list[ReadingBatch] = []
        self._whole: dict[int, DeadLetter] = {}
        self._letters: dict[int, LineLetters] = {}
        self._ignored: Counter[str] = Counter()
        self._unread = UnreadValues()
        self._clock_ahead = self._fitted = 0
        self._newest_us: int | None = None

    def take(self, ignored: Counter[str]) -> DecodedBatch:
        """Return the results since the last call.

        Args:
            ignored: how often each unknown field of JSON was skipped since then.
        """
        self._ignored.update(ignored)
        rejected: list[DeadLetter] = []
        for index in sorted(self._whole.keys() | self._letters.keys()):
            rejected += [self._whole.pop(index)] if index in self._whole else self._letters[index].take()
        readings = concat_batches(self._batches) if self._batches else None
        taken = DecodedBatch(
            readings,
            rejected,
            self._ignored,
            self._unread,
            self._fitted,
            self._first,
            self._clock_ahead,
            self._newest_us,
        )
        self._batches, self._ignored, self._unread = [], Counter(), UnreadValues()
        self._fitted, self._clock_ahead, self._newest_us = 0, 0, None
        return taken

    def reject(self, index: int, message: Message, rejection: RejectionError) -> None:
        """Reject a message as a whole."""
        self._whole[index] = dead_message(message, rejection, STAGE)

    def letters(self, index: int) -> LineLetters:
        """Return the dead letters of the lines of a message, to which others can be added."""
        if index not in self._letters:
            self._letters[index] = LineLetters(self._messages[index], STAGE)
        return self._letters[index]

    def count_unknown(self, columns: Sequence[str], rows: int) -> None:
        """Count the columns of rows of CSV that are unknown, and skipped."""
        known = self._known | nameless(columns)
        self._ignored.update(dict.fromkeys([name for name in columns if name not in known], rows))

    def count_ignored(self, names: Counter[str]) -> None:
        """Count fields that are unknown, and skipped."""
        self._ignored.update(names)

    def add_rows(
        self,
        where: CodeArray,
        line: CodeArray,
        columns: DecodedColumns,
        lines: Callable[[], Sequence[bytes]],
        raw: RawRows | None = None,
    ) -> None:
        """Convert seconds to event times, reject impossible ones, and keep the rest as a batch.

        Args:
            where: (N,) index of the message of each row.
            line: (N,) number of the line of each row in its message.
            columns: the N rows.
            lines: returns the N lines, if one has to be rejected.
            raw: finds them again later, if they are no lines of their messages.
        """
        messages = self._messages
        shift, exempt, broken = shifts_of(messages)
        published = messages.publish_us != UNKNOWN_US
        latest = latest_event_times_us(messages.publish_us, published)
        by_row = where if len(messages) > 1 else slice(None)  # the bounds of one message are those of each row
        with np.errstate(over="ignore"):
            possible = np.clip(np.rint(columns.ts * 1e6), -1, float(2**62))
        source_us = possible.astype(np.int64)
        event_us = source_us + shift[by_row]
        earliest_us = max(self._bounds.earliest_us, 0)
        good = (columns.ts >= 0) & (event_us >= earliest_us) & (event_us < latest[by_row])
        if broken:
            good &= ~np.isin(where, list(broken))
        all_good = bool(good.all())
        if not all_good:
            self._reject_times(np.flatnonzero(~good), where, line, columns.ts, event_us, broken, lines())
        values = columns.values + 0.0  # -0.0 becomes 0.0: decoders differ in which of them -0 is
        batch = ReadingBatch(
            self._metrics, columns.names, columns.device, event_us, source_us, values, messages, where, line, raw
        )
        judged = published & ~exempt
        believed_us = event_us
        if judged.any():
            bound_us = np.where(judged, messages.publish_us + self._bounds.skew_us, LATEST_US)
            believed_us = np.minimum(event_us, bound_us[by_row])
            self._clock_ahead += int(np.count_nonzero(good & (event_us > believed_us)))
        if good.any():
            newest_us = int(believed_us.max() if all_good else believed_us[good].max())
            self._newest_us = newest_us if self._newest_us is None else max(self._newest_us, newest_us)
        if columns.problems is not None:
            self._unread.count(self._metrics, columns.problems, columns.text, None if all_good else good)
        if columns.fitted is not None:
            self._fitted += int(np.count_nonzero(columns.fitted & good))
        if not all_good:
            batch = batch.select(good)
        if len(batch):
            self._batches.append(batch)

    def _reject_times(
        self,
        bad: NDArray[np.intp],
        where: CodeArray,
        line: CodeArray,
        ts: FloatArray,
        event_us: IntArray,
        broken: Mapping[int, str],
        lines: Sequence[bytes],
    ) -> None:
        for row in bad.tolist():
            index, seconds = int(where[row]), float(ts[row])
            error = broken.get(index) or explain_time(seconds, int(event_us[row]), self._bounds)
            self.letters(index).add(int(line[row]), lines[row], RejectionError(Reason.BAD_TIMESTAMP, error))
