"""From stored results to a picture: `render` reads, draws and writes, and says what it did."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plotting.data.panels import TimeRange
from plotting.data.source import Source
from plotting.figures import UNDATED, Order, draw, picture_bytes
from telemetry.errors import ConfigError
from telemetry.rules.threshold_rules import RuleSet
from telemetry.storage.files import StorageError, scheme_of, write_file


@dataclass(frozen=True)
class RenderSummary:
    """What was drawn."""

    path: str | Path
    points: int
    """Readings, or windows where there are no readings, in the shown panels and time range; 0 of an overview."""
    drawn: int
    """Of them, those left after thinning."""
    anomalies: int
    unmatched: int
    """Anomalies within the time range that belong to none of the readings given."""
    unreadable: int
    """Rows of the readings without a readable time, device or value."""
    devices: tuple[str, ...]
    seconds: float
    letters: int | None = None
    """Dead letters of an overview."""
    gaps: int | None = None
    """Silences of devices in an overview."""


def render(
    results: Source,
    output: str | Path,
    *,
    figure: str = "scatter",
    readings: Sequence[str | Path] = (),
    metric: str | None = None,
    devices: Sequence[str] = (),
    span: TimeRange | None = None,
    language: str = "en",
    theme: str = "light",
    rules: RuleSet | None = None,
) -> RenderSummary:
    """Draw a run: one metric against time with its anomalies in red, its trend, or an overview.

    Args:
        results: Where they are; a folder is what was given to the job as ``--output``, on any Beam filesystem.
        output: The picture, ``.png``, ``.svg`` or ``.pdf``, on any Beam filesystem.
        figure: ``scatter``, ``trend`` or ``overview``.
        readings: CSV files of the readings, for a scatter; without them the window means are drawn.
        metric: The metric to draw; None is ``temp``, and all metrics in an overview.
        devices: The devices to draw, in this order; none means all.
        span: The times to draw; none means all.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        rules: The job's rules, whose bounds are drawn; None draws those that the anomalies name.

    Raises:
        ConfigError: if something asked for does not exist, cannot be read or cannot be written.
    """
    began = time.perf_counter()
    kind = Path(output).suffix.lower().removeprefix(".")
    if kind not in UNDATED:
        raise ConfigError("--output", output, f"not a picture's name, it ends in .{', .'.join(UNDATED)}")
    order = Order(results, readings, metric, devices, span or TimeRange(), language, theme, rules)
    drawn = draw(figure, order)
    _save(picture_bytes(drawn.figure, kind, theme), output)
    overview = drawn.overview
    return RenderSummary(
        path=output,
        points=drawn.points,
        drawn=drawn.drawn,
        anomalies=drawn.anomalies,
        unmatched=drawn.unmatched,
        unreadable=drawn.unreadable,
        devices=drawn.devices,
        seconds=time.perf_counter() - began,
        letters=None if overview is None else overview.letters,
        gaps=None if overview is None else sum(map(len, overview.gaps)),
    )


def _save(content: bytes, output: str | Path) -> None:
    try:
        if scheme_of(str(output)):
            write_file(str(output), content)
        else:
            Path(output).parent.mkdir(parents=True, exist_ok=True)
            Path(output).write_bytes(content)
    except StorageError as error:
        raise ConfigError("--output", output, f"cannot be written: {error.problem}") from error
    except OSError as error:
        raise ConfigError("--output", output, f"cannot be written: {error.strerror or error}") from error
