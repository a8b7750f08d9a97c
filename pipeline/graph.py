"""Build the job's graph from a source and outputs that the caller passes."""

from collections.abc import Mapping

import apache_beam as beam

from pipeline.config import JobConfig
from pipeline.sources.ruled_messages import RuledMessages
from telemetry.bigquery.schema import BigQueryTarget, TableSpec, table_specs
from telemetry.model.kinds import KINDS, kinds_of
from telemetry.model.output_kind import OutputKind
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import ALWAYS_US, RulesChange
from transforms.decode.decode_messages import DecodeMessages
from transforms.dedup.drop_duplicates import DropDuplicates
from transforms.detect.detect_anomalies import DetectAnomalies
from transforms.incidents.change_bytes import encode_change
from transforms.incidents.record_rules import RecordRules
from transforms.incidents.watch_devices import WatchDevices
from transforms.ledger.write_ledger import WriteLedger
from transforms.outputs.archive_readings import RecordReadings
from transforms.outputs.mark_job import MarkJob
from transforms.outputs.print_records import PrintAnomalies, PrintIncidents
from transforms.outputs.sink_result import SinkResult
from transforms.outputs.write_files import WriteRecords
from transforms.windows.aggregate_windows import AggregateWindows

Outputs = Mapping[str, dict[str, beam.PTransform]]
"""The sinks of each of `KINDS` by their labels. A sink takes a PCollection of RecordBatch; it returns a `SinkResult` if
it can reject records."""


def outputs_of(config: JobConfig) -> Outputs:
    """Return the outputs that the flags name."""
    outputs: dict[str, dict[str, beam.PTransform]] = {name: {} for name in KINDS}
    if config.output:
        for kind in kinds_of(archive=config.archive):
            outputs[kind.name][f"Write {kind.name}"] = _write(config, kind)
    if config.bigquery:
        for spec in table_specs(config.metrics, archive=config.archive, catalog=config.catalog):
            outputs[spec.kind][f"Insert {spec.kind}"] = _insert(config, config.bigquery, spec)
    if config.alerts_topic or config.dead_letter_topic:
        from transforms.outputs.publish_messages import (  # the client is loaded where it is used
            PublishAnomalies,
            PublishDeadLetters,
            PublishIncidents,
        )
    if config.alerts_topic and config.alerts == "incidents":
        outputs["incidents"]["Publish incidents"] = PublishIncidents(config.alerts_topic)
    elif config.alerts_topic:
        outputs["anomalies"]["Publish anomalies"] = PublishAnomalies(config.alerts_topic)
    if config.webhooks:
        from transforms.outputs.send_incidents import SendIncidents  # the client is loaded where it is used

        outputs["incidents"]["Send incidents"] = SendIncidents(config.webhooks, config.alerts_patience_us)
    if config.dead_letter_topic:
        kept = bool(config.output or config.bigquery)
        publish = PublishDeadLetters(config.dead_letter_topic, kept_elsewhere=kept)
        outputs["dead_letters"]["Publish dead letters"] = publish
    if config.printed == "incidents":
        outputs["incidents"]["Print incidents"] = PrintIncidents()
    elif config.printed:
        outputs["anomalies"]["Print anomalies"] = PrintAnomalies(config.catalog)
    return outputs


def _write(config: JobConfig, kind: OutputKind) -> WriteRecords:
    return WriteRecords(
        kind.name,
        config.output,
        kind.file_format or config.file_format,
        _flush_us(config, kind.name),
        config.shards,
        complete=kind.rare or (kind.whole_files and not config.streaming),
    )


def _insert(config: JobConfig, target: BigQueryTarget, spec: TableSpec) -> beam.PTransform:
    if target.method == "streaming_inserts":
        from transforms.outputs.insert_rows import InsertRecords  # Google's client is loaded where it is used

        kept = bool(config.output or (spec.kind == "dead_letters" and config.dead_letter_topic))
        return InsertRecords(spec.kind, target, _flush_us(config, spec.kind), config.shards, kept)
    from transforms.outputs.storage_write_api import InsertByStorageApi

    return InsertByStorageApi(spec, target)


def _flush_us(config: JobConfig, kind: str) -> int:
    return max(config.flush_us, KINDS[kind].gather_us)


def build(
    pipeline: beam.Pipeline,
    source: beam.PTransform,
    config: JobConfig,
    outputs: Outputs,
    job_id: str,
    warm: str = "",
) -> None:
    """Add the job to a pipeline.

    Args:
        pipeline: where to add it.
        source: a transform from the pipeline's beginning to a PCollection of MessageBatch, or to `RuledMessages`.
        config: metrics, rules, windows and whether duplicates and repeats are removed.
        outputs: the sinks of each kind of record.
        job_id: the job, for its records; see `pipeline.job_identity`. No label depends on it.
        warm: folder of what the rules of a stream remember at its beginning, see `pipeline.warm_start`; "" for nothing.
    """
    read = pipeline | "Read" >> source
    received, changes = read if isinstance(read, RuledMessages) else (read, None)
    counted = {}
    if config.dedup_us is not None:
        received, counted["duplicates"] = received | "Drop duplicates" >> DropDuplicates(config.dedup_us)
    decode = DecodeMessages(config.decoding, counts_rows=config.dedup_readings_us is None)
    decoded = received | "Decode messages" >> decode
    readings = decoded.readings
    if config.dedup_readings_us is not None:
        from transforms.dedup.drop_repeats import DropRepeats  # loaded where it is used

        again = pipeline | "Read again" >> source if received.is_bounded else None
        drop = DropRepeats(config.decoding, config.dedup_readings_us, config.shards, again)
        readings, counted["repeats"] = readings | "Drop repeats" >> drop
    detect = DetectAnomalies(config.rules, job_id, config.rules_of_workers)
    detected = readings | "Detect anomalies" >> detect
    windows = AggregateWindows(config.windows, config.shards, job_id)
    aggregated = detected.readings | "Aggregate windows" >> windows
    rejected = [decoded.dead_letters]
    if aggregated.dead_letters is not None:
        rejected.append(aggregated.dead_letters)
        counted["missed"] = aggregated.missed
    if outputs["readings"]:
        counted["archived"] = readings | "Record readings" >> RecordReadings(job_id, config.catalog)
        rejected += _store(counted["archived"], outputs["readings"])
    rejected += _store(detected.anomalies, outputs["anomalies"])
    followed = config.rules_of_workers
    watch = WatchDevices(config.rules, config.shards, job_id, changes, followed, warm, config.catalog)
    counted["incidents"] = readings | "Watch devices" >> watch
    rejected += _store(counted["incidents"], outputs["incidents"])
    if outputs["rules"]:
        if changes is None:
            changes = pipeline | "Rules" >> _RulesOfTheStart(config.rules, bounded=received.is_bounded)
        counted["rules"] = changes | "Record rules" >> RecordRules(job_id)
        rejected += _store(counted["rules"], outputs["rules"])
    rejected += _store(aggregated.aggregates, outputs["aggregates"])
    dead_letters = rejected | "All dead letters" >> beam.Flatten() | "Mark dead letters" >> MarkJob(job_id)
    _store(dead_letters, outputs["dead_letters"])
    if outputs["ledger"]:
        counted |= {"readings": readings, "anomalies": detected.anomalies, "dead_letters": dead_letters}
        _store(counted | "Ledger entries" >> WriteLedger(config.windows, job_id), outputs["ledger"])


class _RulesOfTheStart(beam.PTransform):
    """The one change of rules that never change: they come into force."""

    def __init__(self, rules: RuleSet, *, bounded: bool) -> None:
        super().__init__()
        self._change = encode_change(RulesChange(ALWAYS_US, rules))
        self._bounded = bounded

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        start = pbegin | beam.Impulse()
        start.is_bounded = self._bounded  # as the rest of the job: a stream gathers records by other steps
        return start | "Come into force" >> beam.Map(lambda _, change: change, self._change).with_output_types(bytes)


def _store(flow: beam.PCollection, sinks: Mapping[str, beam.PTransform]) -> list[beam.PCollection]:
    """Pass a collection to its sinks, and return the dead letters of those that can reject records."""
    results = [flow | label >> sink for label, sink in sinks.items()]
    return [result.dead_letters for result in results if isinstance(result, SinkResult)]
