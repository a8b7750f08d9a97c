"""Draw rows per second as a bar chart with `plotting`, the only package that imports Matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.cases import CaseTiming
from plotting.draw.draw_panels import new_figure
from plotting.figures import picture_bytes
from plotting.style.themes import LIGHT

_BAR_IN: Final = 0.27
_MARGIN_IN: Final = 1.3
_WIDTH_IN: Final = 11.0
_PEER_COLOR: Final = LIGHT.edge


def draw(path: Path, timings: Sequence[CaseTiming], title: str) -> None:
    """Write a PNG with one bar per case that has rows, on a logarithmic axis, the fastest at the top of its group.

    A dot marks the steady rate if it is known.
    """
    shown = [timing for timing in timings if timing.seconds and timing.case.rows]
    path.write_bytes(picture_bytes(figure_of(shown, title), "png"))


def figure_of(timings: Sequence[CaseTiming], title: str) -> Any:
    """Return the chart as a Matplotlib figure."""
    with LIGHT.style():
        figure, (axes,) = new_figure(1)
        groups = list(dict.fromkeys(timing.case.group for timing in timings))
        figure.set_size_inches(_WIDTH_IN, _MARGIN_IN + _BAR_IN * (len(timings) + 1.6 * len(groups)))
        position, ticks = 0.0, []
        for group in groups:
            position += 1.6
            axes.text(0.0, position - 0.95, group, transform=axes.get_yaxis_transform(), weight="bold", va="center",
                      color=LIGHT.ink, fontsize=9)  # fmt: skip
            in_group = [timing for timing in timings if timing.case.group == group]
            for timing in sorted(in_group, key=lambda one: -one.rows_per_second[0]):
                _bar(axes, position, timing)
                ticks.append((position, timing.case.name))
                position += 1.0
        axes.set_xscale("log")
        axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=8)
        axes.set_ylim(position, -0.2)
        slowest = min((timing.rows_per_second[0] for timing in timings), default=1.0)
        fastest = max((timing.speed(steady=True) or timing.rows_per_second[0] for timing in timings), default=10.0)
        axes.set_xlim(slowest / 3, fastest * 20)
        axes.set_xlabel("rows per second, logarithmic; bar: whole run, dot: steady state")
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="y", length=0)
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")
        figure.set_layout_engine("constrained")
    return figure


def _bar(axes: Any, at: float, timing: CaseTiming) -> None:
    rate = timing.rows_per_second[0]
    color = LIGHT.blue if timing.case.ours else _PEER_COLOR
    axes.barh(at, rate, height=0.72, color=color, zorder=2)
    steady = timing.speed(steady=True)
    label = f"{rate:,.0f}"
    if steady:
        axes.plot([steady], [at], "o", color=LIGHT.ink, markersize=3.5, zorder=3)
        label += f", steady {steady:,.0f}"
    axes.annotate(label, (max(rate, steady or 0.0), at), (6, 0), textcoords="offset points", va="center", fontsize=8,
                  color=LIGHT.label)  # fmt: skip
