"""An embedded Pub/Sub broker: speaks the gRPC of the official clients, keeps everything in memory."""

from publisher.broker.server import Broker

__all__ = ["Broker"]
