"""Write realistic telemetry, with labelled faults if wanted: ``telemetry simulate``."""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from publisher.simulate import difficulties
from publisher.simulate.faults import KINDS
from publisher.simulate.stream import Simulation, generate, prepare
from publisher.simulate.writer import LABEL_FORMATS, STDOUT, make_labels, open_rows, write_labels, write_rows
from telemetry.cli.flags import read_duration, read_moment, read_whole
from telemetry.errors import ConfigError
from telemetry.text.timestamps import LATEST_US, format_time, seconds_to_us

EXAMPLES: Final = """
%(prog)s --rows 100000 --devices 4 --output telemetry.csv
%(prog)s --rows 100000 --faults spike,drift --labels labels.csv --output telemetry.csv.gz --seed 7
"""
_MOST_DEVICES: Final = 100_000
_MOST_ROWS: Final = 10**12
_SHORTEST_INTERVAL_US: Final = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("--rows", default="100000", metavar="N", help="exact number of rows")
    parser.add_argument("--devices", default="3", metavar="K", help="number of devices")
    parser.add_argument(
        "--seed", default="0", metavar="S", help="seed of the random numbers; the same seed gives the same bytes"
    )
    parser.add_argument("--output", default="-", metavar="FILE", help="CSV file; .gz compresses; - is standard output")
    parser.add_argument(
        "--faults",
        default="none",
        metavar="KINDS",
        help=f"comma-separated kinds of faults, of {','.join(KINDS)}; or all, or none",
    )
    parser.add_argument(
        "--difficulties",
        default="all",
        metavar="KINDS",
        help="comma-separated kinds of what makes healthy devices hard to judge, of "
        f"{','.join(difficulties.KINDS)}; or all, or none",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="file for the labels of faults and benign events, .csv or .jsonl"
    )
    parser.add_argument(
        "--start",
        default="2020-07-12T00:00:00Z",
        metavar="TIME",
        help="time of the first readings: seconds since the epoch or RFC 3339",
    )
    parser.add_argument("--interval", default="5s", metavar="DURATION", help="time between readings of a device")


def run(options: argparse.Namespace) -> int:
    """Write the simulation that the options describe, print its summary, and return the exit code.

    Raises:
        ConfigError: if an option is wrong or a file cannot be written.
    """
    began = time.perf_counter()
    simulation, labels = make_simulation(options), check_labels(options.labels)
    scene = prepare(simulation)
    try:
        with open_rows(options.output) as target:
            rows, first, last = write_rows(generate(simulation, scene), target)
    except OSError as error:
        if options.output == STDOUT:
            raise
        raise ConfigError("--output", options.output, f"cannot be written: {error.strerror or error}") from error
    try:
        if labels:
            write_labels(make_labels(scene), labels)
    except OSError as error:
        raise ConfigError("--labels", labels, f"cannot be written: {error.strerror or error}") from error
    counts = Counter(episode.kind for episode in (*scene.plan.faults, *scene.plan.benign))
    summary = {
        "rows": rows,
        "devices": simulation.devices,
        "faults": {kind: counts[kind] for kind in simulation.faults},
        "benign": {kind: counts[kind] for kind in simulation.difficulties if kind != difficulties.SENSORS},
        "first_time": format_time(seconds_to_us(first)),
        "last_time": format_time(seconds_to_us(last)),
        "seconds": round(time.perf_counter() - began, 3),
    }
    (sys.stderr if options.output == STDOUT else sys.stdout).write(msgspec.json.encode(summary).decode() + "\n")
    return 0


def make_simulation(options: argparse.Namespace) -> Simulation:
    """Return the simulation that the options describe.

    Raises:
        ConfigError: naming the option, its value and what is wrong with it.
    """
    rows = read_whole("--rows", options.rows, _MOST_ROWS)
    devices = read_whole("--devices", options.devices, _MOST_DEVICES)
    seed = read_whole("--seed", options.seed, 2**63 - 1, least=0)
    start_us = read_moment("--start", options.start)
    interval_us = read_duration("--interval", options.interval, _SHORTEST_INTERVAL_US)
    end_us = start_us + (rows // devices + 1) * interval_us
    if 2 * end_us - start_us >= LATEST_US:  # silence makes it longer, never twice as long
        raise ConfigError("--start", options.start, "the readings would not lie between 1970 and 2100")
    faults = _read_kinds("--faults", options.faults, KINDS)
    hard = _read_kinds("--difficulties", options.difficulties, difficulties.KINDS)
    return Simulation(rows, devices, seed, start_us, interval_us, faults, hard)


def check_labels(file: Path | None) -> Path | None:
    """Return the file of the labels.

    Raises:
        ConfigError: if its suffix is not that of a known format.
    """
    if file is not None and file.suffix not in LABEL_FORMATS:
        raise ConfigError("--labels", file, f"its name ends neither in {' nor in '.join(LABEL_FORMATS)}")
    return file


def _read_kinds(flag: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the kinds that a flag names.

    Raises:
        ConfigError: if one is not known.
    """
    if text.strip() in ("all", "none"):
        return known if text.strip() == "all" else ()
    kinds = tuple(dict.fromkeys(kind.strip() for kind in text.split(",")))
    for kind in kinds:
        if kind not in known:
            raise ConfigError(flag, text, f"{kind!r} is none of {', '.join(known)}, all, none")
    return kinds
