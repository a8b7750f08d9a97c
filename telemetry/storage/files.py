"""Files by path, on this machine or in a bucket: listed, read whole and written whole.

A path with a scheme (``gs://``, ``s3://``, ``azfs://``, whatever Beam has a filesystem for) goes through Beam, which
is loaded only then; credentials and endpoints come from Beam's options or from the environment
(``GOOGLE_APPLICATION_CREDENTIALS``, ``AWS_*``, ``AZURE_STORAGE_CONNECTION_STRING``). A path without one
is a file of this machine.
"""

import contextlib
import functools
import importlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from telemetry.errors import TelemetryError
from telemetry.extras import missing_filesystem

_SCHEME: Final = re.compile(r"([a-zA-Z][-a-zA-Z0-9+.]*)://")
_OBJECT_STORES: Final = frozenset({"gs", "s3", "azfs"})
"""Where an object appears when it is complete; elsewhere a temporary name hides it until then."""
_AWS_VARIABLES: Final = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_REGION")
_AT_ONCE: Final = 16  # files of a bucket read at a time: what they wait for is the network
_PATIENCE_S: Final = 60.0
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0
_FAILURES: Final = (
    ("apache_beam.io.filesystem", "BeamIOError"),
    ("apache_beam.io.aws.clients.s3.messages", "S3ClientError"),
    ("apache_beam.io.azure.blobstorageio", "BlobStorageError"),
    ("azure.core.exceptions", "AzureError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("google.api_core.exceptions", "GoogleAPIError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("google.cloud.storage.exceptions", "InvalidResponse"),
)
"""What Beam's filesystems raise besides OSError when a service does not answer or refuses."""
T = TypeVar("T")


class StorageError(TelemetryError):
    """A file or folder that cannot be listed, read or written."""

    def __init__(self, path: str, problem: str) -> None:
        """Name the path and what is wrong with it."""
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def scheme_of(path: str) -> str:
    """Return ``gs`` of ``gs://bucket/name``; "" for a file of this machine."""
    found = _SCHEME.match(path)
    return found[1] if found else ""


def join(folder: str, *names: str) -> str:
    """Return the path of something below a folder."""
    if not scheme_of(folder):
        return os.path.join(folder, *names)
    return "/".join((folder.rstrip("/"), *names))


def list_files(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return the files anywhere below a folder whose names end so, sorted; none if there is no such folder.

    What begins with ``.`` or ``_`` is passed over, and so is what lies in folders of such names: it is unfinished.

    Raises:
        StorageError: if it cannot be listed.
    """
    found = _walk(folder) if not scheme_of(folder) else _match(folder)
    return sorted(path for path in found if path.endswith(suffixes))


def exists(folder: str) -> bool:
    """Return whether anything lies at or below a path.

    Raises:
        StorageError: if it cannot be listed.
    """
    return os.path.exists(folder) if not scheme_of(folder) else bool(_match(folder))


def read_file(path: str) -> bytes:
    """Return the whole content of a file.

    Raises:
        StorageError: if it cannot be read.
    """
    if not scheme_of(path):
        with _explained(path, (OSError,)), open(path, "rb") as file:
            return file.read()
    with _explained(path, remote_failures()), _open(path) as file:
        content: bytes = file.read()
        return content


def read_files(paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of files in order; those of a bucket are fetched several at a time.

    Raises:
        StorageError: at the first that cannot be read.
    """
    paths = list(paths)
    if not any(map(scheme_of, paths)):
        yield from ((path, read_file(path)) for path in paths)
        return
    for start in range(0, len(paths), 4 * _AT_ONCE):  # a bound on what is held at a time
        some = paths[start : start + 4 * _AT_ONCE]
        yield from zip(some, _readers().map(read_file, some), strict=True)


def write_file(path: str, content: bytes, patience_s: float | None = None) -> None:
    """Write a whole file, which appears when it is complete; writing it again leaves the same file.

    Args:
        path: its final name.
        content: all of it.
        patience_s: how long a service that does not answer is tried again, seconds, on top of what Beam tries by
            itself (Google's client: two minutes); a minute if it is not said. A disk is tried once.

    Raises:
        StorageError: if it cannot be written; then it does not appear.
    """
    scheme = scheme_of(path)
    if not scheme:
        with _explained(path, (OSError,)):
            _write_local(path, content)
        return
    _filesystems(path)  # what nothing here can write is not tried for a minute
    put = _put if scheme in _OBJECT_STORES else _put_and_rename
    with _explained(path, remote_failures()):
        _persist(functools.partial(put, path, content), _PATIENCE_S if patience_s is None else patience_s)


def delete_file(path: str) -> None:
    """Remove a file.

    Raises:
        StorageError: if it cannot be removed.
    """
    if not scheme_of(path):
        with _explained(path, (OSError,)):
            os.remove(path)
        return
    with _explained(path, remote_failures()):
        _filesystems(path).delete([path])


@functools.cache
def remote_failures() -> tuple[type[Exception], ...]:
    """Return what Beam's filesystems raise when a service fails, of the libraries that are installed here."""
    found: list[type[Exception]] = [OSError]
    for module, name in _FAILURES:
        with contextlib.suppress(ImportError, AttributeError):
            found.append(getattr(importlib.import_module(module), name))
    return tuple(found)


_BINARY: Final = "application/octet-stream"
_AS_IT_IS: Final = "uncompressed"


@functools.cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read")


def _open(path: str) -> Any:
    files = _filesystems(path)
    if scheme_of(path) == "s3":
        return _s3(files).open(path, "rb", mime_type=_BINARY)
    return files.open(path, _BINARY, _AS_IT_IS)


def _create(path: str) -> Any:
    files = _filesystems(path)
    if scheme_of(path) == "s3":
        return _s3(files).open(path, "wb", mime_type=_BINARY)
    return files.create(path, _BINARY, _AS_IT_IS)


_OWN: Final = threading.local()


def _s3(files: Any) -> Any:
    """Return this thread's access to S3. Beam would make a client for each file, which takes longer than the file."""
    from apache_beam.io.aws.s3io import S3IO

    known_by = (files._pipeline_options, *(os.environ.get(name) for name in _AWS_VARIABLES))
    if getattr(_OWN, "known_by", None) != known_by:
        _OWN.known_by, _OWN.s3 = known_by, S3IO(options=files._pipeline_options)
    return _OWN.s3


def _filesystems(path: str) -> Any:
    """Return Beam's filesystems, after checking that one of them is for this path."""
    if problem := missing_filesystem(scheme_of(path)):
        raise StorageError(path, problem)
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    if FileSystems._pipeline_options is None:  # outside of a job; Azure's does not work without any
        FileSystems.set_options(PipelineOptions([]))
    try:
        FileSystems.get_filesystem(path)
    except ValueError as error:
        raise StorageError(path, f"Beam has no filesystem for {scheme_of(path)}:// here") from error
    return FileSystems


def _walk(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise StorageError(str(error.filename or folder), error.strerror or str(error)) from error

    if not os.path.isdir(folder):
        return
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (os.path.join(parent, name) for name in names if not name.startswith((".", "_")))


def _match(folder: str) -> list[str]:
    prefix = folder.rstrip("/") + "/"
    with _explained(folder, remote_failures()):
        (result,) = _filesystems(folder).match([f"{prefix}**"])
    paths = [str(entry.path) for entry in result.metadata_list]
    return [path for path in paths if not re.search(r"(^|/)[._]", path.removeprefix(prefix))]


def _write_local(path: str, content: bytes) -> None:
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    partial = os.path.join(folder, f".{name}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(content)
    except OSError as error:
        error.filename = error.filename or path  # a full disk does not say what was being written
        with contextlib.suppress(OSError):
            os.remove(partial)
        raise
    os.replace(partial, path)


def _put(path: str, content: bytes) -> None:
    file = _create(path)
    try:
        file.write(content)  # at once: closing what was written in part would publish the part
    except remote_failures():
        with contextlib.suppress(*remote_failures(), ValueError):  # ValueError: an upload beyond repair
            file.close()
        raise
    file.close()


def _put_and_rename(path: str, content: bytes) -> None:
    folder, _, name = path.rpartition("/")
    partial = f"{folder}/.{name}.partial"
    _put(partial, content)
    _filesystems(path).rename([partial], [path])


def _persist(attempt: Callable[[], T], patience_s: float) -> T:
    """Try until it succeeds, with growing pauses; after the patience is over its failure is final."""
    until, pause_s = time.monotonic() + patience_s, _FIRST_PAUSE_S
    while True:
        try:
            return attempt()
        except remote_failures():
            if time.monotonic() + pause_s > until:
                raise
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


@contextlib.contextmanager
def _explained(path: str, kinds: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn what went wrong with a path into a StorageError."""
    try:
        yield
    except kinds as error:
        named = getattr(error, "filename", None) or path
        text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
        raise StorageError(str(named), " ".join(str(text).split()) or type(error).__name__) from error
