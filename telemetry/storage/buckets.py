"""List, read, write and remove files in buckets, through Beam's filesystems.

Beam is loaded by the first call. Credentials and endpoints come from Beam's options or from the environment
(``GOOGLE_APPLICATION_CREDENTIALS``, ``AWS_*``, ``AZURE_STORAGE_CONNECTION_STRING``).
"""

import contextlib
import functools
import importlib
import os
import re
import threading
from dataclasses import replace
from typing import Any, Final

from telemetry.extras import install_command
from telemetry.retries import Retries, RetryPolicy
from telemetry.storage.disk import partial_name
from telemetry.storage.paths import StorageError, scheme_of, storage_errors

RETRIES: Final = RetryPolicy(patience_s=60.0, first_pause_s=0.25, longest_pause_s=5.0)
"""For a service that does not answer, on top of what Beam tries by itself (Google's client: two minutes)."""
_OBJECT_STORES: Final = frozenset({"gs", "s3", "azfs"})
"""An object there appears when it is complete; elsewhere a temporary name hides it until then."""
_EXTRAS: Final = {
    "gs": ("gcp", ("google.cloud.storage",)),
    "s3": ("aws", ("boto3",)),
    "azfs": ("azure", ("azure.storage.blob", "azure.identity")),
}
"""For a scheme, the extra of this distribution that brings its client, and the modules that must be there."""
_AWS_VARIABLES: Final = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_REGION")
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
"""Exceptions, besides OSError, that Beam's filesystems raise when a service does not answer or refuses."""
_BINARY: Final = "application/octet-stream"
_UNCOMPRESSED: Final = "uncompressed"
_THREAD: Final = threading.local()


def match(folder: str) -> list[str]:
    """Return the files below a folder, except unfinished ones.

    Raises:
        StorageError: if it cannot be listed.
    """
    prefix = folder.rstrip("/") + "/"
    with storage_errors(folder, remote_failures()):
        (result,) = _filesystems(folder).match([f"{prefix}**"])
    paths = [str(entry.path) for entry in result.metadata_list]
    return [path for path in paths if not re.search(r"(^|/)[._]", path.removeprefix(prefix))]


def stamp(path: str) -> str:
    """Return the size of a file and when it was written; "" if there is none.

    Raises:
        StorageError: if it cannot be looked at.
    """
    with storage_errors(path, remote_failures()):
        (result,) = _filesystems(path).match([path])
    found = [entry for entry in result.metadata_list if entry.path == path]
    return f"{found[0].size_in_bytes} {found[0].last_updated_in_seconds}" if found else ""


def read(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        StorageError: if it cannot be read.
    """
    with storage_errors(path, remote_failures()), _open(path) as file:
        content: bytes = file.read()
        return content


def write(path: str, content: bytes, patience_s: float | None = None) -> None:
    """Write a file, again and again while the service does not answer.

    Args:
        path: its final name.
        content: all of it.
        patience_s: in place of that of `RETRIES`, seconds.

    Raises:
        StorageError: if it cannot be written.
    """
    _filesystems(path)  # a path that cannot be written from here is not retried
    put = _put if scheme_of(path) in _OBJECT_STORES else _put_and_rename
    retries = Retries(RETRIES if patience_s is None else replace(RETRIES, patience_s=patience_s))
    retries.begin()
    with storage_errors(path, remote_failures()):
        while True:
            try:
                put(path, content)
                return
            except remote_failures():
                if not retries.wait():
                    raise


def remove(path: str) -> None:
    """Remove a file.

    Raises:
        StorageError: if it cannot be removed.
    """
    with storage_errors(path, remote_failures()):
        _filesystems(path).delete([path])


def check_extra(path: str) -> None:
    """Check that the client for a path is installed: without it Beam's filesystem fails at its first use.

    Raises:
        StorageError: if it is not; it names the extra to install.
    """
    extra, modules = _EXTRAS.get(scheme_of(path), ("", ()))
    try:
        for module in modules:
            importlib.import_module(module)
    except ImportError as error:
        problem = f"{scheme_of(path)}:// needs an extra that is not installed: {install_command(extra)}"
        raise StorageError(path, problem) from error


@functools.cache
def remote_failures() -> tuple[type[Exception], ...]:
    """Return the exceptions of a failing service, of the libraries that are installed here."""
    found: list[type[Exception]] = [OSError]
    for module, name in _FAILURES:
        with contextlib.suppress(ImportError, AttributeError):
            found.append(getattr(importlib.import_module(module), name))
    return tuple(found)


def _open(path: str) -> Any:
    files = _filesystems(path)
    if scheme_of(path) == "s3":
        return _s3(files).open(path, "rb", mime_type=_BINARY)
    return files.open(path, _BINARY, _UNCOMPRESSED)


def _create(path: str) -> Any:
    files = _filesystems(path)
    if scheme_of(path) == "s3":
        return _s3(files).open(path, "wb", mime_type=_BINARY)
    return files.create(path, _BINARY, _UNCOMPRESSED)


def _put(path: str, content: bytes) -> None:
    file = _create(path)
    try:
        file.write(content)  # as a whole: closing a file that was written in part would publish that part
    except remote_failures():
        with contextlib.suppress(*remote_failures(), ValueError):  # ValueError: an upload beyond repair
            file.close()
        raise
    file.close()


def _put_and_rename(path: str, content: bytes) -> None:
    folder, _, name = path.rpartition("/")
    partial = f"{folder}/{partial_name(name)}"  # of its own: two jobs may write the same file
    _put(partial, content)
    _filesystems(path).rename([partial], [path])


def _s3(files: Any) -> Any:
    """Return this thread's access to S3. Beam would make a client for each file, which takes longer than the file."""
    from apache_beam.io.aws.s3io import S3IO

    settings = (files._pipeline_options, *(os.environ.get(name) for name in _AWS_VARIABLES))
    if getattr(_THREAD, "settings", None) != settings:
        _THREAD.settings, _THREAD.s3 = settings, S3IO(options=files._pipeline_options)
    return _THREAD.s3


def _filesystems(path: str) -> Any:
    """Return Beam's filesystems, after a check that one of them can be used for this path."""
    check_extra(path)  # before Beam is loaded, which logs that a filesystem is missing
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    if FileSystems._pipeline_options is None:  # outside of a job; Azure's does not work without any
        FileSystems.set_options(PipelineOptions([]))
    try:
        FileSystems.get_filesystem(path)
    except ValueError as error:
        raise StorageError(path, f"Beam has no filesystem for {scheme_of(path)}:// here") from error
    return FileSystems
