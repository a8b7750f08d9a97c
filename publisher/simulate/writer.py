"""Write rows as CSV in the format of the reference data set (every cell quoted), and the labels of the faults."""

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.csv

from publisher.simulate.climate import Climate
from publisher.simulate.faults import FaultPlan
from telemetry.text.timestamps import format_time

STDOUT: Final = "-"
LABEL_FORMATS: Final = (".csv", ".jsonl")


class FaultLabel(msgspec.Struct, frozen=True):
    """Label of one fault: the rows of the device in [start, end) are wrong or missing."""

    device: str
    metric: str
    kind: str
    start: str
    end: str


@contextmanager
def open_rows(output: str) -> Iterator[IO[bytes]]:
    """Open a file for writing, with gzip if its name ends in ``.gz``, or standard output for ``-``."""
    with ExitStack() as stack:
        if output == STDOUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif output.endswith(".gz"):
            plain = stack.enter_context(Path(output).open("wb"))
            # Without a name and a time in the gzip header, equal rows produce identical bytes.
            packed: Any = gzip.GzipFile("", "wb", compresslevel=1, fileobj=plain, mtime=0)
            yield stack.enter_context(packed)
        else:
            yield stack.enter_context(Path(output).open("wb"))


def write_rows(batches: Iterable[Any], target: IO[bytes]) -> tuple[int, float, float]:
    """Write batches as CSV with a header; return the number of rows and the first and last ``ts`` (seconds)."""
    rows, first, last = 0, 0.0, 0.0
    for batch in batches:
        options = pa.csv.WriteOptions(include_header=rows == 0, quoting_style="all_valid")
        pa.csv.write_csv(batch, target, options)
        times = batch.column(0)
        first = first if rows else times[0].as_py()
        rows, last = rows + len(batch), times[-1].as_py()
    return rows, first, last


def make_labels(plan: FaultPlan, climate: Climate) -> list[FaultLabel]:
    """Return the label of each fault, ordered by start."""
    return [
        FaultLabel(
            device=climate.names[fault.device],
            metric=fault.metric,
            kind=fault.kind,
            start=format_time(climate.round_start_us(fault.first)),
            end=format_time(climate.round_start_us(fault.end)),
        )
        for fault in plan.faults
    ]


def write_labels(labels: list[FaultLabel], file: Path) -> None:
    """Write labels as CSV, or as JSON lines if the file name ends in ``.jsonl``."""
    if file.suffix == ".jsonl":
        file.write_bytes(msgspec.json.Encoder().encode_lines(labels))
        return
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(FaultLabel.__struct_fields__)
        writer.writerows(map(msgspec.structs.astuple, labels))
