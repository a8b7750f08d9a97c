"""A broker of MQTT that sends prepared packets."""

import contextlib
import socket
import threading
from collections.abc import Iterator

CONNACK_5, SUBACK_5 = b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00"  # + reason
CONNACK_3, SUBACK_3 = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01"  # + reason


def publish_packet(packet_id: int, payload: bytes, version: str = "3.1.1", topic: str = "a") -> bytes:
    """Return a PUBLISH of QoS 1, of fewer than 128 bytes."""
    properties = b"\x00" if version == "5" else b""
    name = topic.encode()
    content = len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big") + properties + payload
    assert len(content) < 128, "its length is one byte"
    return bytes([0x32, len(content)]) + content


@contextlib.contextmanager
def answering(*packets: bytes) -> Iterator[int]:
    """Serve one connection on a port: send one answer for each packet that comes, and then read on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for packet in packets:
                    connection.recv(10_000)
                    connection.sendall(packet)
                while connection.recv(10_000):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)
