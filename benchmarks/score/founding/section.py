"""Judge the founding telemetry with the machinery of ``telemetry backtest`` and score the incidents."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.score.founding.excursions import TemperatureSeries
from benchmarks.score.founding.score import FoundingScore, score_series
from pipeline.backtest.past_incidents import PastIncident
from pipeline.backtest.read_readings import Rejections, read_inputs
from pipeline.backtest.run_backtest import run_backtest
from pipeline.backtest.time_order import TimeOrder
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_METRICS
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from transforms.decode.decode_spec import DecodeSpec
from transforms.incidents.watched_rows import WatchedRows

TEMP: Final = "temp"


def score_founding(csv: Path, rules: Path) -> dict[str, Any]:
    """Print the table and return the scores.

    Args:
        csv: file of the founding telemetry, plain or ``.gz``.
        rules: file of the rules.

    Raises:
        ConfigError: if the file or the rules cannot be used.
        NothingUsableError: if the file has no reading.
    """
    if not csv.is_file():
        raise ConfigError("CSV", csv, "no such file")
    judged_by = _read_rules(rules)
    series, incidents = judge(csv, judged_by)
    excursions = {device: temperatures.excursions() for device, temperatures in series.items()}
    groups: dict[tuple[str, str], list[PastIncident]] = {
        (rule.id, metric): [] for rule in judged_by.rules for metric in rule.metrics or ("",)
    }
    for one in incidents:
        groups.setdefault((one.rule_id, one.metric), []).append(one)
    groups["", TEMP] = [one for one in incidents if one.metric == TEMP]
    scores = [score_series(*key, some, series, excursions) for key, some in groups.items()]
    dropouts = sum(len(temperatures.dropouts_us) for temperatures in series.values())
    spans = [span for some in excursions.values() for span in some]
    rows = sum(len(span.times_us) for span in spans)
    for line in table(scores, dropouts, rows, len(spans)):
        print(line)
    return {
        "dropout_rows": dropouts,
        "excursion_rows": rows,
        "excursions": len(spans),
        "rules": [one.to_json() for one in scores],
    }


def judge(csv: Path, rules: RuleSet) -> tuple[dict[str, TemperatureSeries], Sequence[PastIncident]]:
    """Return the temperatures by device, and the incidents of rules.

    Raises:
        NothingUsableError: if the file has no reading.
    """
    metrics = tuple(dict.fromkeys((*rules.metrics, TEMP)))
    rejections = Rejections()
    parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = defaultdict(list)
    with TimeOrder(metrics) as order:
        for rows in read_inputs([str(csv)], DecodeSpec(DEFAULT_METRICS), metrics, rejections):
            order.add(rows)
            _add_temperatures(parts, rows)
        if not order.readings:
            raise rejections.refuse()
        named = [("", RulesTimeline.always(rules))]
        report = run_backtest(order, named, sources=[str(csv)], rejected=rejections.counts)
    return {device: _series(parts[device]) for device in sorted(parts)}, report.judged.incidents


def table(scores: Sequence[FoundingScore], dropouts: int, rows: int, excursions: int) -> Iterator[str]:
    """Yield the lines of the table."""
    devices = list(scores[0].elsewhere_per_day)
    yield "\n## Founding telemetry\n"
    yield f"{dropouts:,} readings of temp are dropouts, below 10 °C. {rows:,} readings, in {excursions:,} excursions,"
    yield "are more than 1 °C from the running median of 7. Incidents elsewhere are per day, for each device.\n"
    names = " | ".join(f"elsewhere, {device}" for device in devices)
    yield f"| rule | metric | incidents | dropouts | readings of excursions | excursions | {names} |"
    yield f"|---|---|{'--:|' * (4 + len(devices))}"
    for one in scores:
        found = ((one.dropouts, dropouts), (one.excursion_rows, rows), (one.excursions, excursions))
        counts = " | ".join([f"{one.incidents:,}", *(f"{some:,} of {all_of:,}" for some, all_of in found)])
        rates = " | ".join(f"{one.elsewhere_per_day[device]:.2f}" for device in devices)
        yield f"| {one.rule_id or 'all rules'} | {one.metric or 'the device'} | {counts} | {rates} |"


def _read_rules(path: Path) -> RuleSet:
    try:
        rules = load_rules(str(path))
        rules.check_metrics(DEFAULT_METRICS)
    except RuleError as error:
        raise ConfigError("--founding-rules", path, str(error)) from error
    return rules


def _add_temperatures(parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64]]]], rows: WatchedRows) -> None:
    values = rows.values[rows.metrics.index(TEMP)]
    for code, device in enumerate(rows.devices):
        mine = (rows.device == code) & ~np.isnan(values)
        if mine.any():
            parts[device].append((rows.event_us[mine], values[mine]))


def _series(parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> TemperatureSeries:
    times, first = np.unique(np.concatenate([time for time, _ in parts]), return_index=True)
    return TemperatureSeries(times, np.concatenate([values for _, values in parts])[first])
