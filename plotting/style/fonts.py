"""Choose fonts for names in any script, and silence Matplotlib where it has no glyph for a character."""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from typing import Final

_MISSING: Final = r"Glyph \d+ .*missing from|Matplotlib currently does not support .* natively"
"""Begin of the warnings about characters that are drawn as boxes; device names are data, and may hold any."""
_FIRST: Final = "DejaVu Sans"
_FALLBACKS: Final = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Hiragino Sans", "PingFang SC", "Arial Unicode MS"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai"),
    *("Noto Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Symbola", "Unifont"),
)
"""Fonts with outlines, for what the first one lacks: one of each that is installed."""


@functools.cache
def families() -> tuple[str, ...]:
    """Return the fonts of pictures, the first choice first; others only if they are installed."""
    from matplotlib.font_manager import fontManager  # reads the list of fonts

    installed = set(fontManager.get_font_names())
    return (_FIRST, *(name for name in _FALLBACKS if name in installed))


@contextlib.contextmanager
def boxes_for_missing_glyphs() -> Iterator[None]:
    """Draw a box for a character that no font has, without a warning, within ``with``."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_MISSING, category=UserWarning)
        yield
