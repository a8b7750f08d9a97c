"""Keep transitions that wait for their webhook, as versioned bytes."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from telemetry.model.record_batches import from_records, to_records
from telemetry.model.records import Incident
from transforms.shuffle.record_batch_bytes import decode_record_batch, encode_record_batch
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # microseconds UTC of arrival, then a record batch
_ARRIVED: Final = struct.Struct("<q")
_RETRY: Final = struct.Struct("<I")


class Waiting(NamedTuple):
    """Transitions that arrived together.

    Attributes:
        arrived_us: when, processing time, microseconds UTC.
        transitions: encoded record batch of Incident.
    """

    arrived_us: int
    transitions: bytes


def encode_waiting(waiting: Waiting) -> bytes:
    """Return waiting transitions as versioned bytes."""
    return frame(_FORMAT, _ARRIVED.pack(waiting.arrived_us) + waiting.transitions)


def decode_waiting(content: bytes) -> Waiting:
    """Return the waiting transitions that were encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, rest = unframe("waiting alerts", content, (_FORMAT,))
    return Waiting(_ARRIVED.unpack_from(rest)[0], bytes(rest[_ARRIVED.size :]))


def arrivals(states: Iterable[bytes]) -> dict[tuple[str, int], tuple[int, Incident]]:
    """Return waiting transitions with the time of their first arrival, by incident and sequence."""
    found: dict[tuple[str, int], tuple[int, Incident]] = {}
    for waiting in map(decode_waiting, states):
        for one in to_records(Incident, decode_record_batch(waiting.transitions)):
            known = found.get((one.incident_id, one.sequence))
            if known is None or waiting.arrived_us < known[0]:
                found[one.incident_id, one.sequence] = (waiting.arrived_us, one)
    return found


def states_of(waiting: Sequence[tuple[int, Incident]]) -> Iterator[bytes]:
    """Yield the versioned bytes of transitions, those that arrived together as one; the inverse of `arrivals`."""
    for arrived_us in dict.fromkeys(arrived_us for arrived_us, _ in waiting):
        batch = from_records(Incident, [one for moment_us, one in waiting if moment_us == arrived_us])
        yield encode_waiting(Waiting(arrived_us, encode_record_batch(batch)))


def encode_failures(number: int) -> bytes:
    """Return the number of failures in a row as versioned bytes."""
    return frame(_FORMAT, _RETRY.pack(number))


def decode_failures(content: bytes | None) -> int | None:
    """Return the number of failures in a row; None if nothing waits.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    return None if content is None else int(_RETRY.unpack(unframe("failures", content, (_FORMAT,))[1])[0])
