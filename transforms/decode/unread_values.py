"""Count values that could not be read."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from telemetry.arrays import BoolArray
from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE, ProblemCodes
from telemetry.feed.formats.values import NumberProblem


class ValueKind(NamedTuple):
    """A metric, and a reason for which values of it could not be read."""

    metric: str
    problem: NumberProblem


@dataclass(slots=True)
class UnreadValues:
    """Values that could not be read; one that says itself that it is missing is none of them.

    Attributes:
        counts: how many, by metric and reason.
        examples: the first of each, for a person.
    """

    counts: Counter[ValueKind] = field(default_factory=Counter)
    examples: dict[ValueKind, str] = field(default_factory=dict)

    def count(
        self,
        metrics: Sequence[str],
        problems: ProblemCodes,
        text: Callable[[int, int], str],
        good: BoolArray | None = None,
    ) -> None:
        """Count the values of some rows.

        Args:
            metrics: M names.
            problems: (M, N) positions in `PROBLEM_OF_CODE`.
            text: returns the text of a value, by its metric and its row.
            good: (N,) whether a row counts; None if all do.
        """
        for number, (metric, codes) in enumerate(zip(metrics, problems, strict=True)):
            found = np.unique(codes if good is None else codes[good])
            for code in found.tolist():
                problem = PROBLEM_OF_CODE[code]
                if problem is None or problem is NumberProblem.MISSING:
                    continue
                kind = ValueKind(metric, problem)
                rows = codes == code if good is None else (codes == code) & good
                self.counts[kind] += int(np.count_nonzero(rows))
                if kind not in self.examples:
                    self.examples[kind] = text(number, int(rows.argmax()))

    def update(self, other: "UnreadValues") -> None:
        """Add the counts of others, which came later."""
        self.counts.update(other.counts)
        self.examples = other.examples | self.examples
