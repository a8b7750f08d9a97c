"""A contender, and rounds in which all of them take turns."""

import gc
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the job.

    Attributes:
        name: as the table shows it.
        rows: how many rows it reads.
        run: do it once and check the output; returns the seconds that count.
        remark: what a reader must know to compare it.
    """

    name: str
    rows: int
    run: Callable[[], float]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """What was measured of a contender.

    Attributes:
        contender: whom.
        seconds: of each round, in order.
    """

    contender: Contender
    seconds: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        """The median of the rounds, in seconds."""
        return statistics.median(self.seconds)

    @property
    def rows_per_second(self) -> tuple[float, float, float]:
        """Rows per second: at the median time, in the slowest round, in the fastest."""
        rows = self.contender.rows
        return rows / self.median_s, rows / max(self.seconds), rows / min(self.seconds)


def run_rounds(contenders: Sequence[Contender], rounds: int) -> list[Timing]:
    """Run all contenders in turn, several times over, so that a slow moment of the machine hits all alike."""
    timings = [Timing(contender) for contender in contenders]
    for number in range(1, rounds + 1):
        for timing in timings:
            gc.collect()
            timing.seconds.append(timing.contender.run())
            rate = timing.contender.rows / timing.seconds[-1]
            sys.stderr.write(f"round {number}/{rounds}  {timing.contender.name}: {rate:,.0f} rows/s\n")
    return timings
