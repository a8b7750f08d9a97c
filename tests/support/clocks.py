"""Clocks that move only when somebody sleeps."""


class FakeClock:
    """A monotonic clock, and the pauses that were made.

    Attributes:
        now: seconds.
        pauses: each sleep, seconds.
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now
        self.pauses: list[float] = []

    def read(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.now += seconds
