"""What a run does not use is not imported, so that a small job starts quickly.

Beam imports the clients of every cloud that it finds installed, and pandas, whatever the pipeline does; that takes
longer than all the rest of its import. To Beam each of them is optional, an extra of its package: a job from files of
this machine to files of this machine runs as if they were not installed.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.config import JobConfig
from telemetry.storage.files import scheme_of

EXTRAS: Final = (
    *("apache_beam.io.gcp", "apache_beam.io.aws", "apache_beam.io.azure"),  # filesystems and services
    *("google.cloud", "google.auth", "google.api_core", "apitools"),  # clients that other parts of Beam look for
    "pandas",  # which pyarrow looks for, too
)


def unused(config: JobConfig) -> tuple[str, ...]:
    """Return the packages that a job can do without; none for one that may need any of them."""
    services = (config.bigquery, config.subscription, config.topic, config.alerts_topic, config.dead_letter_topic)
    remote = any(services) or any(map(scheme_of, (*config.inputs, config.output)))
    if remote or not all(arg.startswith(("--direct_", *"0123456789")) for arg in config.beam_args):
        return ()
    return EXTRAS


@contextlib.contextmanager
def block_imports(names: Sequence[str]) -> Iterator[None]:
    """Make importing these packages, and what is in them, fail as if they were not installed.

    What is imported already stays.
    """
    finder = _NotInstalled(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _NotInstalled:
    """Is asked by Python for a module before anybody who could find it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._within = tuple(f"{name}." for name in names)

    def find_spec(self, name: str, *_where: object) -> None:
        if name in self._names or name.startswith(self._within):
            raise ModuleNotFoundError(f"{name} is not used by this run", name=name)
