"""A TCP proxy that cuts connections after a given number of bytes."""

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator


class CutProxy:
    """Forward connections to a server, and cut the first ones after so many bytes from the client.

    Attributes:
        address: ``host:port`` to connect to.
        cuts: how many connections were cut.
    """

    def __init__(self, target: str, cut_after: Iterable[int]) -> None:
        """Listen on a free port of loopback.

        Args:
            target: ``host:port`` of the server.
            cut_after: bytes from the client after which the first, second, … connection is cut; later ones are not.
        """
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._limits = iter(cut_after)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts = 0
        self._spawn(self._accept)

    def close(self) -> None:
        """Cut everything and wait for the threads."""
        for one in (self._listener, *self._open):
            _cut(one)
        for thread in self._threads:
            thread.join()

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            self._spawn(self._forward, client, server, next(self._limits, None))
            self._spawn(self._forward, server, client, None)

    def _forward(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        seen = 0
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 14):
                seen += len(block)
                if limit is not None and seen > limit:
                    self.cuts += 1
                    break
                sink.sendall(block)
        _cut(source)
        _cut(sink)


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextlib.contextmanager
def cutting(target: str, cut_after: Iterable[int]) -> Iterator[CutProxy]:
    """Run a proxy for a block."""
    proxy = CutProxy(target, cut_after)
    try:
        yield proxy
    finally:
        proxy.close()
