"""Draw the scenes of the guide to rules: ``python -m tests.docs`` writes the pictures beside their files.

A picture holds the hash of the scene that it shows. A test compares it with that of the scene as the code of today
evaluates it, so that a picture that is out of date is found without a comparison of pixels.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
from PIL import Image, PngImagePlugin

from plotting.data.learned import SPREADS
from plotting.draw.chart_parts import LABEL_SIZE_PT, apply_theme
from plotting.style.themes import LIGHT, Theme
from telemetry.text.durations import format_duration
from tests.support.rule_scenes import FOLDER, LearnedPanel, Scene, ScenePanel, SceneRow, load_scene, scene_names

SCENE: Final = "Scene"
"""Name of the hash in a picture."""
_WIDTH_IN, _LEFT_IN, _RIGHT_IN, _TOP_IN, _BOTTOM_IN = 7.6, 1.7, 0.95, 0.14, 0.46
_PANEL_IN, _MARKS_IN, _ROW_IN, _BETWEEN_IN = 1.1, 0.22, 0.22, 0.14
_DPI: Final = 120
_COLOURS: Final = 96
_STEPS_S: Final = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_MOST_TICKS: Final = 12
_MARKS_FIRST: Final = frozenset({"first"})
"""Scenes about which incident of a device came first."""
_PENDING, _OPEN = "pending", "open"


def write_pictures() -> None:
    """Draw the pictures that show another scene than the code of today evaluates; leave the others as they are."""
    for name in scene_names():
        scene, path = load_scene(FOLDER / f"{name}.test.yaml"), FOLDER / f"{name}.png"
        if not path.exists() or scene_of(path) != scene.digest:
            path.write_bytes(picture_of(scene))


def scene_of(path: Path) -> str:
    """Return the hash of the scene that a picture shows."""
    with Image.open(path) as image:
        return str(image.info.get(SCENE, ""))


def picture_of(scene: Scene) -> bytes:
    """Return the picture as the content of a PNG file, of few colours, so that it is small."""
    with LIGHT.style():
        figure = draw_scene(scene)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=_DPI)
    text = PngImagePlugin.PngInfo()
    text.add_text(SCENE, scene.digest)
    target = io.BytesIO()
    with Image.open(drawn) as image:
        few = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(target, format="png", pnginfo=text, optimize=True)
    return target.getvalue()


def draw_scene(scene: Scene) -> Figure:
    """Return the figure of a scene; the style sheet of the light theme must be active."""
    heights = [_PANEL_IN if panel.values else _MARKS_IN for panel in scene.panels]
    heights.append(_ROW_IN * len(scene.rows))
    height = _TOP_IN + sum(heights) + _BETWEEN_IN * (len(heights) - 1) + _BOTTOM_IN
    figure = Figure(figsize=(_WIDTH_IN, height))
    FigureCanvasAgg(figure)
    places = _places(figure, heights, height)
    for panel, axes in zip(scene.panels, places, strict=False):
        _frame(axes, scene, LIGHT)
        _draw_panel(axes, panel, scene, LIGHT)
        axes.tick_params(axis="x", labelbottom=False, length=0)
    rows = next(places)
    _frame(rows, scene, LIGHT)
    _draw_rows(rows, scene, LIGHT)
    return figure


def _places(figure: Figure, heights: list[float], height: float) -> Iterator[Axes]:
    top = height - _TOP_IN
    for own in heights:
        top -= own
        across = (_WIDTH_IN - _LEFT_IN - _RIGHT_IN) / _WIDTH_IN
        yield figure.add_axes((_LEFT_IN / _WIDTH_IN, top / height, across, own / height))
        top -= _BETWEEN_IN


def _frame(axes: Axes, scene: Scene, theme: Theme) -> None:
    apply_theme(axes, theme)
    end_s = scene.until_us / 1e6
    margin = end_s * 0.012
    axes.set_xlim(-margin, end_s + margin)
    step = next(step for step in _STEPS_S if end_s / step <= _MOST_TICKS)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: _offset(second)))
    axes.grid(visible=True, axis="x", color=theme.grid, linewidth=0.7)


def _offset(second: float) -> str:
    return format_duration(round(second) * 1_000_000) if second else "0"


def _draw_panel(axes: Axes, panel: ScenePanel, scene: Scene, theme: Theme) -> None:
    times_s = np.array(panel.times_us) / 1e6
    axes.set_ylabel(panel.label, rotation=0, ha="right", va="center", fontsize=LABEL_SIZE_PT, color=theme.ink)
    axes.yaxis.set_label_coords(-0.105, 0.5)
    if not panel.values:
        axes.set(yticks=[], ylim=(-1, 1))
        axes.vlines(times_s, -0.55, 0.55, color=theme.blue, linewidth=1.0)
        return
    values, breaches = np.array(panel.values), np.array(panel.breaches)
    if isinstance(panel, LearnedPanel):
        _draw_band(axes, panel, times_s, theme)
    if panel.spans_us:
        span_s = panel.spans_us / 1e6
        colors = np.where(breaches, theme.red, theme.blue).tolist()
        axes.hlines(values, times_s - span_s, times_s, color=colors, linewidth=1.6)
    else:
        late = np.diff(times_s, prepend=times_s[:1]) > scene.interval_us / 1e6
        axes.plot(*_broken(times_s, values, late), color=theme.blue, linewidth=0.7, alpha=0.6)
    for chosen, color in ((~breaches, theme.blue), (breaches, theme.red)):
        axes.scatter(times_s[chosen], values[chosen], s=7, color=color, linewidths=0, zorder=3, gid="reading")
    for bound in panel.bounds:
        style, color = ("--", theme.red) if bound.kind == "bound" else (":", theme.quiet)
        axes.axhline(bound.value, color=color, linestyle=style, linewidth=1.0, zorder=2, gid=bound.kind)
        words = f"{'bound' if bound.kind == 'bound' else 'clear'} {bound.value:g}"
        axes.text(
            1.012, bound.value, words, transform=axes.get_yaxis_transform(), va="center", color=color, fontsize=7.5
        )
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.margins(y=0.12)
    axes.spines["left"].set_visible(True)
    axes.spines["left"].set_color(theme.edge)


def _draw_band(axes: Axes, panel: LearnedPanel, times_s: np.ndarray, theme: Theme) -> None:
    """Draw the usual value and its band as the charts draw them."""
    expected, spread = (np.array(some, np.float64) for some in (panel.expected, panel.spread))
    edges = expected - SPREADS * spread, expected + SPREADS * spread
    axes.fill_between(times_s, *edges, color=theme.learned, alpha=0.3, linewidth=0, zorder=1, gid="learned")
    axes.plot(times_s, expected, color=theme.learned, linewidth=0.9, zorder=1.5)


def _broken(times_s: np.ndarray, values: np.ndarray, late: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a line that is broken before late readings."""
    places = np.flatnonzero(late)
    return np.insert(times_s, places, np.nan), np.insert(values, places, np.nan)


def _draw_rows(axes: Axes, scene: Scene, theme: Theme) -> None:
    for number, row in enumerate(scene.rows):
        _draw_row(axes, number, row, scene, theme)
    names = [f"{row.rule_id} · {row.device}" if row.device else row.rule_id for row in scene.rows]
    axes.set_yticks(range(len(names)), labels=names)
    axes.tick_params(axis="y", length=0, labelcolor=theme.ink)
    axes.set_ylim(len(names) - 0.5, -0.5)
    for number in range(len(names) + 1):
        axes.axhline(number - 0.5, color=theme.grid, linewidth=0.7, zorder=0)


def _draw_row(axes: Axes, number: int, row: SceneRow, scene: Scene, theme: Theme) -> None:
    color = theme.severities[row.severity]
    for place, bar in enumerate(row.bars):
        begun, opened, ended = (moment / 1e6 for moment in (bar.begun_us, bar.opened_us, bar.ended_us))
        if bar.reopened:
            before = row.bars[place - 1].ended_us / 1e6
            axes.plot(
                (before, opened), (number, number), color=color, linewidth=1.2, linestyle=(0, (2, 1.2)), gid="reopened"
            )
        if opened > begun:
            pending = [(begun, opened - begun)]
            axes.broken_barh(pending, (number - 0.12, 0.24), color=color, alpha=0.45, linewidth=0, gid=_PENDING)
        axes.broken_barh(
            [(opened, ended - opened)], (number - 0.32, 0.64), color=color, linewidth=0, zorder=2, gid=_OPEN
        )
        updates = np.array(bar.updated_us) / 1e6
        axes.vlines(updates, number - 0.32, number + 0.32, color=theme.paper, linewidth=1.4, zorder=3)
        words = [
            word
            for word, said in (("flapping", bar.flapping), ("first", bar.first and scene.name in _MARKS_FIRST))
            if said
        ]
        if words:
            axes.annotate(
                ", ".join(words),
                (opened, number),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
                color=theme.ink,
                zorder=4,
            )
        if not bar.closed:
            axes.annotate(
                "still open",
                (1.012, number),
                xycoords=axes.get_yaxis_transform(),
                va="center",
                fontsize=7.5,
                color=theme.quiet,
            )
