"""Encode record batches for edges on which a runner groups elements."""

from typing import Final

import pyarrow as pa

from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # Arrow's IPC stream of one batch, packed


def encode_record_batch(batch: pa.RecordBatch) -> bytes:
    """Return a record batch with its schema as versioned bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return frame(_FORMAT, pack(sink.getvalue().to_pybytes()))


def decode_record_batch(content: bytes) -> pa.RecordBatch:
    """Return the record batch that was encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, packed = unframe("record batch", content, (_FORMAT,))
    return pa.ipc.open_stream(unpack(packed)).read_next_batch()
