"""Score a rules file on simulated telemetry of several seeds: ``python -m benchmarks.rule_scores --seeds 1 2 3``.

Each seed is simulated with all faults and difficulties by ``telemetry simulate``, and judged by itself as ``telemetry
backtest --labels`` does. The scores are those of all seeds together, as tables in Markdown.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.expected_output import BenchmarkError
from pipeline.backtest.labels import LabelledEpisode, Labels, read_labels
from pipeline.backtest.past_incidents import PastIncident
from pipeline.backtest.read_readings import Rejections, read_inputs
from pipeline.backtest.run_backtest import BacktestReport, run_backtest
from pipeline.backtest.score import KindScore, LabelScore, score_incidents
from pipeline.backtest.time_order import TimeOrder
from publisher.simulate.command import add_arguments, make_simulation, run
from publisher.simulate.stream import prepare
from publisher.simulate.writer import make_label
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from telemetry.text.durations import spoken_duration
from telemetry.text.timestamps import parse_time
from transforms.decode.decode_spec import DecodeSpec

_RULES: Final = Path(__file__).parents[1] / "demo" / "rules.yaml"
_SIZES_C: Final = (1.0, 1.5, 2.0, 4.0)
"""Upper bounds of the bands in which small shifts are counted, °C."""
_NONE: Final = "–"


@dataclass(frozen=True, slots=True)
class SeedResult:
    """Incidents and labels of one seed.

    Attributes:
        report: of the backtest.
        shifts: small shifts, with their size in place of their kind.
    """

    report: BacktestReport
    shifts: tuple[LabelledEpisode, ...]


def judge_seed(rules: RuleSet, rows: int, devices: int, seed: int, folder: Path) -> SeedResult:
    """Simulate one seed, judge it, and return the result."""
    csv, labels = folder / "telemetry.csv", folder / "labels.csv"
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = parser.parse_args(
        ["--rows", str(rows), "--devices", str(devices), "--seed", str(seed), "--faults", "all", "--output", str(csv),
         "--labels", str(labels)]
    )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        run(options)
    rejections = Rejections()
    with TimeOrder(rules.metrics) as order:
        for some in read_inputs([str(csv)], DecodeSpec(rules.metrics), rules.metrics, rejections):
            order.add(some)
        named = [("", RulesTimeline.always(rules))]
        known = read_labels([str(labels)])
        report = run_backtest(order, named, sources=[str(csv)], rejected=rejections.counts, labels=known)
    scene = prepare(make_simulation(options))
    shifts = []
    for fault in scene.plan.faults:
        if fault.kind == "small-shift":
            label = make_label(fault, scene)
            shifts.append(
                LabelledEpisode(label.device, _band(abs(fault.size)), parse_time(label.start), parse_time(label.end))
            )
    return SeedResult(report, tuple(shifts))


def score_seeds(rules: RuleSet, results: Sequence[SeedResult]) -> tuple[LabelScore, LabelScore]:
    """Return the scores of all seeds together, and those of the small shifts by size.

    Raises:
        BenchmarkError: if two seeds have a device of the same name.
    """
    incidents: list[PastIncident] = []
    labels = Labels()
    for result in results:
        known = result.report.labels
        assert known is not None, "each seed has labels"
        incidents += result.report.judged.incidents
        labels = Labels((*labels.faults, *known.faults), (*labels.benign, *known.benign))
    devices = {event.device for event in (*labels.faults, *labels.benign)}
    each = [{event.device for event in (*known.faults, *known.benign)}
            for result in results if (known := result.report.labels) is not None]  # fmt: skip
    if sum(map(len, each)) != len(devices):
        raise BenchmarkError("two seeds have a device of the same name: choose other seeds")
    ids = [rule.id for rule in rules.rules]
    shifts = tuple(shift for result in results for shift in result.shifts)
    others = tuple(fault for fault in labels.faults if fault.kind != "small-shift")
    return (
        score_incidents(ids, incidents, labels),
        score_incidents(ids, incidents, replace(labels, faults=(*others, *shifts))),
    )


def tables(results: Sequence[SeedResult], score: LabelScore, by_size: LabelScore) -> Iterator[str]:
    """Yield the lines of the tables."""
    readings = sum(result.report.readings for result in results)
    days = sum((result.report.last_us - result.report.first_us) * result.report.devices for result in results) / 86.4e9
    devices = sum(result.report.devices for result in results)
    yield f"{readings:,} readings of {devices} devices, {days:,.0f} device-days"
    yield ""
    yield "| fault | number | found | recall | median delay |"
    yield "|---|--:|--:|--:|--:|"
    shifts = [kind for kind in by_size.total.kinds if kind.kind.startswith("small-shift ")]
    for kind in score.total.kinds:
        yield _kind_row(kind, kind.kind or "all")
        if kind.kind == "small-shift":
            yield from (_kind_row(band, f"… {band.kind.removeprefix('small-shift ')}") for band in shifts)
    yield ""
    yield "| benign event | number | with a false incident |"
    yield "|---|--:|--:|"
    for event in score.total.benign:
        yield f"| {event.kind} | {event.events:,} | {event.alarmed:,} |"
    yield ""
    kinds = [kind.kind for kind in score.total.kinds[:-1]]
    yield f"| rule | incidents | true | late | false | precision | {' | '.join(kinds)} |"
    yield f"|---|{'--:|' * (5 + len(kinds))}"
    for rule in (*score.rules, score.total):
        counts = " | ".join(f"{number:,}" for number in (rule.incidents, rule.true, rule.late, rule.false))
        found = " | ".join(f"{_percent(kind.recall)}, {_spoken(kind)}" if kind.found else _NONE
                           for kind in rule.kinds[:-1])  # fmt: skip
        yield f"| {rule.rule_id or 'all'} | {counts} | {_percent(rule.precision, 4)} | {found} |"


def _kind_row(kind: KindScore, name: str) -> str:
    return f"| {name} | {kind.faults:,} | {kind.found:,} | {_percent(kind.recall)} | {_spoken(kind)} |"


def _band(size: float) -> str:
    """Return the band of a small shift, °C."""
    low = 0.5
    for high in _SIZES_C:
        if size < high:
            return f"small-shift {low:g} to {high:g} °C"
        low = high
    raise BenchmarkError(f"a small shift of {size} °C")


def _spoken(kind: KindScore) -> str:
    return _NONE if kind.median_us is None else spoken_duration(kind.median_us)


def _percent(share: float | None, digits: int = 3) -> str:
    return _NONE if share is None else f"{100 * share:.{digits}g} %"


def main(args: Sequence[str]) -> int:
    """Print the tables and return the exit code."""
    return exit_code("rule_scores", lambda: _run(args))


def _run(args: Sequence[str]) -> int:
    parser = OneLineParser(prog="python -m benchmarks.rule_scores", description=__doc__)
    parser.add_argument("--rules", type=Path, default=_RULES, metavar="FILE", help="rules (default: demo/rules.yaml)")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, metavar="S", help="seeds to simulate")
    parser.add_argument("--rows", type=int, default=900_000, metavar="N", help="rows of each seed")
    parser.add_argument("--devices", type=int, default=20, metavar="K", help="devices of each seed")
    options = parser.parse_args(args)
    rules = load_rules(str(options.rules))
    with tempfile.TemporaryDirectory() as folder:
        results = [judge_seed(rules, options.rows, options.devices, seed, Path(folder)) for seed in options.seeds]
    for line in tables(results, *score_seeds(rules, results)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
