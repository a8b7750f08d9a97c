"""Disturb the messages of a replay: duplicate, displace, hold back, damage and drop them.

All choices about a message depend on the seed and on its number alone, and the order of sending on event time, so the
same replay is disturbed in the same way at any pace.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from publisher.replay.chaos.damage import damage_message
from publisher.replay.chaos.options import ChaosOptions
from publisher.replay.chaos.truth import Truth
from publisher.replay.message_builder import ReplayMessage


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send.

    Attributes:
        message: the message.
        due_us: event time at which it is due at the recorded pace, microseconds UTC; None if it has no time.
    """

    message: ReplayMessage
    due_us: int | None


@dataclass(frozen=True, slots=True, order=True)
class _Held:
    """A message that is held until the event time of the replay reaches `due_us`."""

    due_us: int
    number: int
    message: ReplayMessage = field(compare=False)
    is_copy: bool = field(compare=False)
    is_late: bool = field(compare=False)


class Chaos:
    """Disturbance of one replay.

    Attributes:
        options: what is done.
        truth: record of it.
    """

    def __init__(self, options: ChaosOptions, truth: Truth) -> None:
        """Prepare to disturb a replay and to record it."""
        self.options = options
        self.truth = truth

    def disturb(self, messages: Iterator[ReplayMessage]) -> Iterator[Outgoing]:
        """Yield the messages to send, with sequence numbers in this order; the keys in the attributes stay."""
        sequences = count()
        for held in self._hold(messages):
            self.truth.send(held.message, is_copy=held.is_copy, is_late=held.is_late)
            yield Outgoing(replace(held.message, sequence=next(sequences)), held.due_us)

    def _hold(self, messages: Iterator[ReplayMessage]) -> Iterator[_Held]:
        """Yield messages when the event time of the replay, its latest so far, has reached the time they are due."""
        waiting: list[_Held] = []
        now_us = 0
        numbers = count()
        for message in messages:
            now_us = max(now_us, message.last_us or 0)
            for held in self._choose(message, now_us, numbers):
                heapq.heappush(waiting, held)
            while waiting and waiting[0].due_us <= now_us:
                yield heapq.heappop(waiting)
        while waiting:
            yield heapq.heappop(waiting)

    def _choose(self, message: ReplayMessage, now_us: int, numbers: Iterator[int]) -> Iterator[_Held]:
        """Yield a message and its copy as they will be sent; nothing if it is dropped."""
        options = self.options
        chance = random.Random(f"{options.seed} {message.sequence}")
        drop, corrupt, duplicate, late = (chance.random() for _ in range(4))
        displaced_us, copy_displaced_us = (int(chance.random() * options.reorder_us) for _ in range(2))
        self.truth.build(message)
        if drop < options.drop:
            self.truth.drop(message)
            return
        if corrupt < options.corrupt and (damage := damage_message(message, chance)) is not None:
            self.truth.corrupt(message, damage)
            message = replace(message, payload=damage.payload)
        is_late = late < options.late
        due_us = now_us + (options.late_us if is_late else 0)
        yield _Held(due_us + displaced_us, next(numbers), message, is_copy=False, is_late=is_late)
        if duplicate < options.duplicate:
            later_us = due_us + max(displaced_us, copy_displaced_us)
            yield _Held(later_us, next(numbers), message, is_copy=True, is_late=is_late)
