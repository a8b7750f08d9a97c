"""Draws when there was data of each device, and when there was none."""

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from plotting.data.summaries import Overview, Spans
from plotting.draw.chart_parts import add_legend, say_nothing, set_title
from plotting.draw.time_axis import to_days
from plotting.style.texts import Texts
from plotting.style.themes import Theme


def draw_coverage(axes: Axes, overview: Overview, texts: Texts, theme: Theme) -> None:
    """Draw a row a device: bars where windows are, and gaps between them, with their number beside it."""
    set_title(axes, texts.coverage, theme)
    if not any(map(len, overview.covered)):
        return say_nothing(axes, texts.no_windows, theme)
    for row, (covered, gaps) in enumerate(zip(overview.covered, overview.gaps, strict=True)):
        axes.broken_barh(_bars(covered), (row - 0.22, 0.44), color=theme.blue, alpha=0.55, linewidth=0, gid="covered")
        # an edge, so that a gap of minutes is seen among days
        axes.broken_barh(_bars(gaps), (row - 0.22, 0.44), color=theme.gap, linewidth=1.2, zorder=3, gid="gap")
        said = texts.no_gaps
        if len(gaps):
            said = f"{texts.counted(texts.gap_count, len(gaps))}, {texts.duration(gaps.total_us)}"
        place = axes.get_yaxis_transform()
        axes.text(
            1.012,
            row,
            said,
            va="center",
            fontsize=7.5,
            color=theme.quiet,
            transform=place,
            gid="gaps",
        )
    keys = [Patch(color=theme.blue, alpha=0.55, linewidth=0, label=texts.covered)]
    keys.append(Patch(color=theme.gap, linewidth=0, label=texts.gap))
    return add_legend(axes, keys, theme, "lower right", (1, 1))


def _bars(spans: Spans) -> list[tuple[float, float]]:
    return list(zip(to_days(spans.start).tolist(), to_days(spans.end - spans.start).tolist(), strict=True))
