"""Encode the state of incidents as versioned bytes.

A column holds only the series that differ from one without a reading, where that is shorter: a series without a breach
costs little more than the time or value that its condition compares with.
"""

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from transforms.incidents.incident_state import Episode, IncidentState, KeptValues, RuleState, StateColumns
from transforms.incidents.source_silence import SourceState
from transforms.series.track import NONE_US
from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # `_State` in msgpack, packed
_USUAL: Final[dict[str, Any]] = {
    "i8": NONE_US,
    "f8": np.nan,
    "f4": np.nan,
    "i4": 0,
    "u2": 0,
    "u1": 0,
    "i1": 0,
    "b1": False,
}
"""The value that most series have, by type."""


class _Column(msgspec.Struct, array_like=True):
    """One array of A values.

    Attributes:
        kind: NumPy's name of the type, little-endian.
        length: A.
        present: one bit for each value, first bit first: whether it is stored; empty if all are.
        values: the values that are stored; the others are the usual one of their type.
        width: how many of the values are one entry.
    """

    kind: str
    length: int
    present: bytes
    values: bytes
    width: int = 1


class _Rule(msgspec.Struct, array_like=True):
    """The fields of a `RuleState`; no members if all devices are members."""

    version: str
    metric: str
    severity: str
    condition: str
    since_us: int
    members: _Column | None
    columns: dict[str, _Column]
    kept: tuple[_Column, _Column, _Column]
    sketches: dict[int, bytes]
    episodes: dict[int, Episode]
    shelved: tuple[str, ...] = ()
    lesson: str = ""


class _State(msgspec.Struct, array_like=True):
    """The fields of an `IncidentState`."""

    watermark_us: int
    start_us: int
    devices: tuple[str, ...]
    expected: _Column
    seen_us: _Column
    first_us: _Column
    rules: dict[str, _Rule]
    sources: dict[str, SourceState] = {}


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_State)


def encode_incident_state(state: IncidentState) -> bytes:
    """Return the state as versioned bytes."""
    return frame(_FORMAT, pack(_ENCODER.encode(_plain(state))))


def decode_incident_state(content: bytes) -> IncidentState:
    """Return the state that was encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, packed = unframe("state of incidents", content, (_FORMAT,))
    plain = _DECODER.decode(unpack(packed))
    return IncidentState(
        watermark_us=plain.watermark_us,
        start_us=plain.start_us,
        devices=plain.devices,
        expected=_array(plain.expected),
        seen_us=_array(plain.seen_us),
        first_us=_array(plain.first_us),
        rules={name: _rule(rule, len(plain.devices)) for name, rule in plain.rules.items()},
        sources=plain.sources,
        codes={name: code for code, name in enumerate(plain.devices)},
    )


def _plain(state: IncidentState) -> _State:
    return _State(
        state.watermark_us,
        state.start_us,
        state.devices,
        _column(state.expected),
        _column(state.seen_us),
        _column(state.first_us),
        {name: _plain_rule(rule, len(state.devices)) for name, rule in state.rules.items()},
        state.sources,
    )


def _plain_rule(rule: RuleState, devices: int) -> _Rule:
    kept = rule.kept
    return _Rule(
        rule.version,
        rule.metric,
        rule.severity,
        rule.condition,
        rule.since_us,
        None if len(rule.members) == devices else _column(rule.members),
        {name: _column(column) for name, column in rule.columns.items()},
        (_column(kept.slot.astype(np.int32)), _column(kept.time_us), _column(kept.value)),
        rule.sketches,
        rule.episodes,
        rule.shelved,
        rule.lesson,
    )


def _rule(plain: _Rule, devices: int) -> RuleState:
    columns: StateColumns = {name: _array(column) for name, column in plain.columns.items()}
    slot, time_us, value = map(_array, plain.kept)
    return RuleState(
        version=plain.version,
        metric=plain.metric,
        severity=plain.severity,
        condition=plain.condition,
        since_us=plain.since_us,
        members=np.arange(devices, dtype=np.int32) if plain.members is None else _array(plain.members),
        columns=columns,
        kept=KeptValues(slot.astype(np.intp), time_us, value),
        sketches=plain.sketches,
        episodes=plain.episodes,
        shelved=plain.shelved,
        lesson=plain.lesson,
    )


def _column(entries: NDArray[Any]) -> _Column:
    width = entries.shape[1] if entries.ndim > 1 else 1
    array = entries.ravel()
    kind = array.dtype.str[1:]
    present = ~np.isnan(array) if kind[0] == "f" else array != _USUAL[kind]
    if int(present.sum()) * array.itemsize + len(array) // 8 >= array.nbytes:
        return _Column(kind, len(array), b"", array.tobytes(), width)
    return _Column(kind, len(array), np.packbits(present).tobytes(), array[present].tobytes(), width)


def _array(column: _Column) -> NDArray[Any]:
    values = np.frombuffer(column.values, f"<{column.kind}")
    if column.present:
        present = np.unpackbits(np.frombuffer(column.present, np.uint8), count=column.length).astype(np.bool_)
        array = np.full(column.length, _USUAL[column.kind], f"<{column.kind}")
        array[present] = values
        values = array
    return values if column.width == 1 else values.reshape(-1, column.width)
