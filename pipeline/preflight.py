"""Check before the job starts that everything it writes to can be written."""

import logging
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from pipeline.config import JobConfig
from telemetry.bigquery.schema import table_specs
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError, delete_file, join, write_file
from telemetry.storage.job_markers import JobMarker, jobs_in, write_marker
from telemetry.text.timestamps import format_time

_LOG = logging.getLogger("pipeline")


def check_output(path: str) -> None:
    """Write and remove a small file.

    Raises:
        ConfigError: if that cannot be done.
    """
    probe = join(path, f".writable-{uuid.uuid4().hex}")
    try:
        write_file(probe, b"\n", patience_s=0, durable=True)  # so is the folder, which may be new
        delete_file(probe)
    except StorageError as error:
        raise ConfigError("--output", path, f"cannot be written: {error.problem}") from error


def check_destinations(config: JobConfig, job_id: str, *, begins: bool = False) -> None:
    """Check that folders and tables can be written and that topics exist; create missing tables.

    A folder or dataset with results of other jobs is refused without ``--append``, unless the job has written there
    before.

    Args:
        config: of the job.
        job_id: the job.
        begins: whether the job cannot have written before, so that its own results there are those of another job of
            the same name.

    Raises:
        ConfigError: for the first that cannot be used.
    """
    if config.output:
        check_output(config.output)
        _check_folder(config, job_id, begins=begins)
    if config.bigquery:
        from telemetry.bigquery.client import connect, ledger_jobs, prepare_tables  # loads Google's client

        specs = table_specs(config.metrics, archive=config.archive, catalog=config.catalog)
        client = connect(config.bigquery)
        for name in prepare_tables(client, config.bigquery, specs):
            _LOG.info("created %s in %s", name, config.bigquery)
        found = dict.fromkeys(ledger_jobs(client, config.bigquery), "")
        _check_jobs("--bigquery", str(config.bigquery), found, config, job_id, begins=begins)
    for flag, topic in _result_topics(config).items():
        if topic:
            from telemetry.pubsub.client import check_topic  # Pub/Sub's client is loaded where it is used

            check_topic(flag, topic)
    check_feedback(config)
    if config.summary:
        check_summary(config.summary)


def check_feedback(config: JobConfig) -> None:
    """Check that no topic of results feeds the job itself: each of its dead letters would become another one.

    Raises:
        ConfigError: if one does.
    """
    topics = _result_topics(config)
    if not config.streaming or not any(topics.values()):
        return
    source = config.topic
    if config.subscription:
        from pipeline.subscriptions import connect, topic_of  # loads Pub/Sub's client

        source = topic_of(connect("--subscription", config.subscription), config.subscription)
    for flag, topic in topics.items():
        if topic and topic == source:
            by = f"--subscription {config.subscription}" if config.subscription else f"--topic {config.topic}"
            raise ConfigError(flag, topic, f"is read by the job itself ({by}): its results would come back as input")


def _result_topics(config: JobConfig) -> dict[str, str]:
    """Return the topics that the job publishes to, by flag; "" for none."""
    return {"--alerts-topic": config.alerts_topic, "--dead-letter-topic": config.dead_letter_topic}


def mark_output(config: JobConfig, job_id: str) -> None:
    """Mark the output folder as one of the job, before it writes there.

    Raises:
        ConfigError: if that cannot be done.
    """
    if not config.output:
        return
    started = format_time(time.time_ns() // 1_000)
    marker = JobMarker(job_id, _source_of(config), started, config.rules.version)
    try:
        write_marker(config.output, marker)
    except StorageError as error:
        raise ConfigError("--output", config.output, f"cannot be written: {error.problem}") from error


def _source_of(config: JobConfig) -> str:
    return config.subscription or config.topic or ", ".join(config.inputs)


def _check_folder(config: JobConfig, job_id: str, *, begins: bool) -> None:
    try:
        found = {job: marker.source for job, marker in jobs_in(config.output).items()}
    except StorageError as error:
        raise ConfigError("--output", error.path, error.problem) from error
    _check_jobs("--output", config.output, found, config, job_id, begins=begins)


def _check_jobs(
    flag: str, place: str, found: Mapping[str, str], config: JobConfig, job_id: str, *, begins: bool
) -> None:
    """Check that a job may write where others have written.

    Args:
        flag: that names the place.
        place: the folder or dataset.
        found: input of each job that has results there, as far as it is known.
        config: of the job.
        job_id: the job.
        begins: see `check_destinations`.
    """
    if job_id in found:
        if begins:
            problem = f"{place} holds results of a job of this name: give another name, or --update if it runs"
            raise ConfigError("--job_name", job_id, problem)
        return
    if not found or config.append:
        return
    job, source = next(iter(found.items()))
    name = f"job {job}" + (f" ({source})" if source else "") if job else "an older release"
    more = f" and of {len(found) - 1} more" if len(found) > 1 else ""
    problem = f"holds results of {name}{more}, this is job {job_id}: give another place, or --append to add to them"
    raise ConfigError(flag, place, problem)


def check_summary(path: str) -> None:
    """Check that the summary can be written to a path, without writing it.

    Raises:
        ConfigError: if it cannot.
    """
    if not Path(path).absolute().parent.is_dir():
        raise ConfigError("--summary", path, "its folder does not exist")
    if Path(path).is_dir():
        raise ConfigError("--summary", path, "is a folder")
