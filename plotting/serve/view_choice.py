"""Parse the choices of one browser tab from the parameters of its address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from plotting.data.panels import TimeRange
from plotting.style.appearance import Appearance
from plotting.style.texts import TEXTS
from plotting.style.themes import THEMES
from telemetry.cli.flags import read_span
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog

FIGURES: Final = ("scatter", "trend", "overview")
RECENT_RANGES_S: Final[Mapping[str, int]] = MappingProxyType(
    {"15min": 900, "1h": 3_600, "6h": 21_600, "1d": 86_400, "7d": 604_800}
)
"""Length in seconds of each time range that ends with the newest data."""
ALL_METRICS: Final = "*"
"""Value of the parameter `metric` for an overview of all metrics."""
_WIDTH_PX: Final = (480, 2_400)
_MOST_DEVICES: Final = 100


@dataclass(frozen=True)
class ViewChoice(Appearance):
    """Choices of one tab.

    Attributes:
        figure: ``scatter``, ``trend`` or ``overview``.
        metric: name of the metric; ``*`` for all in an overview.
        devices: devices to show, in this order; empty means all.
        last: a key of `RECENT_RANGES_S`, the time before the newest data; "" if `span` gives the range.
        span: time range to show.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        width: width of the picture, CSS pixels.
        catalog: units and labels of the metrics.
    """

    figure: str = "trend"
    metric: str = "temp"
    devices: tuple[str, ...] = ()
    last: str = ""
    span: TimeRange = field(default_factory=TimeRange)
    language: str = "en"
    theme: str = "light"
    width: int = 1100
    catalog: MetricCatalog = DEFAULT_CATALOG

    @property
    def metric_or_all(self) -> str | None:
        """Return the name of the metric; None for all metrics."""
        return None if self.metric == ALL_METRICS else self.metric

    def range_at(self, newest_us: int | None) -> TimeRange:
        """Return the time range to show, if the newest data have the time `newest_us` (microseconds, UTC)."""
        if not self.last or newest_us is None:
            return self.span
        return TimeRange(newest_us - RECENT_RANGES_S[self.last] * 1_000_000, None)


def read_choice(parameters: Mapping[str, Sequence[str]], default: ViewChoice) -> ViewChoice:
    """Return the choices in the parameters of an address; missing parameters are taken from `default`.

    Raises:
        ConfigError: for an invalid parameter, with its name as the flag.
    """

    def one(name: str, otherwise: str) -> str:
        return next(iter(parameters.get(name, ())), otherwise)

    figure, language, theme, last = (
        one("figure", default.figure),
        one("lang", default.language),
        one("theme", default.theme),
        one("last", default.last),
    )
    for name, value, known in (
        ("figure", figure, FIGURES),
        ("lang", language, TEXTS),
        ("theme", theme, THEMES),
        ("last", last, ("", *RECENT_RANGES_S)),
    ):
        if value not in known:
            raise ConfigError(name, value, f"not one of {', '.join(filter(None, known))}")
    devices = tuple(dict.fromkeys(name for name in parameters.get("device", ()) if name)) or default.devices
    if len(devices) > _MOST_DEVICES:
        raise ConfigError("device", f"{len(devices)} of them", f"at most {_MOST_DEVICES} at a time")
    start, end = one("start", ""), one("end", "")
    span = default.span if not (start or end) else TimeRange(*read_span(start, end))
    metric = one("metric", ALL_METRICS if figure == "overview" else default.metric)
    if metric == ALL_METRICS and figure != "overview":
        metric = default.metric
    last, width = "" if start or end else last, _width(one("width", ""), default)
    return ViewChoice(figure, metric, devices, last, span, language, theme, width, default.catalog)


def _width(text: str, default: ViewChoice) -> int:
    try:
        width = int(text) if text else default.width
    except ValueError:
        raise ConfigError("width", text, "not a number of pixels") from None
    return min(max(width, _WIDTH_PX[0]), _WIDTH_PX[1])
