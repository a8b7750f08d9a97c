"""Embed a Pub/Sub broker that serves the official gRPC clients and keeps everything in memory.

Run it as a separate process with ``python -m publisher broker``.
"""

from publisher.broker.command import add_arguments, run
from publisher.broker.server import Broker

__all__ = ["Broker", "add_arguments", "run"]
