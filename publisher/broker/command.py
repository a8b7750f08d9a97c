"""Run the embedded Pub/Sub server as a process: ``telemetry broker``."""

import argparse
import sys
import threading
from typing import Final

from publisher.broker.server import Broker
from telemetry.cli.commands import stopping
from telemetry.cli.flags import read_whole
from telemetry.cli.hosts import is_loopback

EXAMPLES: Final = """
%(prog)s
%(prog)s --port 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on; the server has no authentication"
    )
    parser.add_argument("--port", default="8085", metavar="PORT", help="port to listen on; 0 for any free one")


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; must be called from the main thread.

    Returns:
        The exit code, 0.

    Raises:
        ConfigError: if the port is out of range or in use.
    """
    port = read_whole("--port", options.port, 65_535, least=0)
    stopped = threading.Event()
    # Handlers are installed before the start, so that a signal at any time ends the server in order.
    with stopping(stopped.set), Broker(options.host, port) as broker:
        if not is_loopback(options.host):
            who = f"everybody who reaches {options.host}"
            sys.stderr.write(f"{options.program}: warning: {who} can publish, read and delete without authentication\n")
        sys.stdout.write(f"broker listening on {broker.address}\n")
        sys.stdout.write(f"for clients: export PUBSUB_EMULATOR_HOST={broker.address}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0
