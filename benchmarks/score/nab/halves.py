"""Divide the series into a half on which parameters may be chosen, and one on which they are reported."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from benchmarks.score.nab.series import LabelledSeries

CHOOSING: Final = "choosing"
REPORTING: Final = "reporting"


def halves(corpus: Sequence[LabelledSeries]) -> dict[str, tuple[LabelledSeries, ...]]:
    """Return both halves by name; in each folder the files at the places 0, 2, 4, … are for choosing."""
    folders: dict[str, list[LabelledSeries]] = defaultdict(list)
    for series in sorted(corpus, key=lambda one: one.name):
        folders[series.category].append(series)
    return {
        name: tuple(series for some in folders.values() for series in some[first::2])
        for first, name in enumerate((CHOOSING, REPORTING))
    }
