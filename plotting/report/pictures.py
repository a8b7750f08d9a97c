"""Draw the pictures of the page and write their alternative texts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from plotting.data.panels import TimeRange
from plotting.figures import DrawnFigure, PictureRequest, draw, picture_bytes
from plotting.report.run_numbers import RunNumbers
from plotting.style.texts import Texts


@dataclass(frozen=True)
class ReportPicture:
    """Picture of a report.

    Attributes:
        png: content of the PNG file.
        size: width and height in pixels, so that the layout does not shift when the image is decoded.
        alt: alternative text.
    """

    png: bytes
    size: tuple[int, int]
    alt: str


def draw_pictures(
    numbers: RunNumbers, request: PictureRequest, metric: str, words: Mapping[str, str]
) -> list[ReportPicture]:
    """Return the pictures of a run; empty if there is nothing to draw.

    These are a scatter of the metric's readings (if files of readings are given), the trend of its windows, and an
    overview of all metrics.

    Args:
        numbers: numbers of the run in the time range.
        request: results and options; metric and readings are set per picture.
        metric: the metric of scatter and trend.
        words: texts of the page.

    Raises:
        ConfigError: if a file cannot be read, or there are no readings in the time range.
    """
    kinds = ["scatter"] if request.readings else []
    if numbers.windows or (numbers.anomalies["metric"] == metric).any():
        kinds.append("trend")
    if numbers.span_us is not None or (request.span == TimeRange() and numbers.dead_letters):
        kinds.append("overview")
    found = []
    for kind in kinds:
        drawn = draw(
            kind,
            replace(
                request,
                readings=request.readings if kind == "scatter" else (),
                metric=None if kind == "overview" else metric,
            ),
        )
        png = picture_bytes(drawn.figure, "png")
        found.append(ReportPicture(png, _size(png), _alt(kind, drawn, metric, request.texts, words)))
    return found


def _size(png: bytes) -> tuple[int, int]:
    """Return width and height from the header of a PNG file."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _alt(kind: str, drawn: DrawnFigure, metric: str, texts: Texts, words: Mapping[str, str]) -> str:
    titles = {
        "scatter": texts.title(metric),
        "trend": texts.trend_title(metric),
        "overview": texts.overview_title(None),
    }
    parts = [texts.counted(texts.anomaly_count, drawn.anomalies), ", ".join(drawn.devices)]
    if drawn.overview is not None:
        parts.insert(1, texts.counted(texts.letter_count, drawn.overview.letters))
    if drawn.incidents:
        parts.insert(1, texts.counted(texts.incident_count, drawn.incidents))
    return words["alt"].format(title=titles[kind], summary="; ".join(part for part in parts if part))
