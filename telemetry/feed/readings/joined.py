"""Read rows of several payloads together, and tell afterwards which payload each row came from."""

from collections.abc import Sequence

import numpy as np

from telemetry.arrays import CodeArray, IntArray
from telemetry.feed.readings.feed_rows import RejectedRow


class JoinedLines:
    """Lines of payloads, one payload after the other.

    Attributes:
        content: the lines.
    """

    def __init__(self, payloads: Sequence[bytes]) -> None:
        """Join the lines; no payload ends with a line break then."""
        bodies = [payload.rstrip(b"\n") for payload in payloads] if len(payloads) > 1 else list(payloads)
        self.content = bodies[0] if len(bodies) == 1 else b"\n".join(bodies)
        lines = [body.count(b"\n") + 1 for body in bodies] if len(bodies) > 1 else [0]
        self._ends: IntArray = np.cumsum(np.array(lines, np.int64))

    def places(self, line: CodeArray) -> tuple[CodeArray, CodeArray]:
        """Return the payloads of lines, and their numbers there; (N,) each.

        Args:
            line: (N,) numbers of lines of `content`, from 1.
        """
        if len(self._ends) == 1:
            return np.zeros(len(line), np.int32), line
        payload = np.searchsorted(self._ends, line, side="left").astype(np.int32)
        before = np.append(0, self._ends[:-1])
        return payload, (line - before[payload]).astype(np.int32)

    def rejected(self, rows: Sequence[RejectedRow]) -> list[RejectedRow]:
        """Return rejected lines of `content` as those of their payloads."""
        payload, number = self.places(np.array([row.number for row in rows], np.int32))
        return [
            RejectedRow(one, line, row.content, row.reason, row.error)
            for one, line, row in zip(payload.tolist(), number.tolist(), rows, strict=True)
        ]
