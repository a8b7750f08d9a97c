"""What is tried before anything runs: everything that is written to can be."""

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
    """Try everything that results go to: folders and tables can be written, topics exist. Makes missing tables.

    Raises:
        ConfigError: for the first that cannot be used.
    """
    if config.output:
        check_output(config.output)
    if config.bigquery:
        from telemetry.bigquery.client import connect, prepare_tables  # Google's client is loaded where it is used

        specs = table_specs(config.metrics, archive=config.archive)
        for name in prepare_tables(connect(config.bigquery), config.bigquery, specs):
            _LOG.info("created %s in %s", name, config.bigquery)
    for flag, topic in (("--alerts-topic", config.alerts_topic), ("--dead-letter-topic", config.dead_letter_topic)):
        if topic:
            from telemetry.pubsub.client import check_topic  # Pub/Sub's client is loaded where it is used

            check_topic(flag, topic)
    if config.summary:
        check_summary(config.summary)


def check_summary(path: str) -> None:
    """Check that a file can be where the summary is to be written; writes nothing.

    Raises:
        ConfigError: if it cannot.
    """
    if not Path(path).absolute().parent.is_dir():
        raise ConfigError("--summary", path, "its folder does not exist")
    if Path(path).is_dir():
        raise ConfigError("--summary", path, "is a folder")
