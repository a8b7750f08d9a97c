"""Define the flags that say how foreign telemetry is read, which all commands share."""

import argparse
from typing import Any, Final

import msgspec

from telemetry.errors import ConfigError
from telemetry.feed.checks import check_feed
from telemetry.feed.errors import FeedError
from telemetry.feed.feed import Feed
from telemetry.feed.parse import DELIMITERS, load_feed
from telemetry.text.name_lists import read_names

FLAGS: Final = ("--feed", "--time-column", "--device-column", "--device", "--time-zone", "--delimiter")
"""The flags of `add_feed_flags`."""
_LONGEST_METRIC: Final = 128
_FIELDS: Final = {
    "--time-column": "time.column",
    "--device-column": "device.column",
    "--device": "device.name",
    "--time-zone": "time.zone",
    "--delimiter": "csv.delimiter",
}


def add_feed_flags(parser: argparse._ActionsContainer) -> None:
    """Add the flags to a command; values stay text, `read_feed` checks them."""
    add_feed_flag(parser)
    parser.add_argument("--time-column", default="", metavar="NAME", help="column, or path in JSON, of the time; two "
                        "with a comma between for a date and a time of day; in quotes if it has a comma")  # fmt: skip
    parser.add_argument("--device-column", default="", metavar="NAME", help="column, or path in JSON, of the device")
    parser.add_argument("--device", default="", metavar="NAME", help="the device, where the input names none")
    parser.add_argument("--time-zone", default="", metavar="ZONE", help="of times that name none, such as Europe/Rome "
                        "or +02:00")  # fmt: skip
    parser.add_argument(
        "--delimiter",
        default="",
        metavar="CHARACTER",
        help="between the cells of CSV; tab for a tab, space for any number of blanks",
    )


def add_feed_flag(parser: argparse._ActionsContainer) -> None:
    """Add the flag of the feed file alone."""
    parser.add_argument("--feed", default="", metavar="FILE", help="YAML file that says how the input becomes "
                        "readings: names, times, units, dialect, format")  # fmt: skip


def load_feed_flag(path: str) -> Feed:
    """Return the feed that ``--feed`` names; the canonical form without it.

    Raises:
        ConfigError: if it cannot be used.
    """
    try:
        return load_feed(path) if path else Feed()
    except FeedError as error:
        raise ConfigError("--feed", path, str(error)) from error


def read_feed(options: argparse.Namespace) -> Feed:
    """Return the feed of a command line: that of the file, with what the other flags say in place of its fields.

    Raises:
        ConfigError: if a flag cannot be used.
    """
    feed = load_feed_flag(options.feed)
    for flag, field in _FIELDS.items():
        text = getattr(options, flag.lstrip("-").replace("-", "_"))
        if text:
            feed = _replaced(feed, flag, text, field)
    if options.device and options.device_column:
        raise ConfigError("--device", options.device, "cannot be combined with --device-column")
    return feed


def read_metrics(text: str) -> tuple[str, ...]:
    """Return the names that --metrics lists; one that holds a comma is in quotes.

    Raises:
        ConfigError: if one cannot be a metric, or is listed twice.
    """
    try:
        names = tuple(read_names(text))
    except ValueError as error:
        raise ConfigError("--metrics", text, f"no list of names: {error}") from error
    for name in names:
        if not 0 < len(name) <= _LONGEST_METRIC or not name.isprintable() or name in ("ts", "device"):
            raise ConfigError("--metrics", text, f"{name!r} cannot be a metric")
        if names.count(name) > 1:
            raise ConfigError("--metrics", text, f"{name!r} is listed twice")
    return names


def _replaced(feed: Feed, flag: str, text: str, field: str) -> Feed:
    group, _, name = field.partition(".")
    value: Any = text
    if flag == "--delimiter":
        value = DELIMITERS.get(text.lower(), text)
        if len(value) != 1:
            raise ConfigError(flag, text, "must be one character, tab or space")
    if flag == "--time-column" and "," in text:
        try:
            parts = tuple(read_names(text))
        except ValueError as error:
            raise ConfigError(flag, text, f"no list of names: {error}") from error
        value = parts[0] if len(parts) == 1 else parts
    others = dict.fromkeys(("attribute", "start", "file", "name"), "") if name in ("column", "name") else {}
    before = getattr(feed, group)
    kept = {key: type(getattr(before, key))() for key in others if hasattr(before, key)}
    changed = msgspec.structs.replace(feed, **{group: msgspec.structs.replace(before, **{**kept, name: value})})
    problem = check_feed(changed, {})
    if problem is not None:
        raise ConfigError(flag, text, problem.problem)
    return changed
