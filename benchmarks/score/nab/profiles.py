"""Define the three application profiles of NAB: what an alarm in a window, a false alarm and a missed window cost."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CostProfile:
    """Weights of a profile.

    Attributes:
        name: of the profile.
        hit: greatest gain of a window in which there is an alarm.
        false_alarm: greatest cost of an alarm outside of all windows.
        miss: cost of a window without an alarm.
    """

    name: str
    hit: float
    false_alarm: float
    miss: float

    def total_of_none(self, windows: int) -> float:
        """Return the total of a detector that never alarms."""
        return -self.miss * windows

    def normalised(self, total: float, windows: int) -> float | None:
        """Return a total on the scale on which no alarm is 0 and a perfect detector 100; None without a window."""
        none = self.total_of_none(windows)
        return 100 * (total - none) / (self.hit * windows - none) if windows else None


STANDARD: Final = CostProfile("standard", 1.0, 0.11, 1.0)
LOW_FALSE: Final = CostProfile("reward_low_FP", 1.0, 0.22, 1.0)
LOW_MISSED: Final = CostProfile("reward_low_FN", 1.0, 0.11, 2.0)
PROFILES: Final = (STANDARD, LOW_FALSE, LOW_MISSED)
