"""Read stored readings for rules: files as the job reads them, or the archive that a job has written."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.cli.exit_codes import nothing_usable
from telemetry.errors import ConfigError, NothingUsableError
from telemetry.model.kinds import KINDS
from telemetry.model.message_batch import MessageBatch
from telemetry.model.records import DeadLetter
from telemetry.storage.files import StorageError, join, list_files, read_file
from telemetry.storage.result_store import columns_in, read_tables
from transforms.decode.codec import decode_parts
from transforms.decode.decode_spec import DecodeSpec
from transforms.incidents.watched_rows import WatchedRows, watched_rows

_KIND: Final = "readings"
_PARQUET: Final = ".parquet"


@dataclass
class Rejections:
    """Rows that could not be used, counted by reason, with an example of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Count dead letters."""
        for letter in letters:
            self.counts[letter.reason] += 1
            if letter.reason not in self.examples:
                content = base64.b64decode(letter.payload).decode("utf-8", "backslashreplace")
                self.examples[letter.reason] = f"{content.strip()} ({letter.error})"

    def refuse(self) -> NothingUsableError:
        """Return the error of an input without a usable row."""
        reason, count = max(self.counts.items(), key=lambda item: item[1], default=("", 0))
        return NothingUsableError(nothing_usable(reason, count, self.examples.get(reason, "")))


def read_inputs(
    globs: Sequence[str],
    spec: DecodeSpec,
    watched: tuple[str, ...],
    rejections: Rejections,
) -> Iterator[WatchedRows]:
    """Yield the readings of files, in the order in which the job reads them; loads Beam.

    Args:
        globs: of files that the job reads, plain or packed, on any Beam filesystem.
        spec: how they are decoded.
        watched: the metrics that rules look at.
        rejections: rows that cannot be decoded are counted there.

    Raises:
        ConfigError: if a glob matches nothing, or a file cannot be read.
    """
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.sources.files import plan_portions, read_portion

    if FileSystems._pipeline_options is None:  # outside of a job
        FileSystems.set_options(PipelineOptions([]))
    for portion in plan_portions(globs, spec.feed):
        try:
            for message in read_portion(portion):
                for decoded in decode_parts(MessageBatch.of([message]), spec):
                    rejections.add(decoded.rejected)
                    if decoded.readings is not None:
                        yield watched_rows(decoded.readings, watched)
        except OSError as error:
            raise ConfigError("--input", portion.ranges[0].path, f"cannot be read: {error}") from error


def read_archive(folders: Sequence[str], metrics: tuple[str, ...]) -> Iterator[WatchedRows]:
    """Yield the readings of an archive, file after file.

    Args:
        folders: outputs of jobs with ``--archive``, folders of their readings, or single files.
        metrics: names of the metrics to read.

    Raises:
        ConfigError: if a folder holds no archive, or a file cannot be read or has no column of a metric.
    """
    try:
        for folder in folders:
            for _, table in read_tables(_KIND, _archived_files(folder), ["device", "event_time", *metrics]):
                if len(table):
                    yield _rows_of(table, metrics)
    except StorageError as error:
        raise ConfigError("--readings", error.path, error.problem) from error


def archived_metrics(folders: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics of the first file of an archive.

    Args:
        folders: as those of `read_archive`.

    Raises:
        ConfigError: if a folder holds no archive, or the file cannot be read or has no metric.
    """
    path = next(_archived_files(folder)[0] for folder in folders)
    own = KINDS[_KIND].schema().names
    try:
        metrics = tuple(name for name in columns_in(_KIND, path, read_file(path)) if name not in own)
    except StorageError as error:
        raise ConfigError("--readings", error.path, error.problem) from error
    if not metrics:
        raise ConfigError("--readings", path, "has no column of a metric")
    return metrics


def _archived_files(folder: str) -> list[str]:
    if folder.endswith(_PARQUET):
        return [folder]
    found = list_files(join(folder, _KIND), (_PARQUET,)) or list_files(folder, (_PARQUET,))
    if not found:
        raise ConfigError("--readings", folder, "no .parquet file of an archive in it")
    return found


def _rows_of(table: pa.Table, metrics: tuple[str, ...]) -> WatchedRows:
    device = table.column("device").combine_chunks().dictionary_encode()
    event_us = table.column("event_time").cast(pa.int64()).to_numpy()
    values = [pc.fill_null(table.column(metric), np.nan).to_numpy() for metric in metrics]
    return WatchedRows(
        metrics,
        tuple(device.dictionary.to_pylist()),
        device.indices.to_numpy(),
        event_us,
        np.array(values, np.float64).reshape(len(metrics), len(event_us)),
    )
