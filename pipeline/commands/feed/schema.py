"""Print the JSON Schema of feed files: ``telemetry feed schema``."""

import argparse
import sys
from typing import Final

from telemetry.feed.json_schema import feed_schema_text

EXAMPLES: Final = """
%(prog)s > feed.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command: none."""


def run(_options: argparse.Namespace) -> int:
    """Print the schema and return the exit code."""
    sys.stdout.write(feed_schema_text())
    return 0
