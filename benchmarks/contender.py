"""A contender, and rounds in which all of them take turns."""

import gc
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took.

    Attributes:
        seconds: those that count; for a process its wall time.
        steady_s: the part between the first read and the last write, as the contender itself tells; None if unknown.
        peak_mb: most memory of its process, 10⁶ bytes; None if unknown.
        details: other figures by name, such as ``p95 ms``.
        memory: memory over time as (seconds, 10⁶ bytes).
    """

    seconds: float
    steady_s: float | None = None
    peak_mb: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    memory: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the job.

    Attributes:
        name: as the table shows it.
        rows: how many rows it reads; 0 where the time alone matters.
        run: do it once and check the output; returns the seconds that count, or more.
        remark: what a reader must know to compare it.
        ours: whether it is this project's.
        missing: why it cannot run here; it is then listed without figures.
        part: heading under which it is listed.
        base: name of the contender whose ratio is 1.
    """

    name: str
    rows: int
    run: Callable[[], float | Sample]
    remark: str = ""
    ours: bool = False
    missing: str = ""
    part: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """What was measured of a contender.

    Attributes:
        contender: whom.
        seconds: of each round, in order.
        samples: the same with all there is to know.
    """

    contender: Contender
    seconds: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def add(self, found: float | Sample) -> None:
        """Take the figures of one more round."""
        sample = found if isinstance(found, Sample) else Sample(found)
        self.seconds.append(sample.seconds)
        self.samples.append(sample)

    @property
    def median_s(self) -> float:
        """The median of the rounds, in seconds."""
        return statistics.median(self.seconds)

    @property
    def rows_per_second(self) -> tuple[float, float, float]:
        """Rows per second: at the median time, in the slowest round, in the fastest."""
        rows = self.contender.rows
        return rows / self.median_s, rows / max(self.seconds), rows / min(self.seconds)

    @property
    def steady_s(self) -> float | None:
        """The median of the steady state, in seconds."""
        return _median([sample.steady_s for sample in self.samples if sample.steady_s is not None])

    @property
    def peak_mb(self) -> float | None:
        """The largest memory of all rounds, 10⁶ bytes."""
        return max((sample.peak_mb for sample in self.samples if sample.peak_mb is not None), default=None)

    @property
    def details(self) -> dict[str, float]:
        """The medians of the other figures."""
        names = dict.fromkeys(name for sample in self.samples for name in sample.details)
        return {
            name: statistics.median(one.details[name] for one in self.samples if name in one.details) for name in names
        }

    def speed(self, *, steady: bool = False) -> float | None:
        """Return what ratios compare: rows per second, or runs where there are no rows; None if it was not measured."""
        seconds = self.steady_s if steady else _median(self.seconds)
        return (self.contender.rows or 1) / seconds if seconds else None


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def run_rounds(contenders: Sequence[Contender], rounds: int) -> list[Timing]:
    """Run all contenders in turn, several times over, so that a slow moment of the machine hits all alike."""
    timings = [Timing(contender) for contender in contenders]
    for number in range(1, rounds + 1):
        for timing in timings:
            if timing.contender.missing:
                continue
            gc.collect()
            timing.add(timing.contender.run())
            sys.stderr.write(f"round {number}/{rounds}  {timing.contender.name}: {_told(timing)}\n")
    return timings


def _told(timing: Timing) -> str:
    seconds, rows = timing.seconds[-1], timing.contender.rows
    return f"{rows / seconds:,.0f} rows/s" if rows else f"{seconds:.3f} s"
