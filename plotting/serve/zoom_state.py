"""Keep the limits that a user zoomed to while the data of a picture grow."""

from collections.abc import Sequence

from matplotlib.axes import Axes

AxisRange = tuple[float, float]
AxesLimits = list[tuple[AxisRange, AxisRange]]
ZoomLimits = list[tuple[AxisRange | None, AxisRange | None]]


class ZoomState:
    """Limits of axes that show all data, and which of the current limits the user has changed."""

    def __init__(self) -> None:
        """Start without limits."""
        self._whole: AxesLimits = []

    def zoomed_limits(self, axes: Sequence[Axes]) -> ZoomLimits:
        """Return the limits that the user changed; None for each range that shows all data."""
        return [
            (across if across != whole[0] else None, up if up != whole[1] else None)
            for (across, up), whole in zip(
                _limits(axes), self._whole, strict=False
            )  # there are no limits before the first picture
        ]

    def remember_whole(self, axes: Sequence[Axes], chosen: ZoomLimits) -> None:
        """Record the current limits as those of all data, then restore the limits that the user changed."""
        self._whole = _limits(axes)
        if len(chosen) == len(axes):
            _set_limits(axes, chosen)

    def reset_zoom(self, axes: Sequence[Axes]) -> None:
        """Show all data."""
        _set_limits(axes, self._whole)


def _limits(axes: Sequence[Axes]) -> AxesLimits:
    return [(one.get_xlim(), one.get_ylim()) for one in axes]


def _set_limits(axes: Sequence[Axes], limits: Sequence[tuple[AxisRange | None, AxisRange | None]]) -> None:
    for one, (across, up) in zip(axes, limits, strict=True):
        if across is not None:
            one.set_xlim(across)
        if up is not None:
            one.set_ylim(up)
