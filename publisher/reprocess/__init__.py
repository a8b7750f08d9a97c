"""Resend dead letters to Pub/Sub as they were received, or as a feed reads them: ``python -m publisher reprocess``."""

from publisher.reprocess.command import add_arguments, run

__all__ = ["add_arguments", "run"]
