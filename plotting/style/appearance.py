"""Resolve the language and the theme of a picture to its texts and colours."""

from plotting.style.texts import TEXTS, Texts
from plotting.style.themes import THEMES, Theme


class Appearance:
    """Base class of everything with a `language` (``en`` or ``fr``) and a `theme` (``light`` or ``dark``)."""

    language: str
    theme: str

    @property
    def texts(self) -> Texts:
        """Return the texts of the language."""
        return TEXTS[self.language]

    @property
    def colors(self) -> Theme:
        """Return the colours and the style sheet of the theme."""
        return THEMES[self.theme]
