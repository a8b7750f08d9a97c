"""Check before the job starts that everything it writes to can be written."""

import logging
import uuid
from pathlib import Path

from pipeline.config import JobConfig
from telemetry.bigquery.schema import table_specs
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError, delete_file, join, write_file

_LOG = logging.getLogger("pipeline")


def check_output(path: str) -> None:
    """Write and remove a small file.

    Raises:
        ConfigError: if that cannot be done.
    """
    probe = join(path, f".writable-{uuid.uuid4().hex}")
    try:
        write_file(probe, b"\n", patience_s=0)
        delete_file(probe)
    except StorageError as error:
        raise ConfigError("--output", path, f"cannot be written: {error.problem}") from error


def check_destinations(config: JobConfig) -> None:
    """Check that folders and tables can be written and that topics exist; create missing tables.

    Raises:
        ConfigError: for the first that cannot be used.
    """
    if config.output:
        check_output(config.output)
    if config.bigquery:
        from telemetry.bigquery.client import connect, prepare_tables  # loads Google's client

        specs = table_specs(config.metrics, archive=config.archive)
        for name in prepare_tables(connect(config.bigquery), config.bigquery, specs):
            _LOG.info("created %s in %s", name, config.bigquery)
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


def check_summary(path: str) -> None:
    """Check that the summary can be written to a path, without writing it.

    Raises:
        ConfigError: if it cannot.
    """
    if not Path(path).absolute().parent.is_dir():
        raise ConfigError("--summary", path, "its folder does not exist")
    if Path(path).is_dir():
        raise ConfigError("--summary", path, "is a folder")
