"""Running the job on the runner that was asked for, and waiting for it."""

import time
from typing import Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException
from apache_beam.runners.runner import PipelineState
from google.api_core.exceptions import GoogleAPICallError

from pipeline.config import JobConfig
from pipeline.failures import JobFailedError, expected_failure
from pipeline.graph import build, outputs_of
from pipeline.sources.files import ReadFiles, plan_portions
from pipeline.summary import Summary, reported
from transforms.errors import ConfigError

_ENDED_WELL: Final = frozenset({PipelineState.DRAINED, PipelineState.UPDATED})  # as somebody asked the service to


def run_remote(config: JobConfig, options: PipelineOptions) -> Summary | None:
    """Submit to the runner that was asked for, and wait for it; None where only a template is made."""
    from pipeline.sources.pubsub import ReadPubSub

    source: beam.PTransform
    if config.streaming:
        source = ReadPubSub(config.subscription, config.topic)
    else:
        source = ReadFiles(plan_portions(config.inputs), spread=True)
    started = time.monotonic()
    pipeline = beam.Pipeline(options=options)
    try:
        build(pipeline, source, config, outputs_of(config))
    except RuntimeError as error:
        method = config.bigquery.method if config.bigquery else "streaming_inserts"
        if method == "streaming_inserts":
            raise
        problem = f"Beam's Java services, which it needs, cannot be started here: {str(error).split(': ')[0]}"
        raise ConfigError("--bigquery-method", method, problem) from error
    try:
        result = pipeline.run()
    except GoogleAPICallError as error:
        raise JobFailedError(f"the job was not taken: {' '.join(str(error).split())}") from error
    if options.view_as(GoogleCloudOptions).template_location is not None:
        return None
    _wait(result)
    return Summary(reported(result), time.monotonic() - started)


def _wait(result: Any) -> None:
    try:
        result.wait_until_finish()
    except DataflowRuntimeException as error:  # also of a job that has ended, but not by itself
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
