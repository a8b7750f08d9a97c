"""Block the imports that a job does not use, so that a small job starts quickly.

Beam imports the client of every cloud that is installed, and pandas, whatever the pipeline does; that takes longer
than the rest of its import. To Beam each of them is optional: a job from local files to local files runs as if they
were not installed. It is a patch of Beam (`pipeline.beam_patches.registry`), with the same guard and switch.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.beam_patches.registry import BLOCK_IMPORTS, is_on
from pipeline.config import JobConfig
from telemetry.storage.files import scheme_of

EXTRAS: Final = (
    *("apache_beam.io.gcp", "apache_beam.io.aws", "apache_beam.io.azure"),  # filesystems and services
    *("google.cloud", "google.auth", "google.api_core", "apitools"),  # clients that other parts of Beam look for
    "pandas",  # pyarrow looks for it, too
)


def unused(config: JobConfig) -> tuple[str, ...]:
    """Return the packages that a job can do without; none for a job that may need any of them.

    Raises:
        ConfigError: if the switch of the patches cannot be understood.
    """
    services = (config.bigquery, config.subscription, config.topic, config.alerts_topic, config.dead_letter_topic)
    remote = any(services) or any(map(scheme_of, (*config.inputs, config.output)))
    if remote or not all(arg.startswith(("--direct_", *"0123456789")) for arg in config.beam_args):
        return ()
    return EXTRAS if is_on(BLOCK_IMPORTS) else ()


@contextlib.contextmanager
def block_imports(names: Sequence[str]) -> Iterator[None]:
    """Make the import of these packages, and of modules in them, fail as if they were not installed.

    Modules that are loaded already stay.
    """
    finder = _BlockingFinder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _BlockingFinder:
    """Finder that Python asks first: it refuses the blocked packages and leaves all others to the next finder."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._within = tuple(f"{name}." for name in names)

    def find_spec(self, name: str, *_where: object) -> None:
        if name in self._names or name.startswith(self._within):
            raise ModuleNotFoundError(f"{name} is not used by this run", name=name)
