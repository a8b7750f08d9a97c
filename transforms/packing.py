"""How what travels between steps is pickled.

Beam copies it many times on the way, so that fewer bytes are worth more than the time to compress them.
Importing this module teaches `pickle` to pack record batches; tables of aggregates pack themselves.
"""

import copyreg
import pickle
from typing import Any, Final

import pyarrow as pa

_SMALL: Final = 4_096  # bytes below which compression saves nothing worth a call
_CODEC: Final = "lz4"


def pack(content: bytes) -> tuple[int, bytes]:
    """Return bytes compressed, and how many they were; 0 where they are as they were, because they are few."""
    return (0, content) if len(content) < _SMALL else (len(content), pa.compress(content, _CODEC, asbytes=True))


def unpack(size: int, packed: bytes) -> bytes:
    """Return what `pack` was given."""
    content: bytes = pa.decompress(packed, size, _CODEC, asbytes=True) if size else packed
    return content


def pack_values(values: tuple[Any, ...]) -> tuple[int, bytes]:
    """Return some values pickled and packed."""
    return pack(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))


def unpack_values(size: int, packed: bytes) -> tuple[Any, ...]:
    """Return what `pack_values` was given."""
    values: tuple[Any, ...] = pickle.loads(unpack(size, packed))
    return values


def _reduce_batch(batch: pa.RecordBatch) -> tuple[Any, tuple[int, bytes]]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return _restore_batch, pack(sink.getvalue().to_pybytes())


def _restore_batch(size: int, packed: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(unpack(size, packed)).read_next_batch()


copyreg.pickle(pa.RecordBatch, _reduce_batch)
