"""Define a patch: a change to Beam's internals for the duration of a block."""

import contextlib
import functools
import importlib
import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TESTED: Final = ("2.77",)
"""Releases of Beam that the patches were tested with, as major and minor number."""


@dataclass(frozen=True, slots=True)
class BeamPatch:
    """A change to Beam's internals.

    Attributes:
        name: the name by which the switch turns it off; also that of its module, with underscores.
        purpose: why it exists.
        without: what is lost where it is not applied.
        upstream: the change in Beam that would replace it.
        releases: of Beam that it was tested with, as major and minor number.
    """

    name: str
    purpose: str
    without: str
    upstream: str
    releases: tuple[str, ...] = TESTED

    def is_tested(self) -> bool:
        """Return whether it was tested with the release of Beam that is installed."""
        return release_of(beam_version()) in self.releases

    @contextlib.contextmanager
    def applied(self, *arguments: object) -> Iterator[None]:
        """Apply the patch with its arguments for the duration of a block, whatever the release of Beam."""
        module = importlib.import_module(f"pipeline.beam_patches.{self.name.replace('-', '_')}")  # loads Beam
        with module.patch(*arguments):
            yield


@functools.cache
def beam_version() -> str:
    """Return the version of Beam that is installed, without loading it."""
    return importlib.metadata.version("apache-beam")


def release_of(version: str) -> str:
    """Return the major and minor number of a version."""
    return ".".join(version.split(".")[:2])


@contextlib.contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Replace an attribute of a module or class for the duration of a block.

    Raises:
        AttributeError: if there is no such attribute.
    """
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
