"""Check a rules file and say what each rule does: ``telemetry rules check``."""

import argparse
import sys
from typing import Final

from telemetry.errors import ConfigError
from telemetry.feed.flags import read_metrics
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.sentences import describe_rules

EXAMPLES: Final = """
%(prog)s rules.yaml
%(prog)s rules.yaml --metrics temp,humidity
%(prog)s gs://my-bucket/rules.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("file", metavar="FILE", help="YAML file of rules, on any Beam filesystem")
    parser.add_argument("--metrics", default="", metavar="LIST", help="the job's --metrics: each metric of a rule must "
                        "be one of them (default: any metric)")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print a sentence for each rule, and the version, and return the exit code.

    Raises:
        ConfigError: if the file is not a valid rules file, or a metric is none of the job's.
    """
    metrics = read_metrics(options.metrics) if options.metrics else None
    try:
        rules = load_rules(options.file)
        if metrics is not None:
            rules.check_metrics(metrics)
    except RuleError as error:
        raise ConfigError("FILE", options.file, str(error)) from error
    sys.stdout.write("\n".join([*describe_rules(rules), f"version {rules.version}"]) + "\n")
    return 0
