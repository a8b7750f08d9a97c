"""Check JSON that is nested too deeply for a recursive parser, and leave out its inner values."""

import re
from typing import Final

_TOKEN: Final = re.compile(
    r'[ \t\n\r]*(?:(?P<text>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")'
    r"|(?P<value>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|NaN|-?Infinity)"
    r"|(?P<sign>[\[\]{},:]))"
)
_VALUE, _NAME, _COLON, _AFTER = "a value", "a name", "a colon", "a comma or an end"


def leave_out_inner(text: str) -> str:
    """Return a JSON document with each container within its outermost one emptied.

    The number of steps is proportional to the length, whatever the depth.

    Raises:
        ValueError: if the text is no JSON document.
    """
    kept: list[str] = []
    ends: list[str] = []  # of the containers that are open
    expected, may_end, position = _VALUE, False, 0
    while ends or expected is _VALUE:
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"Expecting {expected} (char {position})")
        position, sign = token.end(), token["sign"] or ""
        opens = expected is _VALUE and sign in ("[", "{")
        closes = bool(ends) and sign == ends[-1] and (expected is _AFTER or may_end)
        if len(ends) < 2 or (closes and len(ends) == 2):  # brackets of inner containers, too, but nothing in them
            kept.append(token[0])
        if opens:
            ends.append("]" if sign == "[" else "}")
            expected = _VALUE if sign == "[" else _NAME
        elif closes:
            ends.pop()
            expected = _AFTER
        elif expected is _AFTER and sign == ",":
            expected = _NAME if ends[-1] == "}" else _VALUE
        elif expected is _COLON and sign == ":":
            expected = _VALUE
        elif expected is _NAME and token["text"] is not None:
            expected = _COLON
        elif expected is _VALUE and not sign:
            expected = _AFTER
        else:
            raise ValueError(f"Expecting {expected} (char {token.start()})")
        may_end = opens
    if text[position:].strip(" \t\n\r"):
        raise ValueError(f"Extra data (char {position})")
    return "".join(kept)
