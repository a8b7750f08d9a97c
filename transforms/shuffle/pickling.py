"""How what travels between steps is pickled.

Beam copies it many times on the way, so that fewer bytes are worth more than the time to compress them; a job on files
of this machine leaves them on its disk (`transforms.shuffle.spill`). Importing this module teaches `pickle` to pack
record batches; tables of aggregates pack themselves.
"""

import copyreg
import pickle
from typing import Any, Final, TypeAlias

import pyarrow as pa

from transforms.shuffle.spill import Spilled, current

_SMALL: Final = 4_096  # bytes below which compression saves nothing worth a call
_CODEC: Final = "lz4"


Packed: TypeAlias = tuple[int, bytes | Spilled]
"""How many bytes there were, and these compressed or where they wait; 0 and the bytes themselves if they are few."""


def pack(content: bytes) -> Packed:
    """Return how many bytes there are, and what to send in their place."""
    if len(content) < _SMALL:
        return 0, content
    packed = pa.compress(content, _CODEC, asbytes=True)
    spill = current()
    return len(content), packed if spill is None else spill.put(packed)


def unpack(size: int, packed: bytes | Spilled) -> bytes:
    """Return what `pack` was given.

    Raises:
        RuntimeError: if it waits in a job's folder, and this process is not at work for that job.
    """
    if isinstance(packed, Spilled):
        spill = current()
        if spill is None:
            raise RuntimeError(f"{packed.name} is read outside of its job")
        packed = spill.get(packed)
    content: bytes = pa.decompress(packed, size, _CODEC, asbytes=True) if size else packed
    return content


def pack_values(values: tuple[Any, ...]) -> Packed:
    """Return some values pickled and packed."""
    return pack(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))


def unpack_values(size: int, packed: bytes | Spilled) -> tuple[Any, ...]:
    """Return what `pack_values` was given."""
    values: tuple[Any, ...] = pickle.loads(unpack(size, packed))
    return values


def _reduce_batch(batch: pa.RecordBatch) -> tuple[Any, Packed]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return _restore_batch, pack(sink.getvalue().to_pybytes())


def _restore_batch(size: int, packed: bytes | Spilled) -> pa.RecordBatch:
    return pa.ipc.open_stream(unpack(size, packed)).read_next_batch()


copyreg.pickle(pa.RecordBatch, _reduce_batch)
