"""Pack bytes that Beam shuffles or keeps: compress them, and spill them where a job spills.

Beam copies an element many times on its way between steps, so that fewer bytes are worth more than the time to compress
them; a job on files of this machine leaves them on its disk (`transforms.shuffle.spill`).
"""

from typing import Final

import msgspec
import pyarrow as pa

from transforms.shuffle.spill import Spilled, current

_PLAIN, _COMPRESSED, _SPILLED = range(3)
_MIN_COMPRESSED: Final = 4_096  # bytes below which compression saves nothing worth a call
_CODEC: Final = "lz4"
_SIZE_BYTES: Final = 8
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(tuple[int, Spilled])


def pack(content: bytes) -> bytes:
    """Return bytes that stand for the content.

    The first one says how: 0 for the content itself, 1 for its size (8 bytes, little-endian) and the content in LZ4's
    frame format, 2 for its size and the position of the compressed content in the job's folder, in msgpack.
    """
    size = len(content)
    if size < _MIN_COMPRESSED:
        return b"%c%b" % (_PLAIN, content)
    compressed = pa.compress(content, _CODEC, asbytes=True)
    spill = current()
    if spill is None:
        return b"%c%b%b" % (_COMPRESSED, size.to_bytes(_SIZE_BYTES, "little"), compressed)
    return b"%c%b" % (_SPILLED, _ENCODER.encode((size, spill.put(compressed))))


def unpack(packed: bytes | memoryview) -> bytes:
    """Return the content that was packed.

    Raises:
        RuntimeError: if it is in the folder of a job, and this process does not work for that job.
    """
    how, rest = packed[0], memoryview(packed)[1:]
    if how == _PLAIN:
        return bytes(rest)
    compressed: bytes | memoryview
    if how == _COMPRESSED:
        size, compressed = int.from_bytes(rest[:_SIZE_BYTES], "little"), rest[_SIZE_BYTES:]
    else:
        size, spilled = _DECODER.decode(rest)
        spill = current()
        if spill is None:
            raise RuntimeError(f"{spilled.name} is read outside of its job")
        compressed = spill.get(spilled)
    content: bytes = pa.decompress(compressed, size, _CODEC, asbytes=True)
    return content
