"""Resolve the language and the theme of a picture to its texts and colours."""

from plotting.style.texts import TEXTS, Texts
from plotting.style.themes import THEMES, Theme
from telemetry.model.metric_info import MetricCatalog


class Appearance:
    """Base class of everything with a `language` (``en`` or ``fr``), a `theme` (``light`` or ``dark``) and a `catalog`.

    The catalog has the units and labels of the metrics.
    """

    language: str
    theme: str
    catalog: MetricCatalog

    @property
    def texts(self) -> Texts:
        """Return the texts of the language, with the units and labels of the metrics."""
        return TEXTS[self.language].of_metrics(self.catalog)

    @property
    def colors(self) -> Theme:
        """Return the colours and the style sheet of the theme."""
        return THEMES[self.theme]
