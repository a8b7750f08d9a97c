"""Build the parser of each command, as the documentation's tests compare pages with it."""

import argparse
import functools
from collections.abc import Callable
from typing import Final

from pipeline.arguments import build_parser
from pipeline.commands.feed.command import FEED
from pipeline.commands.rules.command import RULES
from telemetry.cli.groups import Group, build_command_parser
from telemetry.cli.main import TELEMETRY
from templates.__main__ import TEMPLATES

GROUPS: Final[dict[str, Group]] = {"rules": RULES, "feed": FEED, "template": TEMPLATES}
"""The subcommands that have subcommands themselves."""


def _parsers() -> dict[str, Callable[[], argparse.ArgumentParser]]:
    parsers: dict[str, Callable[[], argparse.ArgumentParser]] = {}
    for name in TELEMETRY.commands:
        if name == "run":
            parsers[name] = build_parser
        elif name in GROUPS:
            for part in GROUPS[name].commands:
                parsers[f"{name} {part}"] = functools.partial(build_command_parser, GROUPS[name], part)
        else:
            parsers[name] = functools.partial(build_command_parser, TELEMETRY, name)
    return parsers


PARSERS: Final = _parsers()
"""The parser of each subcommand of ``telemetry``, by its words, in the order of its help."""
