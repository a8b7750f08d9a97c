"""Print the JSON Schema of rules files: ``telemetry rules schema``."""

import argparse
import sys
from typing import Final

from telemetry.rules.json_schema import rules_schema_text

EXAMPLES: Final = """
%(prog)s > rules.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command: none."""


def run(_options: argparse.Namespace) -> int:
    """Print the schema and return the exit code."""
    sys.stdout.write(rules_schema_text())
    return 0
