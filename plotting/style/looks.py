"""What every picture that is asked for says in the same way: its language and its colours."""

from plotting.style.texts import TEXTS, Texts
from plotting.style.themes import THEMES, Theme


class Looks:
    """Whatever has a language (``en`` or ``fr``) and a theme (``light`` or ``dark``) has words and colours."""

    language: str
    theme: str

    @property
    def texts(self) -> Texts:
        """The words."""
        return TEXTS[self.language]

    @property
    def look(self) -> Theme:
        """The colours."""
        return THEMES[self.theme]
