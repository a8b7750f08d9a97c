"""Remember keys one at a time in a dict: the plain computation that `KeyMemory` is compared with."""

from collections.abc import Sequence

Arrival = tuple[bytes | None, int]
"""Key of a message, None if it has none, and when it was published, microseconds."""


def expected_memory(arrivals: Sequence[Arrival], window_us: int) -> tuple[list[bool], dict[bytes, int]]:
    """Return which arrivals are new, and what is remembered after the last: the time of each key's first arrival."""
    memory: dict[bytes, int] = {}
    newest = -(2**62)
    new = []
    for key, moment in arrivals:
        newest = max(newest, moment)
        memory = {known: first for known, first in memory.items() if newest - first <= window_us}
        new.append(key not in memory)
        if key is not None:
            memory.setdefault(key, moment)
    return new, {known: first for known, first in memory.items() if newest - first <= window_us}
