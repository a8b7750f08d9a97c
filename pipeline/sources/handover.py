"""Hand pulls and commands over to the runner by number, and know which of them have gone through the graph."""

import threading
import time
from collections.abc import Callable

from pipeline.sources.subscriber import Received
from telemetry.model.message_batch import MessageBatch


class Handover:
    """Numbered pulls and commands between the thread that serves the source and the one of the runner.

    The runner takes a number when everything with a smaller one has gone through the graph.

    Args:
        on_done: called by the thread that takes, once for each pull that has gone through the graph, with the seconds
            that this took.
        clock: monotonic seconds.
    """

    def __init__(self, on_done: Callable[[Received, float], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without anything to hand over."""
        self._on_done = on_done
        self._clock = clock
        self._condition = threading.Condition()
        self._pulls: dict[int, tuple[Received, int]] = {}
        self._commands: dict[int, Callable[[], None]] = {}
        self._changes: dict[int, bytes] = {}
        self._told = self._taken = self._done = -1
        self._taken_s = 0.0
        self._failed = self._closed = False

    # Called by the thread that serves the source.

    def add_pull(self, received: Received, moment_us: int) -> int:
        """Keep a pull with its timestamp, microseconds UTC, for the runner to take; return its number."""
        with self._condition:
            self._told += 1
            self._pulls[self._told] = received, moment_us
            return self._told

    def add_command(self, command: Callable[[], None]) -> int:
        """Keep a command, which the runner executes between two events, with all steps at rest; return its number."""
        with self._condition:
            self._told += 1
            self._commands[self._told] = command
            return self._told

    def add_change(self, rules: bytes) -> int:
        """Keep encoded rules for the runner to take; return their number."""
        with self._condition:
            self._told += 1
            self._changes[self._told] = rules
            return self._told

    def add_mark(self) -> int:
        """Return a number that only tells that everything before it is done."""
        with self._condition:
            self._told += 1
            return self._told

    def wait(self, timeout_s: float) -> bool:
        """Wait until the runner has taken everything; return whether it has, or takes nothing any more."""
        with self._condition:
            return self._condition.wait_for(lambda: self._told <= self._taken or self._closed, timeout_s)

    @property
    def needs_mark(self) -> bool:
        """Whether the runner has taken everything, and only a further number tells that the last one is done."""
        return self._done < self._told <= self._taken

    @property
    def is_done(self) -> bool:
        """Whether everything has gone through the graph."""
        return self._told == self._done

    @property
    def is_closed(self) -> bool:
        """Whether the runner has ended."""
        return self._closed

    # Called by the steps of the graph and by the job.

    def take(self, number: int) -> tuple[MessageBatch, int] | bytes | None:
        """Return the messages of a pull and their timestamp, microseconds, or encoded rules that come into force.

        None after a command, which is executed.

        Everything before has gone through the graph. A retry returns the same.
        """
        with self._condition:
            self._settle(number - 1)
            self._taken, self._taken_s = number, self._clock()
            pull, command = self._pulls.get(number), self._commands.get(number)
            self._condition.notify_all()
        if command is not None:
            command()
            del self._commands[number]  # a command that raises is executed again by the retry, and fails the job
        if pull is None:
            with self._condition:
                self._settle(number)
            return self._changes.get(number)
        return pull[0].messages, pull[1]

    def fail(self) -> None:
        """Count nothing as done from now on, because a step has failed for good."""
        with self._condition:
            self._failed = True

    def close(self) -> list[Received]:
        """Hand nothing over any more, because the runner has ended; return the pulls that are not done."""
        with self._condition:
            left = [received for received, _ in self._pulls.values()]
            self._pulls.clear()
            self._closed = True  # a runner that failed sends no more requests, and the stream must not wait for it
            self._condition.notify_all()
        return left

    def _settle(self, number: int) -> None:
        """Note that everything up to a number has gone through the graph."""
        while self._done < number:
            self._done += 1
            pull = self._pulls.get(self._done)
            if pull is None or self._failed:  # after a failure the runner goes on for a moment
                continue
            del self._pulls[self._done]
            self._on_done(pull[0], self._clock() - self._taken_s)
