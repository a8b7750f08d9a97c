"""Shelve a rule or a device for a time: ``telemetry shelve``."""

import argparse
import fnmatch
import sys
import time
from typing import Final

from telemetry.cli.flags import read_moment
from telemetry.errors import ConfigError
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelf import Shelf
from telemetry.rules.shelves import load_shelves, shelves_path, write_shelves
from telemetry.storage.files import StorageError
from telemetry.text.durations import parse_duration
from telemetry.text.timestamps import format_time

EXAMPLES: Final = """
%(prog)s temp-high --until 2h --rules rules.yaml --reason "the boiler is being cleaned"
%(prog)s freezer-07 --until 2026-12-24T06:00:00Z --rules gs://my-bucket/rules.yaml
%(prog)s temp-high --device 'boiler-*' --until 30m --rules rules.yaml
%(prog)s temp-high --until now --rules rules.yaml
%(prog)s freezer-07 --reset --rules rules.yaml
%(prog)s --rules rules.yaml
"""
_NOW: Final = "now"
_RESET_US: Final = 60_000_000
"""Long enough for a job that looks at the file every `--reload-rules`."""
_LONGEST_US: Final = 90 * 86_400_000_000
"""A shelf always ends: what nobody wants to hear of for longer has no place among the rules."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("target", nargs="?", default="", metavar="RULE|DEVICE", help="id of a rule, else a glob of "
                        "devices, for which no incident opens; without it, say what is shelved")  # fmt: skip
    parser.add_argument("--until", default="", metavar="TIME", help="when that ends: a duration from now (2h), seconds "
                        "since the epoch or RFC 3339, at most 90 days ahead; now to end it early")  # fmt: skip
    parser.add_argument("--reset", action="store_true", help="the sensor was replaced: shelve for a minute only, so "
                        "that rules forget what they learned of it and learn anew")  # fmt: skip
    parser.add_argument("--device", default="", metavar="GLOB", help="devices for which the rule is shelved (default: "
                        "all of them)")  # fmt: skip
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for people")
    parser.add_argument("--rules", required=True, metavar="FILE", help="the rules file of the job, on any Beam "
                        "filesystem; what is shelved is kept in a file beside it")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Change what is shelved, say what is, and return the exit code.

    Raises:
        ConfigError: if the rules or the arguments cannot be used.
    """
    now_us = time.time_ns() // 1_000
    try:
        rules = load_rules(options.rules)
        shelves = [shelf for shelf in load_shelves(options.rules) if shelf.until_us > now_us]
    except RuleError as error:
        raise ConfigError("--rules", options.rules, str(error)) from error
    if options.target:
        shelf = _shelf(options, rules, now_us)
        kept = [one for one in shelves if (one.rule, one.device) != (shelf.rule, shelf.device)]
        if shelf.until_us > now_us:
            kept.append(shelf)
        elif len(kept) == len(shelves):
            raise ConfigError("RULE|DEVICE", options.target, f"is not shelved in {shelves_path(options.rules)}")
        shelves = kept
        _write(options.rules, shelves)
    elif options.until or options.reset or options.device or options.reason:
        raise ConfigError("RULE|DEVICE", "", "say what is to be shelved")
    sys.stdout.write("\n".join(map(_sentence, shelves) if shelves else ["nothing is shelved"]) + "\n")
    return 0


def _shelf(options: argparse.Namespace, rules: RuleSet, now_us: int) -> Shelf:
    if options.reset and options.until:
        raise ConfigError("--reset", "", f"ends after a minute: leave out --until {options.until}")
    until_us = now_us + _RESET_US if options.reset else _until_us(options.until, now_us)
    if any(rule.id == options.target for rule in rules.rules):
        return Shelf(until_us, options.target, options.device or "*", options.reason)
    if options.device:
        raise ConfigError("RULE|DEVICE", options.target, f"--device needs a rule of {options.rules}")
    roster = rules.roster
    if roster is not None and not any(fnmatch.fnmatchcase(name, options.target) for name in roster.devices):
        raise ConfigError("RULE|DEVICE", options.target, "is neither a rule nor a device of the roster")
    return Shelf(until_us, "", options.target, options.reason)


def _until_us(text: str, now_us: int) -> int:
    if not text:
        raise ConfigError("--until", "", "is needed: a shelf always ends")
    if text == _NOW:
        return now_us
    try:
        until_us = now_us + parse_duration(text)
    except ValueError:
        until_us = read_moment("--until", text)
    if until_us <= now_us:
        raise ConfigError("--until", text, f"has passed, write {_NOW} to end a shelf")
    if until_us - now_us > _LONGEST_US:
        raise ConfigError("--until", text, "is more than 90 days ahead: change the rules instead")
    return until_us


def _write(rules_path: str, shelves: list[Shelf]) -> None:
    try:
        write_shelves(rules_path, tuple(shelves))
    except StorageError as error:
        raise ConfigError("--rules", rules_path, f"{error.path} cannot be written: {error.problem}") from error


def _sentence(shelf: Shelf) -> str:
    what = f"rule {shelf.rule}" if shelf.rule else "every rule"
    where = f"device {shelf.device}" if shelf.device != "*" else "every device"
    because = f": {shelf.reason}" if shelf.reason else ""
    return f"{what} is shelved for {where} until {format_time(shelf.until_us)}{because}"
