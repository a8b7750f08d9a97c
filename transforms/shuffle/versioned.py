"""Frame bytes that outlive the program that wrote them with the number of their format.

State of a stream, and elements on their way to a stateful step, are read by the version of the job that replaces the
one that wrote them. They therefore name no class and no module: a number says how to read them.
"""

from collections.abc import Collection

from telemetry.errors import TelemetryError


class FormatError(TelemetryError):
    """Bytes in a format that this version of the job cannot read."""


def frame(number: int, content: bytes) -> bytes:
    """Return content behind the number of its format, which is one byte."""
    return b"%c%b" % (number, content)


def unframe(kind: str, framed: bytes, understood: Collection[int]) -> tuple[int, memoryview]:
    """Return the number of the format and the content, which is not copied.

    Args:
        kind: name of the thing that was encoded, for the text of an error.
        framed: result of `frame`.
        understood: numbers of the formats that the caller can read.

    Raises:
        FormatError: if the number is none of those.
    """
    if not framed or framed[0] not in understood:
        found = f"format {framed[0]}" if framed else "no bytes"
        numbers = ", ".join(map(str, sorted(understood)))
        raise FormatError(f"{kind}: {found} found, this version understands format {numbers}")
    return framed[0], memoryview(framed)[1:]
