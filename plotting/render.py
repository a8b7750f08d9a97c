"""From stored results to a picture: `render` reads, draws and writes, and says what it did."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from plotting.compose import compose
from plotting.panels import TimeRange, most_anomalous, reading_panels, window_panels
from plotting.readings import read_readings
from plotting.results import read_results
from plotting.texts import TEXTS
from transforms.clock import format_time
from transforms.errors import ConfigError

_STYLE: Final = Path(__file__).with_name("telemetry.mplstyle")
_UNDATED: Final = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""File types, and the metadata that would make two pictures of the same results differ."""


@dataclass(frozen=True)
class Summary:
    """What was drawn."""

    path: Path
    points: int
    """Readings, or windows where there are no readings, in the shown panels and time range."""
    drawn: int
    """Of them, those left after thinning."""
    anomalies: int
    unmatched: int
    """Anomalies within the time range that belong to none of the readings given."""
    unreadable: int
    """Rows of the readings without a readable time, device or value."""
    devices: tuple[str, ...]
    seconds: float


def render(
    results: str | Path,
    output: Path,
    *,
    readings: Sequence[str | Path] = (),
    metric: str = "temp",
    devices: Sequence[str] = (),
    span: TimeRange | None = None,
    language: str = "en",
) -> Summary:
    """Draw one metric of a run against time, one panel a device, anomalies in red.

    Args:
        results: What was given to the job as ``--output``, on any Beam filesystem.
        output: The picture, ``.png``, ``.svg`` or ``.pdf``.
        readings: CSV files of the readings; without them the window means are drawn.
        metric: The metric to draw.
        devices: The devices to draw, in this order; none means all.
        span: The times to draw; none means all.
        language: ``en`` or ``fr``.

    Raises:
        ConfigError: if something asked for does not exist, cannot be read or cannot be written.
    """
    began = time.perf_counter()
    span = span or TimeRange()
    _check(output, span, language)
    stored = read_results(results, metric)
    rows = read_readings(readings, metric) if readings else None
    if rows is None and metric not in stored.metrics:
        raise ConfigError("--metric", metric, f"no results of it, there are {', '.join(stored.metrics) or 'none'}")
    course = stored.aggregates if rows is None else rows.frame
    known = set(course["device"]) | (set(stored.anomalies["device"]) if rows is None else set())
    wanted = _choose(devices, sorted(known))
    unmatched = 0
    if rows is None:
        panels = window_panels(stored.aggregates, stored.anomalies, wanted, span)
    else:
        panels, unmatched = reading_panels(rows.frame, stored.anomalies, wanted, span)
    found = [panel for panel in panels if panel.points or len(panel.anomalies)]
    if not found:
        raise ConfigError("--results", results, f"nothing to draw: no {metric} in the time range asked for")
    shown = most_anomalous(found if not devices else panels)
    unreadable = rows.unreadable if rows else 0
    with mpl.rc_context(fname=_STYLE):
        figure, drawn = compose(shown, metric, TEXTS[language], unreadable=unreadable, devices=len(wanted))
        _save(figure, output)
    return Summary(
        path=output,
        points=sum(panel.points for panel in shown),
        drawn=drawn,
        anomalies=sum(len(panel.anomalies) for panel in shown),
        unmatched=unmatched,
        unreadable=unreadable,
        devices=tuple(panel.device for panel in shown),
        seconds=time.perf_counter() - began,
    )


def _check(output: Path, span: TimeRange, language: str) -> None:
    if _kind(output) not in _UNDATED:
        raise ConfigError("--output", output, f"not a picture's name, it ends in .{', .'.join(_UNDATED)}")
    if span.start_us is not None and span.end_us is not None and span.start_us >= span.end_us:
        raise ConfigError("--start", format_time(span.start_us), f"not before --end {format_time(span.end_us)}")
    if language not in TEXTS:
        raise ConfigError("--lang", language, f"not one of {', '.join(TEXTS)}")


def _choose(wanted: Sequence[str], known: list[str]) -> list[str]:
    for device in wanted:
        if device not in known:
            raise ConfigError("--device", device, f"no such device, there are {', '.join(known) or 'none'}")
    return list(dict.fromkeys(wanted)) or known


def _save(figure: Figure, output: Path) -> None:
    kind = _kind(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(output, format=kind, metadata=_UNDATED[kind])
    except OSError as error:
        raise ConfigError("--output", output, f"cannot be written: {error.strerror or error}") from error


def _kind(output: Path) -> str:
    return output.suffix.lower().removeprefix(".")
