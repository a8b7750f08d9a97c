"""Run the job on a remote runner, and wait for it."""

import time
from collections.abc import Sequence
from typing import Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException
from apache_beam.runners.dataflow.internal.apiclient import (
    DataflowApplicationClient,
    DataflowJobAlreadyExistsError,
    Job,
)
from apache_beam.runners.runner import PipelineState
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.dataflow_v1beta3 import JobState, ListJobsRequest

from pipeline.config import JobConfig
from pipeline.failures import JobFailedError, expected_failure
from pipeline.graph import build, outputs_of
from pipeline.sources.files import Portion, ReadFiles
from pipeline.sources.rules_feed import WithRulesFile
from pipeline.summary import JobSummary, counts_of, texts_of
from telemetry.errors import ConfigError

_ENDED_WELL: Final = frozenset({PipelineState.DRAINED, PipelineState.UPDATED})  # somebody drained or updated the job
_REPLACEABLE: Final = frozenset({JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_DRAINING})  # by --update


def run_remote(
    config: JobConfig, options: PipelineOptions, job_id: str, portions: Sequence[Portion], warm: str = ""
) -> JobSummary | None:
    """Submit the job to its runner and wait for it; return None if only a template is made.

    Args:
        config: of the job.
        options: for Beam.
        job_id: the job, for its records.
        portions: of bounded input.
        warm: folder of what the rules of a stream remember at its beginning; "" for nothing.
    """
    from pipeline.sources.pubsub import ReadPubSub

    source: beam.PTransform = ReadFiles(portions, spread=True)
    if config.streaming:
        source = ReadPubSub(config.subscription, config.topic)
    if config.rules_of_workers is not None:
        source = WithRulesFile(source, config.rules_of_workers, config.rules)
    started = time.monotonic()
    pipeline = beam.Pipeline(options=options)
    try:
        build(pipeline, source, config, outputs_of(config), job_id, warm)
    except RuntimeError as error:
        method = config.bigquery.method if config.bigquery else "streaming_inserts"
        if method == "streaming_inserts":
            raise
        problem = f"Beam's Java services, which it needs, cannot be started here: {str(error).split(': ')[0]}"
        raise ConfigError("--bigquery-method", method, problem) from error
    try:
        _check_update(options)
        result = pipeline.run()
    except (GoogleAPICallError, DataflowJobAlreadyExistsError) as error:
        raise JobFailedError(f"the job was not taken: {' '.join(str(error).split())}") from error
    if options.view_as(GoogleCloudOptions).template_location is not None:
        return None
    _wait(result)
    return JobSummary(counts_of(result), time.monotonic() - started, texts=texts_of(result))


def stream_job_id(options: PipelineOptions) -> str:
    """Return the id of a stream: the name of its job, which ``--update`` keeps.

    A job without a name gets one.
    """
    cloud = options.view_as(GoogleCloudOptions)
    cloud.job_name = cloud.job_name or Job.default_job_name(None)
    name: str = cloud.job_name
    return name


def _check_update(options: PipelineOptions) -> None:
    """Raise a ConfigError if there is no job to replace; Beam (2.77) would look for it forever."""
    cloud = options.view_as(GoogleCloudOptions)
    if not cloud.update:
        return
    # Beam's client of the service, with the endpoint and the credentials of the options
    service = DataflowApplicationClient(options)._jobs_client
    active = ListJobsRequest.Filter.ACTIVE
    jobs = service.list_jobs(ListJobsRequest(project_id=cloud.project, location=cloud.region, filter=active))
    if not any(job.name == cloud.job_name and job.current_state in _REPLACEABLE for job in jobs):
        problem = f"no job of this name runs in {cloud.region}; without --update one is started"
        raise ConfigError("--job_name", cloud.job_name or "", problem)


def _wait(result: Any) -> None:
    try:
        result.wait_until_finish()
    except DataflowRuntimeException as error:  # also raised for a job that was drained or updated
        state, text = result.state, str(error).partition("Error:\n")[2].strip()
        if state in _ENDED_WELL:
            return
        why = "" if text in ("", "None") else f": {expected_failure(text) or text.splitlines()[-1]}"
        raise JobFailedError(f"the job {result.job_id()} {state}{why}") from error
    except RuntimeError as error:
        expected = expected_failure(str(error))
        if expected is None:
            raise
        raise JobFailedError(expected) from error
