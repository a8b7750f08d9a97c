"""Count lines that are JSON objects, without parsing them."""

import numpy as np

_OPEN, _CLOSE, _NEWLINE = b"{}\n"


def count_objects(content: bytes, longest: int) -> int | None:
    """Return the number of lines if each looks like an object and none is too long, else None.

    Every line break must be between a ``}`` and a ``{``. Inside one document the two never follow each other, so if the
    number of documents equals the number of lines, each line is exactly one document.

    Args:
        content: the lines.
        longest: bytes of the longest line that is accepted.
    """
    text = np.frombuffer(content, np.uint8)
    if not len(text) or text[0] != _OPEN or text[-1] != _CLOSE:
        return None
    breaks = np.flatnonzero(text == _NEWLINE)
    if (text[breaks - 1] != _CLOSE).any() or (text[breaks + 1] != _OPEN).any():
        return None
    if np.diff(breaks, prepend=-1, append=len(text)).max() > longest + 1:
        return None
    return len(breaks) + 1
