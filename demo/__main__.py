"""Run the demonstration: ``python -m demo``, or ``make demo``."""

import sys
import time
from pathlib import Path
from typing import Final

from demo.ledger import check_ledger, check_usable, results_table
from demo.next_steps import next_steps
from demo.source import DemoSource, own_source
from demo.steps import Names, broker, chart, ensure_empty, report, run_job, simulate
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

_PICTURES: Final = {"temp": "temperature"}
"""Names of the picture by the metric that it shows."""


def main(args: list[str]) -> int:
    """Run the demonstration; returns 0 if every row is accounted for, 3 if none was usable."""
    try:
        return exit_code("demo", lambda: _run(args))
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130


def _run(args: list[str]) -> int:
    parser = OneLineParser(
        prog="python -m demo", description="Run the whole system on this machine: telemetry, Pub/Sub, job, report."
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="telemetry to replay; simulated without it")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), metavar="DIR", help="(default: out/demo)")
    options = parser.parse_args(args)
    if options.csv is not None and not options.csv.is_file():
        raise ConfigError("--csv", options.csv, "no such file")
    began = time.monotonic()
    folder: Path = options.output
    results = ensure_empty(folder)
    source = own_source(options.csv, folder) if options.csv else DemoSource(simulate(folder / "telemetry.csv"))
    with broker() as address:
        published, summary = run_job(source, results, folder, Names.new(), address)
    check_usable(summary, results)
    picture = chart(results, source, folder / f"{_PICTURES.get(source.metric, 'chart')}.png")
    page = report(results, source, folder / "report.html")
    print(results_table(published, summary, results, picture, page, time.monotonic() - began))
    problems = check_ledger(published, results)
    for problem in problems:
        print(f"demo: error: ledger check failed: {problem}", file=sys.stderr)
    if problems:
        return 1
    print("\nledger check passed: every row is accounted for")
    print(next_steps(results, page))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
