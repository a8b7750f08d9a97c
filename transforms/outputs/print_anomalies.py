"""Print each anomaly as one readable line on standard output."""

import sys
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from telemetry.cli.standard_output import PROBLEM, drop_output
from telemetry.errors import OutputError
from telemetry.model.metrics import READING_UNITS
from telemetry.text.timestamps import format_time
from transforms.step import Step


@dataclass
class PrintAnomalies(Step):
    """Print anomalies on the worker's standard output, for local runs. Bounded or unbounded input, any window."""

    def expand(self, anomalies: beam.PCollection) -> beam.PCollection:
        """Return nothing for a PCollection of RecordBatch of Anomaly."""
        return anomalies | "Print" >> beam.ParDo(_Print()).with_output_types(str)


def anomaly_lines(batch: pa.RecordBatch) -> list[str]:
    """Return one line for each anomaly: time, metric, value and unit, the rule's bound, device, rule, severity."""
    lines = []
    for row in batch.drop_columns(["event_time"]).to_pylist():
        unit = READING_UNITS.get(row["metric"], "")
        bound = f"{row['threshold']:g}"
        if row["threshold_upper"] is not None:
            bound = f"[{bound}, {row['threshold_upper']:g}]"
        value = f"{row['value']:g} {unit}".rstrip()
        device = row["device"] if row["device"].isprintable() else repr(row["device"])  # a line break, an escape
        lines.append(
            f"{row['metric']} {value} {row['comparison']} {bound}  device {device}"
            f"  ({row['rule_id']}, {row['severity']})"
        )
    times = batch.column("event_time").cast(pa.int64()).to_pylist()
    return [f"{format_time(moment)}  {line}" for moment, line in zip(times, lines, strict=True)]


class _Print(beam.DoFn):
    def process(self, batch: pa.RecordBatch) -> None:
        print_lines(anomaly_lines(batch))


def print_lines(lines: list[str]) -> None:
    """Print lines and flush; when the reader has gone (``| head``) they are dropped, and the job continues.

    Raises:
        OutputError: if they cannot be printed for another reason, such as a full disk.
    """
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
    except OSError as error:
        drop_output()
        raise OutputError(f"--print: {PROBLEM}: {error.strerror}") from error
