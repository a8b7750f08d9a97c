"""Run the job on all series of NAB, each as a device, and read when its incidents opened."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks.expected_output import BenchmarkError
from benchmarks.score.nab.series import LabelledSeries
from pipeline.arguments import build_parser
from pipeline.config import make_config
from telemetry.errors import ConfigError
from telemetry.storage.result_store import FileStore

METRIC: Final = "value"
_COLUMNS: Final = ("device", "state", "event_time")


def opened_incidents(corpus: Sequence[LabelledSeries], rules: Path) -> dict[str, list[int]]:
    """Return the event times at which incidents of each series opened, microseconds, by name of the series.

    Raises:
        ConfigError: if the rules cannot be used.
        BenchmarkError: if the job did not read every row.
    """
    with tempfile.TemporaryDirectory(prefix="score-") as name:
        folder = Path(name)
        _write_input(folder / "nab.csv", corpus)
        _run_job(folder / "nab.csv", folder / "results", rules, folder / "summary.json")
        decoded = json.loads((folder / "summary.json").read_bytes())["rows_decoded"]
        rows = sum(map(len, corpus))
        if decoded != rows:
            raise BenchmarkError(f"the job read {decoded:,} of {rows:,} rows of NAB")
        return _read_openings(folder / "results")


def _write_input(path: Path, corpus: Sequence[LabelledSeries]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"ts,device,{METRIC}\n")
        for series in corpus:
            rows = zip(series.times_us.tolist(), series.values.tolist(), strict=True)
            file.writelines(f"{time_us / 1e6!r},{series.name},{value!r}\n" for time_us, value in rows)


def _run_job(csv: Path, output: Path, rules: Path, summary: Path) -> None:
    """Run the job in this process, as ``telemetry run`` does; windows of a year are few, for nobody reads them."""
    flags = {"--input": csv, "--output": output, "--rules": rules, "--metrics": METRIC, "--window": "365d",
             "--earliest-time": "0", "--summary": summary}  # fmt: skip
    args = [str(word) for pair in flags.items() for word in pair]
    try:
        config = make_config(*build_parser().parse_known_args(args))
    except ConfigError as error:
        raise ConfigError("--nab-rules", rules, error.problem) from error
    from pipeline.run import run_config  # loads Beam

    run_config(config)


def _read_openings(results: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for table in FileStore(str(results)).tables("incidents", _COLUMNS):
        times = table.column("event_time").cast(pa.int64()).to_pylist()
        rows = zip(table.column("device").to_pylist(), table.column("state").to_pylist(), times, strict=True)
        for device, state, time_us in rows:
            if state == "opened":
                found[device].append(time_us)
    return found
