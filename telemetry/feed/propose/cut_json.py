"""Cut JSON whose end is missing behind its last complete document, or the last complete element of an array."""

import re
from typing import Final

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\],]', re.DOTALL)
_CLOSING: Final = {b"{": b"}", b"[": b"]"}


def close_json(payload: bytes) -> bytes:
    """Return JSON up to its last complete document; if not even the first one ends, up to an element, and closed."""
    open_marks: list[bytes] = []
    complete = 0
    last, closing = 0, b""
    for found in _TOKEN.finditer(payload):
        token = found[0]
        if token in _CLOSING:
            open_marks.append(token)
        elif token in (b"}", b"]") and open_marks:
            open_marks.pop()
            complete = complete if open_marks else found.end()
        if open_marks and open_marks[-1] == b"[" and token in (b",", b"}", b"]"):
            last = found.start() if token == b"," else found.end()
            closing = b"".join(_CLOSING[mark] for mark in reversed(open_marks))
    if complete or not last:
        return payload[:complete] or payload
    return payload[:last] + closing
