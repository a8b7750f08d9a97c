"""``publisher broker``: the embedded broker as a process of its own."""

import argparse
import sys
import threading
from typing import Final

from publisher.broker.server import Broker
from telemetry.cli.commands import stopping
from telemetry.cli.flags import read_whole

EXAMPLES: Final = """
%(prog)s
%(prog)s --port 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the broker's flags."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", default="8085", metavar="PORT", help="port; 0 for any free one (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; must be called from the main thread.

    Returns:
        The exit code, 0.

    Raises:
        ConfigError: if the port is out of range or in use.
    """
    port = read_whole("--port", options.port, 65_535, least=0)
    stopped = threading.Event()
    # Before starting, so that a signal at any time ends in order.
    with stopping(stopped.set), Broker(options.host, port) as broker:
        sys.stdout.write(f"broker listening on {broker.address}\n")
        sys.stdout.write(f"for clients: export PUBSUB_EMULATOR_HOST={broker.address}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0
