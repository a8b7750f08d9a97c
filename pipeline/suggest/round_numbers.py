"""Round numbers and durations to those that a person would write into a rules file."""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Final

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
_ROUND: Final[Sequence[int]] = tuple(
    chain(
        (number * SECOND_US for number in (1, 2, 3, 5, 10, 15, 20, 30)),
        (number * MINUTE_US for number in (1, 2, 3, 5, 10, 15, 20, 30)),
        (number * HOUR_US for number in (1, 2, 3, 4, 6, 8, 12)),
        (number * DAY_US for number in (1, 2, 3, 4, 5, 7, 10, 14, 21, 28)),
    )
)


def longer_duration(least_us: float) -> int:
    """Return the shortest round duration that is at least so long, microseconds."""
    found = next((one for one in _ROUND if one >= least_us), None)
    return math.ceil(least_us / _ROUND[-1]) * _ROUND[-1] if found is None else found


def shorter_duration(most_us: float) -> int:
    """Return the longest round duration that is at most so long, microseconds; a second at least."""
    return max((one for one in _ROUND if one <= most_us), default=_ROUND[0])


def round_bounds(low: float, high: float, margin: float) -> tuple[str, str]:
    """Return a range rounded outwards, by less than the margin, as the shortest decimals that say it."""
    exponent = math.floor(math.log10(margin))
    step = Decimal(1).scaleb(exponent)
    if margin < 2 * float(step):  # a whole step would nearly double the margin
        step /= 2
    return (
        plain_number(Decimal(math.floor(low / float(step))) * step),
        plain_number(Decimal(math.ceil(high / float(step))) * step),
    )


def round_digits(value: float, *, up: bool, digits: int = 2) -> str:
    """Return a number rounded up or down to some digits, as a decimal."""
    if value == 0:
        return "0"
    step = Decimal(1).scaleb(math.floor(math.log10(abs(value))) - digits + 1)
    steps = value / float(step)
    return plain_number(Decimal(math.ceil(steps) if up else math.floor(steps)) * step)


def plain_number(value: Decimal) -> str:
    """Return a decimal without an exponent, which YAML 1.1 would read as text, and without zeros at its end."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def shown(value: float) -> str:
    """Return a number for a comment, with four digits at least."""
    return f"{value:.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def shown_share(share: float) -> str:
    """Return a share as percent for a comment."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
