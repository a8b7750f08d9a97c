"""Read the flags that say how readings are windowed."""

import argparse

from telemetry.cli.flags import read_duration
from telemetry.errors import ConfigError
from telemetry.feed.times.zones import unknown_zone, zone_table
from transforms.windows.local_grid import fits_days
from transforms.windows.window_spec import WindowSpec


def read_windows(args: argparse.Namespace) -> WindowSpec:
    """Return the windows that --window, --slide, --window-zone, --allowed-lateness and --early-firing describe.

    Raises:
        ConfigError: for the first flag that cannot be used.
    """
    size = read_duration("--window", args.window, 1_000)
    slide = read_duration("--slide", args.slide, 1_000) if args.slide else size
    if size % slide:
        raise ConfigError("--slide", args.slide, f"must divide the window of {args.window}")
    if args.window_zone:
        _check_zone(args.window_zone)
        for flag, text, length in (("--window", args.window, size), ("--slide", args.slide, slide)):
            if not fits_days(length):
                raise ConfigError(flag, text, "must divide a day, or be a whole number of days, with --window-zone")
    lateness = read_duration("--allowed-lateness", args.allowed_lateness)
    early = read_duration("--early-firing", args.early_firing, 1_000) if args.early_firing else None
    return WindowSpec(size, slide, lateness, early, args.window_zone)


def _check_zone(zone: str) -> None:
    try:
        zone_table(zone, 0)
    except ValueError as error:
        raise ConfigError("--window-zone", zone, unknown_zone(zone)) from error
