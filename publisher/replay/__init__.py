"""Publish telemetry from files to Pub/Sub, at the recorded pace or faster: ``python -m publisher replay``."""

from publisher.replay.command import add_arguments, run

__all__ = ["add_arguments", "run"]
