"""An embedded Pub/Sub broker: speaks the gRPC of the official clients, keeps everything in memory.

As a process of its own: ``python -m publisher broker``.
"""

from publisher.broker.command import add_arguments, run
from publisher.broker.server import Broker

__all__ = ["Broker", "add_arguments", "run"]
