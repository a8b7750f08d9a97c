"""Mark in an output folder which jobs have written there: ``<folder>/.jobs/<job>.json``.

A marker is written before the first result, so that a job can be told about results of other jobs without reading them.
"""

import hashlib
import re
from typing import Final

import msgspec

from telemetry.model.kinds import KINDS
from telemetry.storage.files import StorageError, join, list_files, read_files, write_file

_FOLDER: Final = ".jobs"
_PLAIN: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_RESULTS: Final = (".jsonl", ".parquet")


class JobMarker(msgspec.Struct, frozen=True):
    """Description of a job that writes to a folder.

    Attributes:
        job_id: as in its records.
        source: its input, for a person.
        started: when it first began to write, RFC 3339.
        rules_version: hash of its rules.
    """

    job_id: str
    source: str = ""
    started: str = ""
    rules_version: str = ""


def read_markers(folder: str) -> dict[str, JobMarker]:
    """Return the markers of a folder by job.

    Raises:
        StorageError: if one cannot be read, or is none.
    """
    found = {}
    for path, content in read_files(list_files(join(folder, _FOLDER), (".json",))):
        try:
            marker = msgspec.json.decode(content, type=JobMarker)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StorageError(path, f"not the marker of a job: {error}") from error
        found[marker.job_id] = marker
    return found


def write_marker(folder: str, marker: JobMarker) -> None:
    """Write the marker of a job durably, unless it is there.

    Raises:
        StorageError: if it cannot be written.
    """
    if marker.job_id in read_markers(folder):
        return
    job = marker.job_id
    name = job if _PLAIN.fullmatch(job) else hashlib.blake2b(job.encode(), digest_size=10).hexdigest()
    write_file(join(folder, _FOLDER, f"{name}.json"), msgspec.json.encode(marker) + b"\n", durable=True)


def jobs_in(folder: str) -> dict[str, JobMarker]:
    """Return the jobs of which a folder has results; job "" stands for those of releases without markers.

    Raises:
        StorageError: if it cannot be listed, or a marker cannot be read.
    """
    if not any(list_files(join(folder, kind), _RESULTS) for kind in KINDS):
        return {}
    return read_markers(folder) or {"": JobMarker("")}
