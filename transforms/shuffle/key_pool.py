"""Keys that hours take in turn, so that the state of a stream does not grow with time.

A runner keeps something for each key that it ever met, even when all state of it is empty. A key for each hour would
never be met again once the hour is over; that of the same hour a week later is.
"""

from typing import Final

POOL_SIZE: Final = 168
"""A week of hours: as long as Pub/Sub keeps messages by default, so that even of a backlog each hour has a key."""


def pooled_key(number: int) -> int:
    """Return the slot of an hour, or of another stretch of time, by its number since the epoch."""
    return number % POOL_SIZE
