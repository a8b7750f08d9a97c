"""Read pipes as they come."""

import io


class PipeStream:
    """A stream whose reads return what is there, so that rows of a slow pipe do not wait for a full block.

    Args:
        stream: to read from.
    """

    def __init__(self, stream: io.BufferedIOBase) -> None:
        """Read from this stream."""
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most `size`; b"" at the end only."""
        return self._stream.read1(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the bytes up to the end of a line, at most `size`."""
        return self._stream.readline(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to an offset, which a pipe cannot."""
        return self._stream.seek(offset, whence)
