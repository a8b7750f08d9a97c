"""Believable telemetry of any length, with labelled faults if asked for: ``python -m publisher simulate``."""

from publisher.simulate.command import add_arguments, run

__all__ = ["add_arguments", "run"]
