"""Identify a job, so that results of several jobs in one place stay distinguishable.

A bounded job is identified by its input and by the part of its configuration that changes results: the same job again
has the same id, and writes the same records again. A job on other content, or by other rules, has another id. Every
stream is a job of its own. Imports Beam only for files in buckets.
"""

import glob
import hashlib
import os
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pipeline.config import JobConfig
from telemetry.errors import ConfigError
from telemetry.feed.feed import is_canonical
from telemetry.storage.files import scheme_of

_FORMAT: Final = 1
"""Number of the rule by which the ids of bounded jobs are made."""
_BLOCK: Final = 4 << 20
_ID_BYTES: Final = 8


def new_job_id() -> str:
    """Return an id that no other job has, for a stream that begins."""
    return uuid.uuid4().hex[: 2 * _ID_BYTES]


@dataclass
class InputDigests:
    """Digests of local input files, computed by a thread while the process loads Beam.

    Attributes:
        by_path: SHA-256 of the content of each file, by its absolute path.
    """

    by_path: dict[str, str] = field(default_factory=dict)
    _thread: threading.Thread | None = None

    @staticmethod
    def start(globs: Iterable[str]) -> "InputDigests":
        """Begin to read the files that local globs match."""
        digests = InputDigests()
        local = [pattern for pattern in globs if not scheme_of(pattern)]
        if local:
            digests._thread = threading.Thread(target=digests._read, args=(local,), name="digests", daemon=True)
            digests._thread.start()
        return digests

    def of(self, path: str) -> str:
        """Return the digest of a local file; waits for the thread.

        Raises:
            ConfigError: if the file cannot be read.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        known = os.path.abspath(path)
        if known not in self.by_path:
            try:
                self.by_path[known] = _digest(known)
            except OSError as error:
                raise ConfigError("--input", path, f"cannot be read: {error.strerror or error}") from error
        return self.by_path[known]

    def _read(self, globs: Sequence[str]) -> None:
        for path in (path for pattern in globs for path in sorted(glob.glob(pattern, recursive=True))):
            try:
                self.by_path[os.path.abspath(path)] = _digest(path)
            except OSError:  # `of` reads it again and reports the reason
                return


def bounded_job_id(config: JobConfig, paths: Iterable[str], digests: InputDigests | None = None) -> str:
    """Return the id of a job on files.

    Args:
        config: of the job; feed, metrics, rules, windows and the removal of repeats change its results.
        paths: of the input files. They are part of the records, and so of the id.
        digests: of local files, as far as they are known.

    Raises:
        ConfigError: if a file cannot be read.
    """
    digests = digests or InputDigests()
    distinct_in_order = list(dict.fromkeys(paths))
    distinct = sorted(distinct_in_order)
    remote = _versions([path for path in distinct if scheme_of(path)])
    content = [(path, remote[path] if scheme_of(path) else digests.of(path)) for path in distinct]
    zone = (config.windows.zone,) if config.windows.zone else ()
    windows = (config.windows.size_us, config.windows.slide_us, *zone)
    parts: tuple[object, ...] = (_FORMAT, config.rules.version, config.metrics, config.earliest_us, windows, content)
    if not is_canonical(config.feed):
        parts += (config.feed,)
    if config.dedup_readings_us is not None:
        parts += (("without repeats", distinct_in_order),)  # of equal readings the first one stays
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[: 2 * _ID_BYTES]


def _digest(path: str) -> str:
    digest, block = hashlib.sha256(), bytearray(_BLOCK)
    view = memoryview(block)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(view[:count])
    return digest.hexdigest()


def _versions(paths: Sequence[str]) -> Mapping[str, str]:
    """Return the size and the time of the last change of files in buckets, by path: reading them would take too long.

    Raises:
        ConfigError: if one cannot be listed.
    """
    if not paths:
        return {}
    from apache_beam.io.filesystem import BeamIOError  # only now: local files need no Beam
    from apache_beam.io.filesystems import FileSystems

    try:
        found = [entry for match in FileSystems.match(list(paths)) for entry in match.metadata_list]
    except BeamIOError as error:
        raise ConfigError("--input", paths[0], f"cannot be listed: {error}") from error
    listed = {entry.path: f"{entry.size_in_bytes} {entry.last_updated_in_seconds}" for entry in found}
    return {path: listed.get(path, "") for path in paths}
