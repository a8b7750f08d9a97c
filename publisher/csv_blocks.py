"""Read an input, plain or packed, as blocks of decoded lines."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, TypeAlias, cast

from telemetry.errors import ConfigError, TelemetryError
from telemetry.storage.paths import StorageError
from telemetry.storage.unpacking import unpacked
from telemetry.text.csv_limit import cells_up_to

STDIN: Final = "-"
_BLOCK_BYTES: Final = 1 << 18
_LONGEST_LINE_BYTES: Final = 64 << 20

LineBlock: TypeAlias = tuple[list[str], bool]
"""Lines without line feeds, and whether all of them are UTF-8; other bytes are surrogate escapes."""


class InputError(TelemetryError):
    """An input that is damaged after its header."""

    def __init__(self, path: str, problem: str) -> None:
        """Keep the path of the input and the problem."""
        super().__init__(f"INPUT {path}: {problem}")
        self.path = path
        self.problem = problem


def read_blocks(path: str, stack: ExitStack, stream: io.BufferedIOBase | None = None) -> Iterator[LineBlock]:
    """Yield the lines of an input in order; `stack` closes the input.

    Until then cells may be as long as a line.

    Args:
        path: of the input.
        stack: closes it.
        stream: the input, if it is open already.

    Raises:
        ConfigError: if the input cannot be opened.
        InputError: if it is damaged, or a line is too long.
    """
    try:
        stream = open_input(path, stack) if stream is None else stream
    except OSError as error:
        raise ConfigError("INPUT", path, f"cannot be read: {error.strerror or error}") from error
    stack.enter_context(cells_up_to(_LONGEST_LINE_BYTES))
    pending: list[bytes] = []  # beginning of a line that continues in the next block
    size = 0
    try:
        while block := stream.read1(_BLOCK_BYTES):
            whole, newline, tail = block.rpartition(b"\n")
            if newline:
                yield _decode(b"".join([*pending, whole]))
                pending, size = [], 0
            pending.append(tail)
            size += len(tail)
            if size > _LONGEST_LINE_BYTES:
                raise InputError(path, f"has a line of more than {_LONGEST_LINE_BYTES} bytes")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(path, f"damaged: {error}") from error
    except OSError as error:
        raise InputError(path, f"cannot be read to its end: {error.strerror or error}") from error
    yield _decode(b"".join(pending))


def open_input(path: str, stack: ExitStack) -> io.BufferedIOBase:
    """Open an input for reading, unpacked if its content is packed; `stack` closes it.

    Raises:
        OSError: if it cannot be opened.
        ConfigError: if it is packed in a way that cannot be read.
    """
    if path == STDIN:
        raw = cast(io.BufferedReader, sys.stdin.buffer)
    else:
        raw = open(path, "rb")  # noqa: SIM115  # the stack closes it
        stack.enter_context(raw)
    try:
        return stack.enter_context(unpacked(raw, path))
    except StorageError as error:
        raise ConfigError("INPUT", path, error.problem) from error


def _decode(block: bytes) -> LineBlock:
    try:
        return block.decode("utf-8").split("\n"), True
    except UnicodeDecodeError:
        return [line.decode("utf-8", "surrogateescape") for line in block.split(b"\n")], False
