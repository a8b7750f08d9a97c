"""Check a feed file and say how telemetry is read with it: ``telemetry feed check``."""

import argparse
import sys
from typing import Final

from telemetry.errors import ConfigError
from telemetry.feed.errors import FeedError
from telemetry.feed.parse import load_feed
from telemetry.feed.sentences import describe_feed

EXAMPLES: Final = """
%(prog)s feed.yaml
%(prog)s gs://my-bucket/feed.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("file", metavar="FILE", help="YAML file of a feed, on any Beam filesystem")


def run(options: argparse.Namespace) -> int:
    """Print a sentence for each part of the feed, and return the exit code.

    Raises:
        ConfigError: if the file is not a valid feed file.
    """
    try:
        feed = load_feed(options.file)
    except FeedError as error:
        raise ConfigError("FILE", options.file, str(error)) from error
    sys.stdout.write("\n".join(describe_feed(feed)) + "\n")
    return 0
