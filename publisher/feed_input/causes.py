"""Count why rows of an input are no readings, for people whose input has none."""

from collections import Counter
from collections.abc import Iterable

from telemetry.feed.readings.feed_rows import RejectedRow
from telemetry.model.dead_letters import Reason


class Causes:
    """The reasons of rejected rows.

    Attributes:
        counts: number of rows by reason.
    """

    def __init__(self) -> None:
        """Begin without any row."""
        self.counts: Counter[Reason] = Counter()
        self._examples: dict[Reason, str] = {}

    @classmethod
    def of_all(cls, parts: Iterable["Causes"]) -> "Causes":
        """Return the reasons of several inputs together."""
        whole = cls()
        for part in parts:
            whole.counts.update(part.counts)
            whole._examples = part._examples | whole._examples
        return whole

    def add(self, rows: Iterable[RejectedRow]) -> None:
        """Count rejected rows."""
        for row in rows:
            self.counts[row.reason] += 1
            if row.reason not in self._examples:
                content = row.content.decode("utf-8", "backslashreplace").strip()
                self._examples[row.reason] = f"{row.error}, in {content}"

    def commonest(self) -> tuple[str, int, str]:
        """Return the commonest reason, its number of rows and an example; ("", 0, "") if there was no row."""
        if not self.counts:
            return "", 0, ""
        reason, count = self.counts.most_common(1)[0]
        return reason.value, count, self._examples[reason]
