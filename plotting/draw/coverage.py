"""Draw the periods with data and the gaps of each device."""

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from plotting.data.overview_counts import Intervals, Overview
from plotting.draw.chart_parts import add_chart_legend, set_title, write_placeholder
from plotting.draw.time_axis import to_days
from plotting.style.texts import Texts
from plotting.style.themes import Theme


def draw_coverage(axes: Axes, overview: Overview, texts: Texts, theme: Theme) -> None:
    """Draw one row per device: a bar for each period with windows and each gap, and the number of gaps beside it."""
    set_title(axes, texts.coverage, theme)
    if not any(map(len, overview.covered)):
        return write_placeholder(axes, texts.no_windows, theme)
    for row, (covered, gaps) in enumerate(zip(overview.covered, overview.gaps, strict=True)):
        axes.broken_barh(_bars(covered), (row - 0.22, 0.44), color=theme.blue, alpha=0.55, linewidth=0, gid="covered")
        # The edge keeps a gap of minutes visible on an axis of days.
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
    return add_chart_legend(axes, keys, theme, "lower right", (1, 1))


def _bars(spans: Intervals) -> list[tuple[float, float]]:
    return list(zip(to_days(spans.start).tolist(), to_days(spans.end - spans.start).tolist(), strict=True))
