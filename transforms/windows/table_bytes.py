"""Encode tables of aggregates for state and for edges on which a runner groups elements."""

from typing import Final

import msgspec
import numpy as np

from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.versioned import frame, unframe
from transforms.windows.aggregate_table import LAST, LAST_US, AggregateTable

_FORMAT: Final = 1  # `_Columns` in msgpack, packed


class _Columns(msgspec.Struct, array_like=True):
    """The fields of an `AggregateTable` of M metrics and G groups; arrays are their little-endian values, row by row.

    Attributes:
        metrics: names of the metrics.
        devices: distinct device names.
        device: G int32.
        window_us: G int64.
        floats: 6 * M * G float64.
        ints: 4 * M * G int64.
    """

    metrics: tuple[str, ...]
    devices: tuple[str, ...]
    device: bytes
    window_us: bytes
    floats: bytes
    ints: bytes


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Columns)


def encode_table(table: AggregateTable) -> bytes:
    """Return a table as versioned bytes."""
    arrays = (table.device.tobytes(), table.window_us.tobytes(), table.floats.tobytes(), table.ints.tobytes())
    return frame(_FORMAT, pack(_ENCODER.encode(_Columns(table.metrics, table.devices, *arrays))))


def decode_table(content: bytes) -> AggregateTable:
    """Return the table that was encoded; its arrays cannot be written to.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, packed = unframe("aggregate table", content, (_FORMAT,))
    columns = _DECODER.decode(unpack(packed))
    metrics, groups = len(columns.metrics), len(columns.window_us) // 8
    return AggregateTable(
        columns.metrics,
        columns.devices,
        np.frombuffer(columns.device, "<i4"),
        np.frombuffer(columns.window_us, "<i8"),
        np.frombuffer(columns.floats, "<f8").reshape(LAST + 1, metrics, groups),
        np.frombuffer(columns.ints, "<i8").reshape(LAST_US + 1, metrics, groups),
    )
