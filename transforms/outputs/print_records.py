"""Print each anomaly, or each opening and closing of an incident, as one readable line on standard output."""

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from telemetry.cli.standard_output import PROBLEM, drop_output
from telemetry.errors import OutputError
from telemetry.model.incident_sentences import line
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.record_batches import to_records
from telemetry.model.records import Incident
from telemetry.text.timestamps import format_time
from transforms.step import Step


@dataclass
class PrintAnomalies(Step):
    """Print anomalies on the worker's standard output, for local runs. Bounded or unbounded input, any window.

    Args:
        catalog: units of the metrics.
    """

    catalog: MetricCatalog = NOT_DESCRIBED

    def expand(self, anomalies: beam.PCollection) -> beam.PCollection:
        """Return nothing for a PCollection of RecordBatch of Anomaly."""
        lines = functools.partial(anomaly_lines, catalog=self.catalog)
        return anomalies | "Print" >> beam.ParDo(_Print(lines)).with_output_types(str)


@dataclass
class PrintIncidents(Step):
    """Print incidents that open or close on the worker's standard output, for local runs.

    Bounded or unbounded input, any window.
    """

    def expand(self, incidents: beam.PCollection) -> beam.PCollection:
        """Return nothing for a PCollection of RecordBatch of Incident."""
        return incidents | "Print" >> beam.ParDo(_Print(incident_lines)).with_output_types(str)


def anomaly_lines(batch: pa.RecordBatch, catalog: MetricCatalog = NOT_DESCRIBED) -> list[str]:
    """Return one line for each anomaly: time, metric, value and unit, the rule's bound, device, rule, severity."""
    lines = []
    for row in batch.drop_columns(["event_time"]).to_pylist():
        bound = f"{row['threshold']:g}"
        if row["threshold_upper"] is not None:
            bound = f"[{bound}, {row['threshold_upper']:g}]"
        value = f"{row['value']:g} {catalog.unit(row['metric'])}".rstrip()
        lines.append(
            f"{_printable(row['metric'])} {value} {row['comparison']} {bound}  device {_printable(row['device'])}"
            f"  ({row['rule_id']}, {row['severity']})"
        )
    times = batch.column("event_time").cast(pa.int64()).to_pylist()
    return [f"{format_time(moment)}  {line}" for moment, line in zip(times, lines, strict=True)]


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)  # a line break, an escape


def incident_lines(batch: pa.RecordBatch) -> list[str]:
    """Return one line for each incident that opens or closes; none for its updates."""
    return [line(one) for one in to_records(Incident, batch) if one.state != "updated"]


@dataclass
class _Print(beam.DoFn):
    lines_of: Callable[[pa.RecordBatch], list[str]]

    def process(self, batch: pa.RecordBatch) -> None:
        print_lines(self.lines_of(batch))


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
