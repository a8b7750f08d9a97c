"""The job as one graph. It receives its source and outputs, so that a test can pass its own."""

from dataclasses import dataclass, field

import apache_beam as beam

from pipeline.config import JobConfig
from transforms.aggregate import AggregateWindows
from transforms.archive import ArchiveReadings
from transforms.decode import DecodeMessages
from transforms.detect import DetectAnomalies
from transforms.records import RECORDS
from transforms.show import PrintAnomalies
from transforms.write import WriteRecords


@dataclass(frozen=True)
class Outputs:
    """Where results go: each collection is handed to each of its labelled transforms.

    Readings are collections of ReadingBatch, all others of RecordBatch.
    """

    anomalies: dict[str, beam.PTransform] = field(default_factory=dict)
    aggregates: dict[str, beam.PTransform] = field(default_factory=dict)
    dead_letters: dict[str, beam.PTransform] = field(default_factory=dict)
    readings: dict[str, beam.PTransform] = field(default_factory=dict)


def outputs_of(config: JobConfig) -> Outputs:
    """Return the outputs that the flags ask for."""
    outputs = Outputs()
    if config.output:
        for kind in RECORDS:
            write = WriteRecords(kind, config.output, config.file_format, config.flush_us, config.shards)
            vars(outputs)[kind][f"Write {kind}"] = write
    if config.archive:
        outputs.readings["Archive readings"] = ArchiveReadings(config.output, config.flush_us, config.shards)
    if config.print_anomalies:
        outputs.anomalies["Print anomalies"] = PrintAnomalies()
    return outputs


def build(pipeline: beam.Pipeline, source: beam.PTransform, config: JobConfig, outputs: Outputs) -> None:
    """Add the job to a pipeline.

    Args:
        pipeline: where to add it.
        source: a transform from the pipeline's beginning to a PCollection of Message.
        config: metrics, rules and windows.
        outputs: what to do with the results.
    """
    decoded = pipeline | "Read" >> source | "Decode messages" >> DecodeMessages(config.metrics)
    detected = decoded.readings | "Detect anomalies" >> DetectAnomalies(config.rules)
    aggregated = detected.readings | "Aggregate windows" >> AggregateWindows(config.windows, config.shards)
    rejected = [found for found in (decoded.dead_letters, aggregated.dead_letters) if found is not None]
    dead_letters = rejected | "All dead letters" >> beam.Flatten()
    for label, sink in outputs.readings.items():
        _ = decoded.readings | label >> sink
    for label, sink in outputs.anomalies.items():
        _ = detected.anomalies | label >> sink
    for label, sink in outputs.aggregates.items():
        _ = aggregated.aggregates | label >> sink
    for label, sink in outputs.dead_letters.items():
        _ = dead_letters | label >> sink
