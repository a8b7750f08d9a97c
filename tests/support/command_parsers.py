"""Build the parser of each command, as the documentation's tests compare pages with it."""

import argparse
import functools
from collections.abc import Callable
from typing import Final

from pipeline.arguments import build_parser
from telemetry.cli.groups import build_command_parser
from telemetry.cli.main import TELEMETRY
from templates.__main__ import TEMPLATES


def _parsers() -> dict[str, Callable[[], argparse.ArgumentParser]]:
    parsers: dict[str, Callable[[], argparse.ArgumentParser]] = {}
    for name in TELEMETRY.commands:
        if name == "run":
            parsers[name] = build_parser
        elif name == "template":
            for part in TEMPLATES.commands:
                parsers[f"template {part}"] = functools.partial(build_command_parser, TEMPLATES, part)
        else:
            parsers[name] = functools.partial(build_command_parser, TELEMETRY, name)
    return parsers


PARSERS: Final = _parsers()
"""The parser of each subcommand of ``telemetry``, by its words, in the order of its help."""
