"""Sort rows of any number by time: what exceeds a bounded memory waits in temporary files without a name.

Such a file is gone when the process ends, however it ends. `TMPDIR` says where they are.
"""

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final, NamedTuple

import msgspec
import numpy as np

from publisher.json_lines import LineBatch
from publisher.replay.order.keyed_lines import KeyedLines, sort_lines
from publisher.replay.order.merge import merge
from telemetry.errors import TelemetryError

MEMORY_BYTES: Final = 32 << 20
"""Bytes of text, with what Python adds to each row, that are sorted in memory."""
_ROW_BYTES: Final = 250
_FRAME_ROWS: Final = 2_048
_FAN_IN: Final = 32  # runs that are merged together, and so files that are open


class _Frame(NamedTuple):
    """Rows in a file."""

    keys: bytes
    times: bytes
    texts: bytes
    devices: list[str]


class _Run(NamedTuple):
    """Sorted rows in a file; runs of the same level hold about as many."""

    level: int
    file: IO[bytes]


def sort_rows(blocks: Iterable[KeyedLines], memory_bytes: int = MEMORY_BYTES) -> Iterator[KeyedLines]:
    """Yield rows by key; equal keys keep their order. All rows are read before the first is yielded.

    Args:
        blocks: the rows.
        memory_bytes: how much is sorted in memory at a time.

    Raises:
        TelemetryError: if the temporary files cannot be written, or, after the rows before it, what `blocks` raises.
    """
    runs: list[_Run] = []
    waiting: list[KeyedLines] = []
    size = 0
    damage: TelemetryError | None = None
    try:
        for block in blocks:
            waiting.append(block)
            size += sum(map(len, block.lines.texts)) + _ROW_BYTES * len(block.keys)
            if size >= memory_bytes:
                _add_run(runs, _Run(0, _write([sort_lines(waiting)])))
                waiting, size = [], 0
    except TelemetryError as error:  # rows before the damage are good
        damage = error
    if not runs:
        if waiting:
            yield sort_lines(waiting)
    else:
        if waiting:
            _add_run(runs, _Run(0, _write([sort_lines(waiting)])))
            waiting = []
        yield from merge([_read(run.file) for run in runs])
    if damage is not None:
        raise damage


def _add_run(runs: list[_Run], run: _Run) -> None:
    """Append a run; replace the last ones by one when as many have the same level as are merged together."""
    runs.append(run)
    while len(runs) >= _FAN_IN and runs[-_FAN_IN].level == runs[-1].level:
        last = runs[-_FAN_IN:]
        merged = _write(merge([_read(one.file) for one in last]))
        for one in last:
            one.file.close()
        runs[-_FAN_IN:] = [_Run(last[0].level + 1, merged)]


def _write(blocks: Iterable[KeyedLines]) -> IO[bytes]:
    encoder = msgspec.msgpack.Encoder()
    try:
        file = tempfile.TemporaryFile(prefix="telemetry-replay-")  # noqa: SIM115  # closed with its run
        for block in blocks:
            for start in range(0, len(block.keys), _FRAME_ROWS):
                content = encoder.encode(_pack(block.take(start, start + _FRAME_ROWS)))
                file.write(len(content).to_bytes(8, "big") + content)
        file.flush()
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}; an unsorted input is sorted there"
        raise TelemetryError(f"temporary folder {tempfile.gettempdir()}: {problem}, TMPDIR names another") from error
    return file


def _pack(block: KeyedLines) -> _Frame:
    texts = "\n".join(block.lines.texts).encode("utf-8", "surrogateescape")
    return _Frame(block.keys.tobytes(), block.lines.times.tobytes(), texts, block.lines.devices)


def _read(file: IO[bytes]) -> Iterator[KeyedLines]:
    file.seek(0)
    decoder = msgspec.msgpack.Decoder(_Frame)
    while header := file.read(8):
        frame = decoder.decode(file.read(int.from_bytes(header, "big")))
        keys, times = (np.frombuffer(column, np.int64) for column in (frame.keys, frame.times))
        texts = frame.texts.decode("utf-8", "surrogateescape").split("\n")
        yield KeyedLines(keys, LineBatch(texts, times, frame.devices))
