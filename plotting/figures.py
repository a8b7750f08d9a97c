"""Pictures of stored results as Matplotlib figures: no pyplot, no state left behind, nothing written."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from matplotlib.figure import Figure

from plotting.data.limits import with_limits
from plotting.data.panels import TimeRange, most_anomalous, reading_panels, window_panels
from plotting.data.readings import read_readings
from plotting.data.results import read_results, read_run
from plotting.data.source import Source, refusal, store_of
from plotting.data.summaries import Overview, summarise
from plotting.draw.compose import compose
from plotting.draw.overviews import fill_overview, new_overview
from plotting.style.looks import Looks
from plotting.style.texts import TEXTS
from plotting.style.themes import THEMES
from telemetry.errors import ConfigError
from telemetry.rules.threshold_rules import RuleSet
from telemetry.text.timestamps import format_time

UNDATED: Final = MappingProxyType({"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}})
"""File types, and the metadata that would make two pictures of the same results differ."""


@dataclass(frozen=True)
class Order(Looks):
    """What to draw.

    Attributes:
        results: where they are; a folder is what was given to the job as ``--output``, on any Beam filesystem.
        readings: files of the readings, for a scatter; without them the window means are drawn.
        metric: the metric; None is all in an overview, else ``temp``.
        devices: those to draw, in this order; none means all.
        span: the times to draw.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        rules: those of the job, whose bounds are drawn; None draws the bounds that the anomalies name.
    """

    results: Source
    readings: Sequence[str | Path] = ()
    metric: str | None = None
    devices: Sequence[str] = ()
    span: TimeRange = field(default_factory=TimeRange)
    language: str = "en"
    theme: str = "light"
    rules: RuleSet | None = None

    def check(self) -> None:
        """Check what can be checked before anything is read.

        Raises:
            ConfigError: if something is not one of what there is.
        """
        span = self.span
        if span.start_us is not None and span.end_us is not None and span.start_us >= span.end_us:
            raise ConfigError("--start", format_time(span.start_us), f"not before --end {format_time(span.end_us)}")
        for flag, name, known in (("--lang", self.language, TEXTS), ("--theme", self.theme, THEMES)):
            if name not in known:
                raise ConfigError(flag, name, f"not one of {', '.join(known)}")


@dataclass(frozen=True)
class Drawn:
    """A figure and what is in it.

    Attributes:
        figure: the picture; `picture_bytes` writes it in its own style.
        points: readings, or windows where there are no readings, in the shown panels and time range; 0 of an
            overview.
        drawn: of them, those left after thinning.
        anomalies: in the time range.
        devices: the rows or panels, in order.
        unmatched: anomalies within the time range that belong to none of the readings given.
        unreadable: rows of the readings without a readable time, device or value.
        overview: what an overview counts; None of the other pictures.
    """

    figure: Figure
    points: int
    drawn: int
    anomalies: int
    devices: tuple[str, ...]
    unmatched: int = 0
    unreadable: int = 0
    overview: Overview | None = None


def make_figure(
    kind: str,
    results: Source,
    metric: str | None = None,
    devices: Sequence[str] = (),
    span: TimeRange | None = None,
    language: str = "en",
    theme: str = "light",
    *,
    readings: Sequence[str | Path] = (),
    rules: RuleSet | None = None,
) -> Figure:
    """Return a picture of stored results as a figure with a canvas of its own, which no pyplot knows.

    Args:
        kind: ``scatter``, ``trend`` or ``overview``.
        results: Where they are; a folder is what was given to the job as ``--output``, on any Beam filesystem.
        metric: The metric; None is ``temp``, and all metrics in an overview.
        devices: The devices to draw, in this order; none means all.
        span: The times to draw, UTC; None means all.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        readings: Files of the readings, for a scatter; without them the window means are drawn.
        rules: Those of the job, from `telemetry.rules.parse.load_rules`; their bounds are drawn instead of those that
        the anomalies name.

    Raises:
        ConfigError: if something asked for does not exist or cannot be read, or there is nothing to draw.
    """
    order = Order(results, readings, metric, devices, span or TimeRange(), language, theme, rules)
    return draw(kind, order).figure


def draw(kind: str, order: Order) -> Drawn:
    """Return a picture and what is in it.

    Raises:
        ConfigError: if something asked for does not exist or cannot be read, or there is nothing to draw.
    """
    if kind not in KINDS:
        raise ConfigError("--figure", kind, f"not one of {', '.join(KINDS)}")
    order.check()
    if order.readings and kind != "scatter":
        raise ConfigError("--readings", order.readings[0], f"not drawn by --figure {kind}, only by scatter")
    return KINDS[kind](order)


def picture_bytes(figure: Figure, kind: str, theme: str = "light") -> bytes:
    """Return a figure as the bytes of a file: the same figure gives the same bytes.

    Args:
        figure: what `make_figure` returned.
        kind: ``png``, ``svg`` or ``pdf``.
        theme: the one it was made with, whose style sheet is in force while it is written.
    """
    target = io.BytesIO()
    with THEMES[theme].style():
        figure.savefig(target, format=kind, metadata=UNDATED[kind])
    return target.getvalue()


def _scatter(order: Order) -> Drawn:
    return _course(order, trend=False)


def _trend(order: Order) -> Drawn:
    return _course(order, trend=True)


def _course(order: Order, *, trend: bool) -> Drawn:
    metric = order.metric or "temp"
    stored = read_results(order.results, metric, windows=not order.readings)
    rows = read_readings(order.readings, metric) if order.readings else None
    if rows is None:
        _check_metric(metric, stored.metrics)
    course = stored.aggregates if rows is None else rows.frame
    known = set(course["device"].unique()) | (set(stored.anomalies["device"]) if rows is None else set())
    wanted = _choose(order.devices, sorted(known))
    unmatched = 0
    if rows is None:
        panels = window_panels(stored.aggregates, stored.anomalies, wanted, order.span)
    else:
        panels, unmatched = reading_panels(rows.frame, stored.anomalies, wanted, order.span)
    found = [panel for panel in panels if panel.points or len(panel.anomalies)]
    if not found:
        raise _nothing(order, metric)
    shown = with_limits(most_anomalous(found if not order.devices else panels), order.rules, metric)
    unreadable = rows.unreadable if rows else 0
    with order.look.style():
        figure, drawn = compose(
            shown,
            metric,
            order.texts,
            unreadable=unreadable,
            devices=len(wanted),
            trend=trend,
            theme=order.look,
        )
    return Drawn(
        figure=figure,
        points=sum(panel.points for panel in shown),
        drawn=drawn,
        anomalies=sum(len(panel.anomalies) for panel in shown),
        devices=tuple(panel.device for panel in shown),
        unmatched=unmatched,
        unreadable=unreadable,
    )


def _overview(order: Order) -> Drawn:
    run = read_run(order.results, order.metric)
    if order.metric is not None:
        _check_metric(order.metric, run.metrics)
    _choose(order.devices, sorted({*run.windows["device"], *run.anomalies["device"]}))
    overview = summarise(run.anomalies, run.windows, run.letters, order.devices, order.span)
    if overview.span is None and not overview.reasons:
        raise _nothing(order, order.metric or "window, anomaly or dead letter")
    with order.look.style():
        figure = new_overview(overview)
        fill_overview(figure, overview, order.metric, order.texts, order.look)
    return Drawn(figure, 0, 0, overview.anomalies, overview.devices, overview=overview)


def _check_metric(metric: str, known: Sequence[str]) -> None:
    if metric not in known:
        raise ConfigError("--metric", metric, f"no results of it, there are {', '.join(known) or 'none'}")


def _nothing(order: Order, what: str) -> ConfigError:
    return refusal(store_of(order.results), f"nothing to draw: no {what} in the time range asked for")


def _choose(wanted: Sequence[str], known: list[str]) -> list[str]:
    for device in wanted:
        if device not in known:
            raise ConfigError("--device", device, f"no such device, there are {', '.join(known) or 'none'}")
    return list(dict.fromkeys(wanted)) or known


KINDS: Final = MappingProxyType[str, Callable[[Order], Drawn]](
    {"scatter": _scatter, "trend": _trend, "overview": _overview}
)
"""What ``--figure`` takes."""
