"""Build the parser of each command, as the documentation's tests compare pages with it."""

import argparse
import importlib
from collections.abc import Callable
from typing import Final

from pipeline.arguments import build_parser
from pipeline.commands import reconcile, tables
from plotting.cli import build_parser as plotting_parser
from telemetry.cli.commands import OneLineParser


def _with_arguments(module: str) -> Callable[[], argparse.ArgumentParser]:
    def build() -> argparse.ArgumentParser:
        parser = OneLineParser(prog=module)
        importlib.import_module(module).add_arguments(parser)
        return parser

    return build


def _of_plotting(name: str) -> Callable[[], argparse.ArgumentParser]:
    def build() -> argparse.ArgumentParser:
        (commands,) = (
            action for action in plotting_parser()._actions if isinstance(action, argparse._SubParsersAction)
        )
        parser: argparse.ArgumentParser = commands.choices[name]
        return parser

    return build


PARSERS: Final[dict[str, Callable[[], argparse.ArgumentParser]]] = {
    **{name: _with_arguments(f"publisher.{name}") for name in ("explore", "replay", "simulate", "broker", "reprocess")},
    "run": build_parser,
    "reconcile": reconcile.build_parser,
    "tables": tables.build_parser,
    **{name: _of_plotting(name) for name in ("render", "report", "serve")},
    **{
        f"template {name}": _with_arguments(f"templates.{name}")
        for name in ("build", "run", "metadata", "validate", "spec")
    },
}
"""The parser of each subcommand of ``telemetry``, by its words."""
