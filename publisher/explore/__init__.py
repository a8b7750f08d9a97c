"""Summarise telemetry before it is replayed: ``python -m publisher explore``."""

from publisher.explore.command import add_arguments, run

__all__ = ["add_arguments", "run"]
