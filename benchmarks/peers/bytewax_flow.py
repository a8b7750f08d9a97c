"""Use Bytewax: a file source, an event-time clock, tumbling windows with a fold, and file sinks."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import bytewax.operators as op  # type: ignore[import-not-found]
import bytewax.operators.windowing as win  # type: ignore[import-not-found]
from bytewax.connectors.files import FileSink, FileSource  # type: ignore[import-not-found]
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]
from bytewax.run import cli_main  # type: ignore[import-not-found]

from benchmarks.peers.common import AGGREGATES, ANOMALIES, METRICS, THRESHOLD, WINDOW_S, run

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WAIT: Final = timedelta(seconds=10)
"""Wait for rows out of order, equal to the default lateness of the watermark of the job."""
Row: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, tuple[int, float, float, float]]
"""Count, sum, minimum and maximum by metric."""


def build(path: str, folder: Path) -> Any:
    """Return the dataflow."""
    for name in (ANOMALIES, AGGREGATES):  # the file sink needs existing files and creates none before the first item
        (folder / name).touch()
    flow = Dataflow("telemetry")
    rows = op.map("parse", op.input("read", flow, FileSource(path)), json.loads)
    hot = op.filter("above the threshold", rows, _is_hot)
    op.output("write anomalies", op.map("anomaly as line", hot, _anomaly), FileSink(folder / ANOMALIES))
    windowed = win.fold_window(
        "aggregate",
        op.key_on("by device", rows, _device),
        win.EventClock(_event_time, _WAIT),
        win.TumblingWindower(timedelta(seconds=WINDOW_S), _EPOCH),
        dict,
        _fold,
        _merge,
        ordered=False,  # the statistics do not depend on order, and the documentation warns that sorting costs time
    )
    op.output("write aggregates", op.map("aggregate as line", windowed.down, _aggregate), FileSink(folder / AGGREGATES))
    return flow


def _is_hot(row: Row) -> bool:
    temp = row.get("temp")
    return temp is not None and temp > THRESHOLD


def _device(row: Row) -> str:
    device: str = row["device"]
    return device


def _event_time(row: Row) -> datetime:
    return datetime.fromtimestamp(row["ts"], UTC)


def _fold(state: State, row: Row) -> State:
    for name in METRICS:
        value = row.get(name)
        if value is None:
            continue
        if name in state:
            number, total, low, high = state[name]
            state[name] = (number + 1, total + value, min(low, value), max(high, value))
        else:
            state[name] = (1, value, value, value)
    return state


def _merge(one: State, other: State) -> State:
    for name, (number, total, low, high) in other.items():
        if name in one:
            mine = one[name]
            one[name] = (mine[0] + number, mine[1] + total, min(mine[2], low), max(mine[3], high))
        else:
            one[name] = (number, total, low, high)
    return one


def _anomaly(row: Row) -> tuple[str, str]:
    return row["device"], json.dumps({"device": row["device"], "ts": row["ts"], "temp": row["temp"]})


def _aggregate(keyed: tuple[str, tuple[int, State]]) -> tuple[str, str]:
    device, (window, state) = keyed
    line: Row = {"device": device, "window_start": window * WINDOW_S}
    for name, (number, total, low, high) in state.items():
        line |= {f"{name}_count": number, f"{name}_mean": total / number, f"{name}_min": low, f"{name}_max": high}
    return device, json.dumps(line)


def _work(path: str, folder: Path) -> None:
    start: Callable[[], None] = partial(cli_main, build(path, folder))
    start()


if __name__ == "__main__":
    run(_work, "bytewax")
