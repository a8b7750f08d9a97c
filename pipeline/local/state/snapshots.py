"""Write what the steps of a stream remember to a file, and read it again.

A snapshot is ``snapshot-<number of the first record behind it>``: the state after all records before. The state of a
step is that of its keys, which consists of timers and of values in the encoding of their coders.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from pipeline.local.state.files import write_durably
from transforms.shuffle.versioned import FormatError, frame, unframe

_PREFIX: Final = "snapshot-"
_FORMAT: Final = 1  # checksum of four bytes, `Snapshot` in msgpack
_CHECKSUM_BYTES: Final = 4


class TimerState(msgspec.Struct, frozen=True, array_like=True):
    """A timer that is set.

    Attributes:
        name: of its declaration.
        domain: of its time, as the runner names it.
        tag: that tells it from others of the same name.
        fires_us: when it is due, microseconds.
    """

    name: str
    domain: str
    tag: str
    fires_us: int


class KeyState(msgspec.Struct, frozen=True, array_like=True):
    """State of one key of one step.

    Attributes:
        key: the encoded key.
        timers: those that are set, in the order in which they were set.
        values: encoded values by the name of the state that holds them.
    """

    key: bytes
    timers: tuple[TimerState, ...]
    values: Mapping[str, tuple[bytes, ...]]


StepStates = Mapping[str, tuple[KeyState, ...]]
"""States by the label of the step."""


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """State of a stream after some records of its journal.

    Attributes:
        number: of the first record that is not in it.
        clock_us: clock of the stream, microseconds.
        watermark_us: watermark of its source, microseconds UTC; None while it is unknown.
        delay_us: distance of the watermark behind the publish time of the newest message of a live stream,
            microseconds; None for other streams.
        unconfirmed: ids of messages whose acknowledgement was not confirmed: they may be delivered again.
        steps: states of the steps.
        newest_us: event time of the newest reading, microseconds UTC; None while it is unknown.
        rules: the rules in force, encoded as in their record; empty before the first.
    """

    number: int
    clock_us: int = 0
    watermark_us: int | None = None
    delay_us: int | None = None
    unconfirmed: tuple[str, ...] = ()
    steps: StepStates = {}
    newest_us: int | None = None
    rules: bytes = b""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Snapshot)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return a snapshot as versioned bytes."""
    content = _ENCODER.encode(snapshot)
    return frame(_FORMAT, zlib.crc32(content).to_bytes(_CHECKSUM_BYTES, "little") + content)


def decode_snapshot(content: bytes) -> Snapshot | None:
    """Return the snapshot that was encoded; None if the bytes are not whole.

    Raises:
        FormatError: if it was written by another version of the job.
    """
    if len(content) <= 1 + _CHECKSUM_BYTES or not content[0]:  # a loss of power leaves zeros
        return None
    _, checked = unframe("snapshot of the state", content, (_FORMAT,))
    encoded = checked[_CHECKSUM_BYTES:]
    if not encoded or zlib.crc32(encoded) != int.from_bytes(checked[:_CHECKSUM_BYTES], "little"):
        return None
    try:
        return _DECODER.decode(encoded)
    except msgspec.MsgspecError as error:
        raise FormatError(f"snapshot of the state: {error}") from error


def snapshots_of(folder: Path) -> dict[int, Path]:
    """Return the snapshots of a folder by their numbers, in order."""
    found = ((path.name.removeprefix(_PREFIX), path) for path in folder.glob(f"{_PREFIX}*"))
    return dict(sorted((int(number), path) for number, path in found if number.isdigit()))


def write_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Write a snapshot, which is on the disk when this returns; raises an OSError if it cannot be written."""
    write_durably(folder / f"{_PREFIX}{snapshot.number:016d}", encode_snapshot(snapshot))


def latest_snapshot(folder: Path) -> Snapshot:
    """Return the newest snapshot that is whole; an empty one, before the first record, if there is none.

    Newer ones are removed: they would count as the ones to fall back to.

    Raises:
        FormatError: if it was written by another version of the job.
    """
    for path in reversed(snapshots_of(folder).values()):
        snapshot = decode_snapshot(path.read_bytes())
        if snapshot is not None:
            return snapshot
        path.unlink()
    return Snapshot(0)
