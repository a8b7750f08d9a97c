"""Define the light and the dark theme: a style sheet each, and the colours that carry meaning.

The colours can be told apart with every kind of colour vision: blue and orange from the palette of Okabe and Ito, and
a red that also differs from them in lightness. The contrast of counts with the background grows with the count.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import matplotlib as mpl

from plotting.style.fonts import boxes_for_missing_glyphs, families


@dataclass(frozen=True)
class Theme:
    """Colours of one theme, as ``#rrggbb``.

    Attributes:
        name: value of ``--theme``.
        paper: background.
        ink: titles of panels.
        quiet: remarks beside the picture.
        label: labels of axes.
        edge: lines of axes and ticks.
        grid: grid lines behind the data.
        blue: readings and windows.
        red: anomalies and thresholds.
        gap: periods without data.
        learned: values that rules have learned to be usual.
        counts: scale from low to high counts, at least two colours.
        severities: colour of each severity.
    """

    name: str
    paper: str
    ink: str
    quiet: str
    label: str
    edge: str
    grid: str
    blue: str
    red: str
    gap: str
    learned: str
    counts: tuple[str, ...]
    severities: Mapping[str, str]

    @contextmanager
    def style(self) -> Iterator[None]:
        """Apply the theme's style sheet within ``with``, and restore Matplotlib's settings afterwards."""
        suffix = "" if self.name == "light" else f"-{self.name}"
        with boxes_for_missing_glyphs(), mpl.rc_context(fname=Path(__file__).with_name(f"telemetry{suffix}.mplstyle")):
            mpl.rcParams["font.sans-serif"] = list(families())
            yield


LIGHT: Final = Theme(
    name="light",
    paper="#ffffff",
    ink="#1f2933",
    quiet="#616e7c",
    label="#3e4c59",
    edge="#9aa5b1",
    grid="#e4e7eb",
    blue="#0072b2",
    red="#d1232a",
    gap="#e69f00",
    learned="#009e73",
    counts=("#fed976", "#fd8d3c", "#e31a1c", "#800026"),
    severities=MappingProxyType({"critical": "#d1232a", "warning": "#e69f00", "info": "#56b4e9"}),
)
DARK: Final = Theme(
    name="dark",
    paper="#151b23",
    ink="#e6edf3",
    quiet="#9fb0c0",
    label="#c3ced9",
    edge="#5b6875",
    grid="#28323d",
    blue="#56b4e9",
    red="#ff7b72",
    gap="#f0b429",
    learned="#5fe3bd",
    counts=("#8c2d3a", "#e0533d", "#fd9a4f", "#ffe8a3"),
    severities=MappingProxyType({"critical": "#ff7b72", "warning": "#f0b429", "info": "#3f8fc4"}),
)
THEMES: Final[Mapping[str, Theme]] = MappingProxyType({theme.name: theme for theme in (LIGHT, DARK)})
"""Themes by value of ``--theme``."""
