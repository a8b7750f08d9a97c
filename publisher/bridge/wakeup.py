"""Wake a thread that waits for a socket."""

import contextlib
import select
import socket


class Wakeup:
    """A pair of sockets by which other threads end the waiting of one."""

    def __init__(self) -> None:
        """Open the pair."""
        self._inner, self._outer = socket.socketpair()
        for end in (self._inner, self._outer):
            end.setblocking(False)

    def wake(self) -> None:
        """End the waiting, or the next one if nobody waits."""
        with contextlib.suppress(OSError):  # full, so it ends anyway; or closed, and nobody waits
            self._outer.send(b"\0")

    def wait(self, other: socket.socket, events: int, most_s: float) -> None:
        """Wait for a call of `wake`, or for an event of another socket.

        Args:
            other: the other socket.
            events: its events, as `select.poll` takes them; 0 for none.
            most_s: how long to wait at most, seconds.
        """
        waits = select.poll()
        waits.register(self._inner, select.POLLIN)
        if events:  # otherwise poll would return at once when the other end has gone
            waits.register(other, events)
        waits.poll(1_000 * most_s)
        with contextlib.suppress(BlockingIOError):
            self._inner.recv(4_096)

    def close(self) -> None:
        """Close the pair."""
        self._inner.close()
        self._outer.close()
