"""Convert CSV cells to JSON values without loss; the publisher and the files share this rule."""

import math
import re
from collections.abc import Sequence

import msgspec

_NUMBER = r"-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?"
_JSON_NUMBER = re.compile(_NUMBER, re.ASCII)
_JSON_NUMBERS = re.compile(f"(?:{_NUMBER}\n)*+", re.ASCII)
_WORDS = {"": "null", "true": "true", "false": "false"}


def cell_to_json(text: str) -> str:
    """Return the JSON token of a CSV cell.

    An empty cell is ``null``; ``true`` and ``false`` (any case) are booleans. A number stays the same double: unchanged
    where JSON allows it (``1.5945120943859746E9``), else normalised (``+1``, ``.5``, ``007``). Any other text, ``nan``
    and ``inf`` included, becomes a string, which the decoder accepts or rejects.
    """
    if _JSON_NUMBER.fullmatch(text) is not None:
        return text
    stripped = text.strip()
    word = _WORDS.get(stripped.lower())
    if word is not None:
        return word
    if "_" not in stripped:  # float() would take Python's 1_000
        try:
            number = float(stripped)
        except ValueError:
            pass
        else:
            if math.isfinite(number):
                return repr(number)
    return msgspec.json.encode(text).decode()


def are_numbers(cells: Sequence[str]) -> bool:
    """Return whether each cell is a JSON number that `cell_to_json` would return unchanged."""
    joined = "\n".join(cells) + "\n"
    return joined.count("\n") == len(cells) and _JSON_NUMBERS.fullmatch(joined) is not None


def text_to_json(text: str) -> str:
    """Return the JSON string of a cell that is a name, such as the device; never a number."""
    return msgspec.json.encode(text).decode() if text else "null"
