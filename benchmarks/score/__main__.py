"""Score what the job detects: ``python -m benchmarks.score``, or ``make score``."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.score.nab.section import score_nab
from benchmarks.score.nab.series import VARIABLE as NAB_DATA
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

_HERE: Final = Path(__file__).parent
SCORES: Final = "scores.json"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(prog="python -m benchmarks.score", description=__doc__)
    add = parser.add_argument
    add("--output", type=Path, default=Path("out/score"), metavar="FOLDER", help="folder for scores and labels")
    add("--nab-rules", type=Path, default=_HERE / "nab.rules.yaml", metavar="FILE", help="rules for all series of NAB "
        "(default: benchmarks/score/nab.rules.yaml)")  # fmt: skip
    return parser


def run(options: argparse.Namespace) -> int:
    """Score each section that has data, and write the scores; return the exit code.

    Raises:
        ConfigError: if data cannot be used, or no section has any.
        BenchmarkError: if a score is certainly wrong.
    """
    output: Path = options.output
    scores: dict[str, Any] = {}
    if nab := os.environ.get("NAB_DATA"):
        scores["nab"] = score_nab(Path(nab), options.nab_rules, output / "nab")
    else:
        print(f"NAB is left out: {NAB_DATA} names no folder")
    if not scores:
        raise ConfigError(NAB_DATA, "", "nothing to score: no section has data")
    output.mkdir(parents=True, exist_ok=True)
    (output / SCORES).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    print(f"\nwrote {output / SCORES}")
    return 0


def main(args: Sequence[str]) -> int:
    """Score and return the exit code."""
    return exit_code("score", lambda: run(build_parser().parse_args(args)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
