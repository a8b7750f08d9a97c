"""Compare the incidents that a test expects with those that the rules have opened."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.incidents.rule_tests.rule_test import ExpectedIncident, FoundIncident, Stated


@dataclass(frozen=True, slots=True)
class ExpectedDifference:
    """One difference.

    Attributes:
        expected: the incident that was expected; None for one that was not.
        found: the incident in its place; None if there is none.
        fields: names of the fields that differ; () if one of the two is None.
    """

    expected: ExpectedIncident | None
    found: FoundIncident | None
    fields: tuple[str, ...] = ()


def compare(expected: Sequence[ExpectedIncident], found: Sequence[FoundIncident]) -> list[ExpectedDifference]:
    """Return the differences: those of expected incidents in their order, then incidents that were not expected.

    Equal incidents are paired first, then each other expected one with the next incident of its rule and device.
    """
    missing, remaining = [], list(found)
    for one in expected:
        equal = next((other for other in remaining if not _differing(one, other)), None)
        if equal is None:
            missing.append(one)
        else:
            remaining.remove(equal)
    differences = []
    for one in missing:
        similar = next((other for other in remaining if not {"rule", "device"} & set(_differing(one, other))), None)
        if similar is not None:
            remaining.remove(similar)
        differences.append(ExpectedDifference(one, similar, () if similar is None else _differing(one, similar)))
    return [*differences, *(ExpectedDifference(None, other) for other in remaining)]


def _differing(expected: ExpectedIncident, found: FoundIncident) -> tuple[str, ...]:
    return tuple(name for name, value in expected.stated.items() if not _is_same(value, found.values[name]))


def _is_same(expected: Stated, found: Stated) -> bool:
    """Return whether two values are the same; numbers that are computed differ in their last digits."""
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-12)
    return expected == found
