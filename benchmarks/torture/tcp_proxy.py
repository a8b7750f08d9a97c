"""Forward TCP connections, and stall, cut or refuse them on command."""

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Final

_BLOCK: Final = 1 << 14


class FaultyNetwork:
    """Proxy on a free port of loopback.

    Attributes:
        address: ``host:port`` to connect to.
        cuts: number of connections that were cut because of `cut_after`.
    """

    def __init__(self, target: str, cut_after: Iterable[int] = ()) -> None:
        """Listen.

        Args:
            target: ``host:port`` of the server.
            cut_after: bytes from the client after which the first, second, … connection is cut; later ones are not.
        """
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._limits = iter(cut_after)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._flows = threading.Event()
        self._flows.set()
        self._refuses = False
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._spawn(self._accept)

    def stall(self) -> None:
        """Pass nothing on until `restore`; connections stay open."""
        self._flows.clear()

    def refuse(self) -> None:
        """Cut all connections, and every new one until `restore`."""
        self._refuses = True
        self.cut()

    def restore(self) -> None:
        """Forward again."""
        self._refuses = False
        self._flows.set()

    def cut(self) -> None:
        """Cut all connections."""
        with self._lock:
            connections, self._open = self._open, set()
        for one in connections:
            _shut(one)

    def close(self) -> None:
        """Stop listening and cut everything."""
        _shut(self._listener)
        self.restore()
        self.cut()

    def _spawn(self, target: object, *args: object) -> None:
        threading.Thread(target=target, args=args, daemon=True).start()  # type: ignore[arg-type]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                _shut(client)
                continue
            with self._lock:
                self._open |= {client, server}
            if self._refuses:
                self.cut()
            self._spawn(self._forward, client, server, next(self._limits, None))
            self._spawn(self._forward, server, client, None)

    def _forward(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        seen = 0
        with contextlib.suppress(OSError):
            while block := source.recv(_BLOCK):
                seen += len(block)
                if limit is not None and seen > limit:
                    self.cuts += 1
                    break
                self._flows.wait()
                sink.sendall(block)
        _shut(source)
        _shut(sink)
        with self._lock:
            self._open -= {source, sink}


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextlib.contextmanager
def faulty_network(target: str, cut_after: Iterable[int] = ()) -> Iterator[FaultyNetwork]:
    """Run a proxy for a block; the arguments are those of `FaultyNetwork`."""
    network = FaultyNetwork(target, cut_after)
    try:
        yield network
    finally:
        network.close()
