"""Draw stored results as Matplotlib figures, without pyplot and without global state; nothing is written."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from matplotlib.figure import Figure

from plotting.data.incidents import read_incidents, with_incidents
from plotting.data.overview_counts import Overview, count_overview
from plotting.data.panels import TimeRange, most_anomalous, reading_panels, window_panels
from plotting.data.readings import read_readings
from plotting.data.results import read_results, read_run
from plotting.data.rule_bounds import with_rule_bounds
from plotting.data.source import Source, refusal, store_of
from plotting.draw.overview_figure import fill_overview_figure, new_overview_figure
from plotting.draw.panel_figure import compose_panels
from plotting.style.appearance import Appearance
from plotting.style.texts import TEXTS
from plotting.style.themes import THEMES
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_CATALOG, metric_catalog
from telemetry.feed.feed import Feed
from telemetry.model.metric_info import MetricCatalog
from telemetry.rules.rule_set import RuleSet
from telemetry.text.timestamps import format_time

FILE_METADATA: Final = MappingProxyType({"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}})
"""Metadata written per file type; dates are left out, so that the same figure always gives the same bytes."""


@dataclass(frozen=True)
class PictureRequest(Appearance):
    """Results and options of one picture.

    Attributes:
        results: a store, or the folder given to the job as ``--output``, on any Beam filesystem.
        readings: files of readings, for a scatter; without them the window means are drawn.
        metric: name of the metric; None means all in an overview, else ``temp``.
        devices: devices to draw, in this order; empty means all.
        span: time range to draw.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        rules: the job's rules, whose bounds are drawn; None draws the bounds stored with the anomalies.
        catalog: units and labels of the metrics.
    """

    results: Source
    readings: Sequence[str | Path] = ()
    metric: str | None = None
    devices: Sequence[str] = ()
    span: TimeRange = field(default_factory=TimeRange)
    language: str = "en"
    theme: str = "light"
    rules: RuleSet | None = None
    catalog: MetricCatalog = DEFAULT_CATALOG

    def check(self) -> None:
        """Check the options that can be checked without reading results.

        Raises:
            ConfigError: if the time range is empty, or the language or theme is unknown.
        """
        span = self.span
        if span.start_us is not None and span.end_us is not None and span.start_us >= span.end_us:
            raise ConfigError("--start", format_time(span.start_us), f"not before --end {format_time(span.end_us)}")
        for flag, name, known in (("--lang", self.language, TEXTS), ("--theme", self.theme, THEMES)):
            if name not in known:
                raise ConfigError(flag, name, f"not one of {', '.join(known)}")


@dataclass(frozen=True)
class DrawnFigure:
    """Figure with the counts of its content.

    Attributes:
        figure: the figure; `picture_bytes` encodes it with the style sheet of its theme.
        points: readings (or windows, if no readings were given) in the panels and time range shown; 0 for an overview.
        drawn: points drawn after thinning.
        anomalies: anomalies in the time range.
        devices: devices shown, in order.
        unmatched: anomalies in the time range that match none of the readings given.
        unreadable: rows of the readings without a readable time, device or value.
        overview: counts of an overview; None for other pictures.
        incidents: incidents in the panels and time range shown; 0 for an overview.
    """

    figure: Figure
    points: int
    drawn: int
    anomalies: int
    devices: tuple[str, ...]
    unmatched: int = 0
    unreadable: int = 0
    overview: Overview | None = None
    incidents: int = 0


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
    feed: Feed | None = None,
) -> Figure:
    """Return a picture of stored results as a figure with its own Agg canvas, independent of pyplot.

    Args:
        kind: ``scatter``, ``trend`` or ``overview``.
        results: A store, or the folder given to the job as ``--output``, on any Beam filesystem.
        metric: Name of the metric; None is ``temp``, and all metrics in an overview.
        devices: Devices to draw, in this order; empty means all.
        span: Time range to draw, UTC; None means all.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        readings: Files of readings, for a scatter; without them the window means are drawn.
        rules: The job's rules from `telemetry.rules.parse.load_rules`, whose bounds are drawn; None draws the bounds
            stored with the anomalies.
        feed: The feed from `telemetry.feed.parse.load_feed`, whose units and labels are shown; None shows those of the
            founding data set.

    Raises:
        ConfigError: if an option is invalid, results or readings cannot be read, or there is nothing to draw.
    """
    shown = DEFAULT_CATALOG if feed is None else metric_catalog(feed)
    request = PictureRequest(results, readings, metric, devices, span or TimeRange(), language, theme, rules, shown)
    return draw(kind, request).figure


def draw(kind: str, request: PictureRequest) -> DrawnFigure:
    """Return a picture with the counts of its content.

    Raises:
        ConfigError: if an option is invalid, results or readings cannot be read, or there is nothing to draw.
    """
    if kind not in KINDS:
        raise ConfigError("--figure", kind, f"not one of {', '.join(KINDS)}")
    request.check()
    if request.readings and kind != "scatter":
        raise ConfigError("--readings", request.readings[0], f"not drawn by --figure {kind}, only by scatter")
    return KINDS[kind](request)


def picture_bytes(figure: Figure, kind: str, theme: str = "light") -> bytes:
    """Return a figure as the bytes of a file; the same figure always gives the same bytes.

    Args:
        figure: a figure from `make_figure`.
        kind: ``png``, ``svg`` or ``pdf``.
        theme: the theme it was drawn with, whose style sheet is applied while it is encoded.
    """
    target = io.BytesIO()
    with THEMES[theme].style():
        figure.savefig(target, format=kind, metadata=FILE_METADATA[kind])
    return target.getvalue()


def _scatter(request: PictureRequest) -> DrawnFigure:
    return _draw_metric(request, trend=False)


def _trend(request: PictureRequest) -> DrawnFigure:
    return _draw_metric(request, trend=True)


def _draw_metric(request: PictureRequest, *, trend: bool) -> DrawnFigure:
    metric = request.metric or "temp"
    stored = read_results(request.results, metric, windows=not request.readings)
    rows = read_readings(request.readings, metric, request.catalog) if request.readings else None
    if rows is None:
        _check_metric(metric, stored.metrics)
    course = stored.aggregates if rows is None else rows.frame
    known = set(course["device"].unique()) | (set(stored.anomalies["device"]) if rows is None else set())
    wanted = _choose(request.devices, sorted(known))
    unmatched = 0
    if rows is None:
        panels = window_panels(stored.aggregates, stored.anomalies, wanted, request.span)
    else:
        panels, unmatched = reading_panels(rows.frame, stored.anomalies, wanted, request.span)
    found = [panel for panel in panels if panel.points or len(panel.anomalies)]
    if not found:
        raise _nothing_to_draw(request, metric)
    shown = with_rule_bounds(most_anomalous(found if not request.devices else panels), request.rules, metric)
    shown = with_incidents(shown, read_incidents(request.results, request.span), metric)
    unreadable = rows.unreadable if rows else 0
    with request.colors.style():
        figure, drawn = compose_panels(
            shown,
            metric,
            request.texts,
            unreadable=unreadable,
            devices=len(wanted),
            trend=trend,
            theme=request.colors,
        )
    return DrawnFigure(
        figure=figure,
        points=sum(panel.points for panel in shown),
        drawn=drawn,
        anomalies=sum(len(panel.anomalies) for panel in shown),
        devices=tuple(panel.device for panel in shown),
        unmatched=unmatched,
        unreadable=unreadable,
        incidents=sum(len(panel.incidents) for panel in shown),
    )


def _overview(request: PictureRequest) -> DrawnFigure:
    run = read_run(request.results, request.metric)
    if request.metric is not None:
        _check_metric(request.metric, run.metrics)
    _choose(request.devices, sorted({*run.windows["device"], *run.anomalies["device"]}))
    overview = count_overview(run.anomalies, run.windows, run.letters, request.devices, request.span)
    if overview.span is None and not overview.reasons:
        raise _nothing_to_draw(request, request.metric or "window, anomaly or dead letter")
    with request.colors.style():
        figure = new_overview_figure(overview)
        fill_overview_figure(figure, overview, request.metric, request.texts, request.colors)
    return DrawnFigure(figure, 0, 0, overview.anomalies, overview.devices, overview=overview)


def _check_metric(metric: str, known: Sequence[str]) -> None:
    if metric not in known:
        raise ConfigError("--metric", metric, f"no results of it, there are {', '.join(known) or 'none'}")


def _nothing_to_draw(request: PictureRequest, what: str) -> ConfigError:
    return refusal(store_of(request.results), f"nothing to draw: no {what} in the time range asked for")


def _choose(wanted: Sequence[str], known: list[str]) -> list[str]:
    for device in wanted:
        if device not in known:
            raise ConfigError("--device", device, f"no such device, there are {', '.join(known) or 'none'}")
    return list(dict.fromkeys(wanted)) or known


KINDS: Final = MappingProxyType[str, Callable[[PictureRequest], DrawnFigure]](
    {"scatter": _scatter, "trend": _trend, "overview": _overview}
)
"""Functions that draw each value of ``--figure``."""
