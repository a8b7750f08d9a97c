"""Parse a command line; report each mistake in one line."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from telemetry.cli.suggestions import unknown_flag
from telemetry.errors import ConfigError


class HelpFormatter(argparse.HelpFormatter):
    """Format help texts: show each flag's default, keep the line breaks of examples."""

    def add_argument(self, action: argparse.Action) -> None:
        """Take an argument into account; the base class forgets that names of subcommands are indented."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            longest = max(map(len, action.choices))
            self._action_max_length = max(self._action_max_length, longest + 2 * self._indent_increment)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        help_text, default = action.help or "", action.default
        if default in ("", None, False, argparse.SUPPRESS) or default == [] or "(default" in help_text:
            return help_text
        return f"{help_text} (default: %(default)s)"

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return "".join(f"{indent}{line}".rstrip() + "\n" for line in text.splitlines())
        return super()._fill_text(text, width, indent)


class OneLineParser(argparse.ArgumentParser):
    """Parser that raises a ConfigError instead of exiting, and requires flags to be written in full."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take the arguments of any parser; subcommands inherit the class."""
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", HelpFormatter)
        super().__init__(*args, **options)

    def check_flags(self, args: Sequence[str]) -> None:
        """Refuse unknown flags before anything else, because a misspelt flag is often a required one.

        Raises:
            ConfigError: naming the first unknown flag.
        """
        for word in args:
            if word == "--":
                return
            if word.startswith("--") and " " not in word and word.partition("=")[0] not in self._option_string_actions:
                raise ConfigError(word, "", unknown_flag(word, self._option_string_actions))

    def error(self, message: str) -> NoReturn:
        """Raise the complaint as a ConfigError, instead of printing the usage and exiting."""
        unrecognized = message.removeprefix("unrecognized arguments: ")
        if unrecognized != message:
            word = unrecognized.split()[0]
            problem = unknown_flag(word, self._option_string_actions) if word.startswith("-") else "not expected here"
            raise ConfigError(word, "", problem)
        flag, _, problem = message.removeprefix("argument ").partition(": ")
        raise ConfigError(flag, "", problem or "not understood")
