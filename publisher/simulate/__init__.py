"""Simulate realistic telemetry of any length, optionally with labelled faults: ``python -m publisher simulate``."""

from publisher.simulate.command import add_arguments, run

__all__ = ["add_arguments", "run"]
