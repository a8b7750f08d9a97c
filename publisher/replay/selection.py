"""Select the rows of the inputs that are replayed."""

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.json_lines import LineBatch, mask_time_range


@dataclass(frozen=True, slots=True)
class Selection:
    """Selection of rows by recorded time and number; a row without a time is treated like the row before it.

    Attributes:
        start_us: start of the range, microseconds UTC; None for no start.
        end_us: end of the range (exclusive), microseconds UTC; None for no end.
        limit: most rows; None for no limit.
    """

    start_us: int | None = None
    end_us: int | None = None
    limit: int | None = None

    def select(self, batches: Iterator[LineBatch]) -> Iterator[LineBatch]:
        """Yield the selected rows in order."""
        rows_left = self.limit
        inside = True  # whether the previous row is in the range
        for batch in batches:
            keep = mask_time_range(batch.times, self.start_us, self.end_us, inside)
            if len(keep):
                inside = bool(keep[-1])
            selected = batch.select(keep)
            if rows_left is not None:
                selected = selected.first(rows_left)
                rows_left -= len(selected)
            yield selected
            if rows_left == 0:
                return
