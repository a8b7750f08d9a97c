"""Render stored results to a picture file."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plotting.data.panels import TimeRange
from plotting.data.source import Source
from plotting.figures import FILE_METADATA, PictureRequest, draw, picture_bytes
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog
from telemetry.rules.rule_set import RuleSet
from telemetry.storage.files import StorageError, scheme_of, write_file


@dataclass(frozen=True)
class RenderSummary:
    """Counts of the content of a rendered picture."""

    path: str | Path
    points: int
    """Readings (or windows, if no readings were given) in the panels and time range shown; 0 for an overview."""
    drawn: int
    """Points drawn after thinning."""
    anomalies: int
    unmatched: int
    """Anomalies in the time range that match none of the readings given."""
    unreadable: int
    """Rows of the readings without a readable time, device or value."""
    devices: tuple[str, ...]
    seconds: float
    letters: int | None = None
    """Dead letters in an overview; None for other pictures."""
    gaps: int | None = None
    """Gaps in the data of the devices in an overview; None for other pictures."""


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
    catalog: MetricCatalog = DEFAULT_CATALOG,
) -> RenderSummary:
    """Draw a run: one metric against time with its anomalies in red, its trend, or an overview.

    Args:
        results: A store, or the folder given to the job as ``--output``, on any Beam filesystem.
        output: Path of the picture, ``.png``, ``.svg`` or ``.pdf``, on any Beam filesystem.
        figure: ``scatter``, ``trend`` or ``overview``.
        readings: CSV files of readings, for a scatter; without them the window means are drawn.
        metric: Name of the metric; None is ``temp``, and all metrics in an overview.
        devices: Devices to draw, in this order; empty means all.
        span: Time range to draw; None means all.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.
        rules: The job's rules, whose bounds are drawn; None draws the bounds stored with the anomalies.
        catalog: Units and labels of the metrics.

    Raises:
        ConfigError: if an option is invalid, results or readings cannot be read, or the picture cannot be written.
    """
    began = time.perf_counter()
    kind = Path(output).suffix.lower().removeprefix(".")
    if kind not in FILE_METADATA:
        raise ConfigError("--output", output, f"not a picture's name, it ends in .{', .'.join(FILE_METADATA)}")
    request = PictureRequest(results, readings, metric, devices, span or TimeRange(), language, theme, rules, catalog)
    drawn = draw(figure, request)
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
