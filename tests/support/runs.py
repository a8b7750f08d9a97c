"""Write small runs to disk with the encoders of the job."""

from pathlib import Path

from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import from_records, to_json_lines, to_parquet
from telemetry.model.records import Anomaly, WindowAggregate

T0 = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z
MINUTE = 60_000_000


def window(
    device="a", minute=0, mean=20.0, *, low=None, high=None, pane=0, metric="temp", count=12, job=""
) -> WindowAggregate:
    start = T0 + minute * MINUTE
    low, high = mean - 1 if low is None else low, mean + 1 if high is None else high
    timing = "late" if pane else "on_time"
    return WindowAggregate(
        device, metric, start, start + MINUTE, count, mean, 0.5, low, high, low, high, 0, timing, pane, job
    )


def anomaly(
    device="a", at=T0, value=31.0, *, metric="temp", threshold=30.0, upper=None, rule="temp-high", shift=0
) -> Anomaly:
    comparison = "above" if upper is None else "outside"
    identity = f"{rule}/{device}/{metric}/{at}"
    return Anomaly(
        identity, rule, "critical", device, metric, value, threshold, upper, comparison, at + shift, at, "m1", "v1"
    )


def write(directory: Path, output: str, rows, *, kind="jsonl", name="part", hour="00") -> Path:
    folder = directory / output / "date=2020-07-12" / f"hour={hour}"
    folder.mkdir(parents=True, exist_ok=True)
    batch = from_records(KINDS[output].record, rows)
    file = folder / f"{name}.{kind}"
    file.write_bytes(to_json_lines(batch) if kind == "jsonl" else to_parquet(batch))
    return file


def write_run(directory: Path, windows=(), anomalies=(), kind="jsonl") -> Path:
    for output, rows in (("aggregates", windows), ("anomalies", anomalies)):
        if rows:
            write(directory, output, list(rows), kind=kind)
    return directory


def write_csv(file: Path, rows, columns=("ts", "device", "temp")) -> Path:
    lines = [",".join(columns), *(",".join(str(cell) for cell in row) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    return file
