"""The pictures of the page, as bytes and with the words that stand for them; a new one is added here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from plotting.data.panels import TimeRange
from plotting.figures import Drawn, Order, draw, picture_bytes
from plotting.report.facts import Facts
from plotting.style.texts import Texts


@dataclass(frozen=True)
class ReportPicture:
    """One picture.

    Attributes:
        png: its bytes.
        size: width and height in pixels, so that the page does not jump when it is decoded.
        alt: what it shows, in words.
    """

    png: bytes
    size: tuple[int, int]
    alt: str


def pictures(facts: Facts, order: Order, metric: str, words: Mapping[str, str]) -> list[ReportPicture]:
    """Return the pictures of a run, none if there is nothing to draw.

    One metric against time: its readings, if they are given, and the trend of its windows; then an overview of all.

    Args:
        facts: what the run says in the time range.
        order: what to draw of any metric, with the readings, if there are any.
        metric: the metric.
        words: the words of the page.

    Raises:
        ConfigError: if a file cannot be read, or the readings have nothing in the time range.
    """
    kinds = ["scatter"] if order.readings else []
    if facts.windows or (facts.anomalies["metric"] == metric).any():
        kinds.append("trend")
    if facts.span_us is not None or (order.span == TimeRange() and facts.dead_letters):
        kinds.append("overview")
    found = []
    for kind in kinds:
        drawn = draw(
            kind,
            replace(
                order,
                readings=order.readings if kind == "scatter" else (),
                metric=None if kind == "overview" else metric,
            ),
        )
        png = picture_bytes(drawn.figure, "png")
        found.append(ReportPicture(png, _size(png), _alt(kind, drawn, metric, order.texts, words)))
    return found


def _size(png: bytes) -> tuple[int, int]:
    """Return width and height as the file's header says them."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _alt(kind: str, drawn: Drawn, metric: str, texts: Texts, words: Mapping[str, str]) -> str:
    titles = {
        "scatter": texts.title(metric),
        "trend": texts.trend_title(metric),
        "overview": texts.overview_title(None),
    }
    parts = [texts.counted(texts.anomaly_count, drawn.anomalies), ", ".join(drawn.devices)]
    if drawn.overview is not None:
        parts.insert(1, texts.counted(texts.letter_count, drawn.overview.letters))
    return words["alt"].format(title=titles[kind], summary="; ".join(part for part in parts if part))
