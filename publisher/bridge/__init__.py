"""Bridge MQTT to Pub/Sub, acknowledging each message when Pub/Sub has taken it: ``python -m publisher bridge``."""

from publisher.bridge.command import add_arguments, run

__all__ = ["add_arguments", "run"]
