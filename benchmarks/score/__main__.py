"""Score what the job detects: ``python -m benchmarks.score``, or ``make score``."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.score.founding.section import score_founding
from benchmarks.score.nab.section import score_nab
from benchmarks.score.simulator import score_simulator
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

SCORES: Final = "scores.json"
_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parents[1]
_FOUNDING_FILE: Final = "telemetry_full.csv.gz"
_NAB_RULES, _FOUNDING_RULES = _HERE / "nab.rules.yaml", _HERE / "founding.rules.yaml"
_SIMULATOR_RULES: Final = _HERE / "simulator.rules.yaml"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(
        prog="python -m benchmarks.score",
        description="Score what the job detects on the Numenta Anomaly Benchmark (NAB_DATA=folder), on the founding "
        "telemetry (CSV=file, or TELEMETRY_DATA=folder) and on simulated telemetry (--seeds).",
    )
    add = parser.add_argument
    add("--output", type=Path, default=Path("out/score"), metavar="FOLDER", help="folder for scores and labels")
    add("--seeds", type=int, nargs="+", default=[], metavar="S", help="seeds of the simulator to score")
    add("--rows", type=int, default=900_000, metavar="N", help="simulated rows of each seed")
    add("--devices", type=int, default=20, metavar="K", help="simulated devices of each seed")
    for name, data, file in (
        ("nab", "NAB", _NAB_RULES),
        ("founding", "the founding telemetry", _FOUNDING_RULES),
        ("simulator", "simulated telemetry", _SIMULATOR_RULES),
    ):
        default = file.relative_to(_ROOT).as_posix()
        add(f"--{name}-rules", type=Path, default=file, metavar="FILE", help=f"rules for {data} (default: {default})")
    return parser


def run(options: argparse.Namespace) -> int:
    """Score each section that has data, and write the scores; return the exit code.

    Raises:
        ConfigError: if data or rules cannot be used, or no section has data.
        BenchmarkError: if a score is certainly wrong.
    """
    nab, founding, output = os.environ.get("NAB_DATA"), _founding_csv(), Path(options.output)
    if not (nab or founding or options.seeds):
        raise ConfigError("NAB_DATA, CSV and --seeds", "", "nothing to score, give one of them")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("--output", output, f"cannot be made: {error.strerror}") from error
    if not nab:
        print("NAB is left out: NAB_DATA names no folder")
    if not founding:
        print(f"The founding telemetry is left out: CSV names no file, TELEMETRY_DATA no folder with {_FOUNDING_FILE}")
    if not options.seeds:
        print("The simulator is left out: --seeds names no seed")
    scores: dict[str, Any] = {}
    if nab:
        scores["nab"] = score_nab(Path(nab), options.nab_rules, output / "nab")
    if founding:
        scores["founding"] = score_founding(founding, options.founding_rules)
    if options.seeds:
        scores["simulator"] = score_simulator(options.simulator_rules, options.seeds, options.rows, options.devices)
    (output / SCORES).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    print(f"\nwrote {output / SCORES}")
    return 0


def _founding_csv() -> Path | None:
    """Return the file that is named, or the one in the folder of the reference data if it is there."""
    if csv := os.environ.get("CSV"):
        return Path(csv)
    folder = os.environ.get("TELEMETRY_DATA")
    found = Path(folder) / _FOUNDING_FILE if folder else None
    return found if found is not None and found.is_file() else None


def main(args: Sequence[str]) -> int:
    """Score and return the exit code."""
    return exit_code("score", lambda: run(build_parser().parse_args(args)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
