"""Use Pathway in static mode: JSON lines with a schema, tumbling windows with reducers, JSON lines as output."""

from pathlib import Path
from typing import Any

import pathway as pw  # type: ignore[import-not-found]

from benchmarks.peers.common import AGGREGATES, ANOMALIES, METRICS, THRESHOLD, WINDOW_S, run


class Reading(pw.Schema):
    """Columns of the input that are used."""

    ts: float
    device: str
    co: float
    humidity: float
    lpg: float
    smoke: float
    temp: float


def _work(path: str, folder: Path) -> None:
    readings = pw.io.jsonlines.read(path, schema=Reading, mode="static")
    hot = readings.filter(pw.this.temp > THRESHOLD).select(pw.this.device, pw.this.ts, pw.this.temp)
    window = pw.temporal.tumbling(duration=float(WINDOW_S), origin=0.0)
    statistics: dict[str, Any] = {}
    for name in METRICS:
        column = pw.this[name]
        statistics[f"{name}_count"] = pw.reducers.count(column)
        statistics[f"{name}_mean"] = pw.reducers.avg(column)
        statistics[f"{name}_min"] = pw.reducers.min(column)
        statistics[f"{name}_max"] = pw.reducers.max(column)
    aggregates = readings.windowby(readings.ts, window=window, instance=readings.device).reduce(
        device=pw.this._pw_instance, window_start=pw.this._pw_window_start, **statistics
    )
    pw.io.jsonlines.write(hot, str(folder / ANOMALIES))
    pw.io.jsonlines.write(aggregates, str(folder / AGGREGATES))
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    run(_work, "pathway")
