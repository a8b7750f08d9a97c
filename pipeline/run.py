"""Run the job, from its configuration to an exit code."""

import contextlib
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from pipeline import logs, preflight
from pipeline.beam_patches.registry import (
    CACHE_DOFN_SIGNATURES,
    CACHE_TYPE_OPTIONS,
    WORKER_PROCESSES,
    patched,
    untested,
)
from pipeline.config import JobConfig
from pipeline.failures import EXPECTED, JobFailedError, expected_failure, without_step
from pipeline.found_metrics import find_metrics
from pipeline.graph import build, outputs_of
from pipeline.job_identity import InputDigests, bounded_job_id, new_job_id
from pipeline.local.signals import signals_deferred
from pipeline.local.state.state_folder import StateFolder
from pipeline.metric_notes import notes_on_metrics
from pipeline.options import beam_options, is_local
from pipeline.sources.files import Portion, ReadFiles, plan_portions
from pipeline.summary import JobSummary, counts_of, distributions_of, texts_of
from pipeline.usable import check_usable
from pipeline.warm_start import warm_states
from telemetry.cli.commands import interruptible
from telemetry.rules.rule_set import RuleSet
from telemetry.text.durations import format_duration
from transforms.shuffle.spill import spilling

_LOG = logging.getLogger("pipeline")
_PATCH_LOG = logging.getLogger("pipeline.beam_patches")


def run_config(config: JobConfig, digests: InputDigests | None = None) -> int:
    """Run a job and return the exit code.

    Args:
        config: of the job.
        digests: of its local input, if their computation has begun.

    Raises:
        ConfigError: before anything runs, if it cannot.
        JobFailedError: if it starts and cannot be finished.
    """
    logs.set_up(config)  # before Beam parses its options: it logs a warning then
    options = beam_options(config)
    FileSystems.set_options(options)  # checks before the pipeline exists need the credentials as well
    if warning := untested():
        _PATCH_LOG.warning("%s", warning)
    portions = [] if config.streaming else plan_portions(config.inputs, config.feed)
    config = find_metrics(config, portions)
    _log_config(config)
    with contextlib.ExitStack() as stack:
        state = None
        if config.streaming and is_local(options):
            from pipeline.local.stream import open_state  # loads Pub/Sub's client

            state = stack.enter_context(open_state(config))
        job_id = _job_id(config, options, portions, digests, state)
        preflight.check_destinations(config, job_id, begins=_begins(config, options))
        warm = stack.enter_context(warm_states(config, options, job_id, state))
        preflight.mark_output(config, job_id)
        if not is_local(options):
            from pipeline.remote import run_remote  # loads Google's clients

            summary = run_remote(config, options, job_id, portions, warm)
        elif config.streaming:
            summary = _run_stream(config, options, job_id, state, warm)
        else:
            summary = _run_files(config, options, job_id, portions)
    if summary is None:
        return 0
    summary = replace(summary, notes=(*notes_on_metrics(config, summary), *summary.notes))
    sys.stderr.write(summary.to_text() + "\n")
    if config.summary:
        try:
            Path(config.summary).write_text(summary.to_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise JobFailedError(f"--summary {config.summary}: cannot be written: {error.strerror}") from error
    check_usable(config, summary)
    return 0


def _job_id(
    config: JobConfig,
    options: PipelineOptions,
    portions: Sequence[Portion],
    digests: InputDigests | None,
    state: StateFolder | None,
) -> str:
    if not config.streaming:
        return bounded_job_id(config, [part.path for portion in portions for part in portion.ranges], digests)
    if is_local(options):
        return new_job_id() if state is None else state.description.job_id
    from pipeline.remote import stream_job_id  # loads Google's clients

    return stream_job_id(options)


def _begins(config: JobConfig, options: PipelineOptions) -> bool:
    """Return whether a job is named by its caller, and cannot have written before."""
    cloud = options.view_as(GoogleCloudOptions)
    starts = not is_local(options) and not cloud.update and cloud.template_location is None
    return config.streaming and starts


def _log_config(config: JobConfig) -> None:
    windows = config.windows
    _LOG.info("reading %s", config.subscription or config.topic or ", ".join(config.inputs))
    _LOG.info("metrics %s", ", ".join(config.metrics))
    _LOG.info("rules %s: %s", config.rules.version, ", ".join(rule.id for rule in config.rules.rules))
    size, slide = format_duration(windows.size_us), format_duration(windows.slide_us)
    lateness, clock = format_duration(windows.allowed_lateness_us), windows.zone and f" by the clock of {windows.zone}"
    _LOG.info("windows of %s every %s%s, lateness %s", size, slide, clock, lateness)
    places = (config.output, config.bigquery, config.alerts_topic, *config.webhooks, config.dead_letter_topic)
    _LOG.info("writing to %s", ", ".join(str(place) for place in places if place) or "standard output only")


def _run_files(config: JobConfig, options: PipelineOptions, job_id: str, portions: Sequence[Portion]) -> JobSummary:
    """Run bounded input on this machine, without triggers: every window is complete."""
    from pipeline.local.workers import files_runner, worker_count

    workers = worker_count(config, options, portions)
    files = {part.path for portion in portions for part in portion.ranges}
    _LOG.info("%d files in %d portions, %d processes", len(files), len(portions), workers)
    source = ReadFiles(portions, spread=workers > 1)
    with contextlib.ExitStack() as stack:
        stack.enter_context(interruptible())
        with signals_deferred():  # else a folder that was just made would be left behind
            folder = stack.enter_context(spilling())
        if workers > 1:
            stack.enter_context(patched(WORKER_PROCESSES))
        return _execute(files_runner(config, options, workers, folder), config, options, source, job_id)


def _run_stream(
    config: JobConfig, options: PipelineOptions, job_id: str, state: StateFolder | None, warm: str
) -> JobSummary:
    """Run a subscription in this process until it is idle or told to stop."""
    from pipeline.local.stream import run_stream  # loads Pub/Sub's client

    def execute(source: beam.PTransform, rules: RuleSet) -> JobSummary:
        return _execute("BundleBasedDirectRunner", replace(config, rules=rules), options, source, job_id, warm)

    return run_stream(config, state, execute)


def _execute(
    runner: Any, config: JobConfig, options: PipelineOptions, source: beam.PTransform, job_id: str, warm: str = ""
) -> JobSummary:
    started = time.monotonic()
    with patched(CACHE_DOFN_SIGNATURES), patched(CACHE_TYPE_OPTIONS):
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline, source, config, outputs_of(config), job_id, warm)
        try:
            result = pipeline.run()
            result.wait_until_finish()
        except EXPECTED as error:
            raise JobFailedError(without_step(str(error))) from error
        except RuntimeError as error:  # an error that was raised in a worker arrives as text
            expected = expected_failure(str(error))
            if expected is None:
                raise
            raise JobFailedError(expected) from error
    seconds = time.monotonic() - started
    return JobSummary(counts_of(result), seconds, distributions_of(result), texts_of(result))
