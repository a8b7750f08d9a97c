"""``publisher broker``: the embedded broker as a process of its own."""

import argparse
import signal
import sys
import threading

from publisher.broker.server import Broker
from transforms.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the broker's flags."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8085, help="port; 0 for any free one (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; must be called from the main thread.

    Returns:
        The exit code, 0.

    Raises:
        ConfigError: if the port is out of range or in use.
    """
    if not 0 <= options.port <= 65535:
        raise ConfigError("--port", options.port, "must be within 0..65535")
    stopped = threading.Event()
    # Before starting, so that a signal at any time ends in order.
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Broker(options.host, options.port) as broker:
            sys.stdout.write(f"broker listening on {broker.address}\n")
            sys.stdout.write(f"for clients: export PUBSUB_EMULATOR_HOST={broker.address}\n")
            sys.stdout.flush()
            stopped.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0
