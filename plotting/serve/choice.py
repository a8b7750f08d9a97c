"""What somebody has chosen to see in one tab of a browser, from the parameters of its address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from plotting.data.panels import TimeRange
from plotting.style.looks import Looks
from plotting.style.texts import TEXTS
from plotting.style.themes import THEMES
from telemetry.cli.flags import read_span
from telemetry.errors import ConfigError

FIGURES: Final = ("scatter", "trend", "overview")
LAST_S: Final[Mapping[str, int]] = MappingProxyType(
    {"15min": 900, "1h": 3_600, "6h": 21_600, "1d": 86_400, "7d": 604_800}
)
"""Time ranges that end with the newest data, seconds."""
ALL: Final = "*"
"""Every metric, of an overview."""
_WIDTH_PX: Final = (480, 2_400)
_MOST_DEVICES: Final = 100


@dataclass(frozen=True)
class ViewChoice(Looks):
    """What one tab shows.

    Attributes:
        figure: ``scatter``, ``trend`` or ``overview``.
        metric: the metric, ``*`` for all in an overview.
        devices: those to show, in this order; none means all.
        last: a key of `LAST_S`: the time until the newest data; "" if the range is given by `span`.
        span: the times to show.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        width: of the picture, CSS pixels.
    """

    figure: str = "trend"
    metric: str = "temp"
    devices: tuple[str, ...] = ()
    last: str = ""
    span: TimeRange = field(default_factory=TimeRange)
    language: str = "en"
    theme: str = "light"
    width: int = 1100

    @property
    def metric_or_all(self) -> str | None:
        """The metric; None if it is all of them."""
        return None if self.metric == ALL else self.metric

    def range_at(self, newest_us: int | None) -> TimeRange:
        """Return the times to show, if the newest data are of `newest_us`."""
        if not self.last or newest_us is None:
            return self.span
        return TimeRange(newest_us - LAST_S[self.last] * 1_000_000, None)


def read_choice(parameters: Mapping[str, Sequence[str]], usual: ViewChoice) -> ViewChoice:
    """Return what the parameters of an address ask for; what they leave out is as usual.

    Raises:
        ConfigError: for one that cannot be used, named like the parameter.
    """

    def one(name: str, otherwise: str) -> str:
        return next(iter(parameters.get(name, ())), otherwise)

    figure, language, theme, last = (
        one("figure", usual.figure),
        one("lang", usual.language),
        one("theme", usual.theme),
        one("last", usual.last),
    )
    for name, value, known in (
        ("figure", figure, FIGURES),
        ("lang", language, TEXTS),
        ("theme", theme, THEMES),
        ("last", last, ("", *LAST_S)),
    ):
        if value not in known:
            raise ConfigError(name, value, f"not one of {', '.join(filter(None, known))}")
    devices = tuple(dict.fromkeys(name for name in parameters.get("device", ()) if name)) or usual.devices
    if len(devices) > _MOST_DEVICES:
        raise ConfigError("device", f"{len(devices)} of them", f"at most {_MOST_DEVICES} at a time")
    start, end = one("start", ""), one("end", "")
    span = usual.span if not (start or end) else TimeRange(*read_span(start, end))
    metric = one("metric", ALL if figure == "overview" else usual.metric)
    if metric == ALL and figure != "overview":
        metric = usual.metric
    return ViewChoice(
        figure, metric, devices, "" if start or end else last, span, language, theme, _width(one("width", ""), usual)
    )


def _width(text: str, usual: ViewChoice) -> int:
    try:
        width = int(text) if text else usual.width
    except ValueError:
        raise ConfigError("width", text, "not a number of pixels") from None
    return min(max(width, _WIDTH_PX[0]), _WIDTH_PX[1])
