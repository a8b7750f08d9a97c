"""Run the unit tests of rules files: ``telemetry rules test``."""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from telemetry.cli.exit_codes import FAILURE, SUCCESS
from telemetry.errors import ConfigError
from telemetry.rules.errors import RuleError
from transforms.incidents.rule_tests.compare import compare
from transforms.incidents.rule_tests.describe import describe_failure
from transforms.incidents.rule_tests.evaluate import evaluate
from transforms.incidents.rule_tests.parse import load_rule_tests
from transforms.incidents.rule_tests.rule_test import RuleTestFile

EXAMPLES: Final = """
%(prog)s rules.test.yaml
%(prog)s plants/*.test.yaml
%(prog)s gs://my-bucket/rules.test.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML files of tests, each naming its rules file, on "
                        "any Beam filesystem")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print the tests that fail, and how many there are, and return the exit code: 1 if one fails.

    Raises:
        ConfigError: if a file, or the rules that it names, cannot be used; no test has run then.
    """
    files = [_load(path) for path in options.files]
    failures = [text for file in files for text in _failures(file)]
    total = sum(len(file.tests) for file in files)
    passed = f"{total - len(failures):,} passed, {len(failures):,} failed"
    summary = f"{_counted(total, 'test')} in {_counted(len(files), 'file')}: {passed}"
    sys.stdout.write("\n".join([*(f"{text}\n" for text in failures), summary]) + "\n")
    return FAILURE if failures else SUCCESS


def _load(path: str) -> RuleTestFile:
    try:
        return load_rule_tests(path)
    except RuleError as error:
        raise ConfigError("FILE", path, str(error)) from error


def _failures(file: RuleTestFile) -> Sequence[str]:
    """Return a text for each test of a file that fails."""
    compared = [(test, compare(test.expected, evaluate(file.rules, test))) for test in file.tests]
    return [describe_failure(file.path, test, differences) for test, differences in compared if differences]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
