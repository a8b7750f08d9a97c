"""Define benchmark cases, and run all of them in alternating rounds."""

import gc
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """Measurements of one run.

    Attributes:
        seconds: measured time; for a process its wall time.
        steady_s: time from the first read to the last write, as reported by the process; None if unknown.
        peak_mb: peak resident memory of the process, 10⁶ bytes; None if unknown.
        details: other measurements by name, such as ``p95 ms``.
        memory: resident memory over time as (seconds, 10⁶ bytes).
    """

    seconds: float
    steady_s: float | None = None
    peak_mb: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    memory: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class BenchmarkCase:
    """One implementation or tool to measure.

    Attributes:
        name: name in the tables.
        rows: number of rows it reads; 0 if only the time matters.
        run: runs the case once, checks its output, and returns the time in seconds or a sample.
        remark: differences that matter for a comparison.
        ours: whether it is code of this project.
        missing: reason why it cannot run here, empty if it can; it is then listed without results.
        group: heading under which it is listed.
        baseline: name of the case whose ratio is 1.
    """

    name: str
    rows: int
    run: Callable[[], float | Sample]
    remark: str = ""
    ours: bool = False
    missing: str = ""
    group: str = ""
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class CaseTiming:
    """Measurements of one case in all rounds.

    Attributes:
        case: the case.
        seconds: time of each round.
        samples: sample of each round.
    """

    case: BenchmarkCase
    seconds: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def add(self, found: float | Sample) -> None:
        """Add the result of one round."""
        sample = found if isinstance(found, Sample) else Sample(found)
        self.seconds.append(sample.seconds)
        self.samples.append(sample)

    @property
    def median_s(self) -> float:
        """Median time of the rounds, seconds."""
        return statistics.median(self.seconds)

    @property
    def rows_per_second(self) -> tuple[float, float, float]:
        """Rows per second at the median time, in the slowest round, and in the fastest round."""
        rows = self.case.rows
        return rows / self.median_s, rows / max(self.seconds), rows / min(self.seconds)

    @property
    def steady_s(self) -> float | None:
        """Median of the steady times, seconds; None if unknown."""
        return _median([sample.steady_s for sample in self.samples if sample.steady_s is not None])

    @property
    def peak_mb(self) -> float | None:
        """Peak memory of all rounds, 10⁶ bytes; None if unknown."""
        return max((sample.peak_mb for sample in self.samples if sample.peak_mb is not None), default=None)

    @property
    def details(self) -> dict[str, float]:
        """Medians of the other measurements by name."""
        names = dict.fromkeys(name for sample in self.samples for name in sample.details)
        return {
            name: statistics.median(one.details[name] for one in self.samples if name in one.details) for name in names
        }

    def speed(self, *, steady: bool = False) -> float | None:
        """Return rows per second, or runs per second without rows; None if it was not measured."""
        seconds = self.steady_s if steady else _median(self.seconds)
        return (self.case.rows or 1) / seconds if seconds else None


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def run_rounds(cases: Sequence[BenchmarkCase], rounds: int) -> list[CaseTiming]:
    """Run all cases once per round, so that temporary slowdowns of the machine affect all of them alike."""
    timings = [CaseTiming(case) for case in cases]
    for number in range(1, rounds + 1):
        for timing in timings:
            if timing.case.missing:
                continue
            gc.collect()
            timing.add(timing.case.run())
            sys.stderr.write(f"round {number}/{rounds}  {timing.case.name}: {_format_last(timing)}\n")
    return timings


def _format_last(timing: CaseTiming) -> str:
    seconds, rows = timing.seconds[-1], timing.case.rows
    return f"{rows / seconds:,.0f} rows/s" if rows else f"{seconds:.3f} s"
