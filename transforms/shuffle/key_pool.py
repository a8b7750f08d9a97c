"""A fixed pool of keys reused for hourly state, so that the state of a stream does not grow with time.

A runner keeps something for each key that it ever saw, even when all state of it is empty. A key for each hour would
never be used again once the hour is over; the key of the same hour a week later is.
"""

from typing import Final

POOL_SIZE: Final = 168
"""Hours of a week. Pub/Sub keeps messages that long by default, so that even in a backlog each hour has its own key."""


def pooled_key(hour_bucket: int) -> int:
    """Return the key of an hour bucket, given its number since the epoch."""
    return hour_bucket % POOL_SIZE
