"""Duplicates found the plain way: one message at a time, with a dict."""

from collections.abc import Sequence

Published = tuple[bytes | None, int]
"""Key of a message and when it was published."""


def check_plainly(published: Sequence[Published], window_us: int) -> tuple[list[bool], dict[bytes, int]]:
    """Which messages are new, and which keys are remembered after the last, with the publish time of each."""
    memory: dict[bytes, int] = {}
    newest = -(2**62)
    new = []
    for key, moment in published:
        newest = max(newest, moment)
        memory = {known: first for known, first in memory.items() if newest - first <= window_us}
        new.append(key not in memory)
        if key is not None:
            memory.setdefault(key, moment)
    return new, {known: first for known, first in memory.items() if newest - first <= window_us}
