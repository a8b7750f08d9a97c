"""Compare the incidents of two sets of rules on the same readings."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from pipeline.backtest.past_incidents import PastIncident


@dataclass(frozen=True, slots=True)
class IncidentDifference:
    """Incidents that only one of two sets of rules finds, by opening.

    Two incidents are the same if they are of the same rule id, device and metric, and overlap in time.

    Attributes:
        added: those that only the other rules find.
        dropped: those that the other rules do not find.
    """

    added: tuple[PastIncident, ...]
    dropped: tuple[PastIncident, ...]


def compare_incidents(
    before: Sequence[PastIncident], after: Sequence[PastIncident], last_us: int
) -> IncidentDifference:
    """Return what rules `after` add to the incidents of rules `before`, and what they drop.

    Args:
        before: by opening.
        after: by opening.
        last_us: time of the last reading, to which open incidents last, microseconds UTC.
    """
    return IncidentDifference(
        added=tuple(_without_match(after, before, last_us)), dropped=tuple(_without_match(before, after, last_us))
    )


def _without_match(ours: Sequence[PastIncident], theirs: Sequence[PastIncident], last_us: int) -> list[PastIncident]:
    spans: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
    for one in theirs:
        spans[one.series].append((one.opened_us, one.end_us(last_us)))
    starts: dict[tuple[str, str, str], list[int]] = {}
    latest: dict[tuple[str, str, str], list[int]] = {}
    for series, found in spans.items():
        found.sort()
        starts[series] = [start_us for start_us, _ in found]
        latest[series] = list(accumulate((end_us for _, end_us in found), max))
    unmatched = []
    for one in ours:
        begun = bisect_right(starts.get(one.series, []), one.end_us(last_us))
        if not begun or latest[one.series][begun - 1] < one.opened_us:
            unmatched.append(one)
    return unmatched
