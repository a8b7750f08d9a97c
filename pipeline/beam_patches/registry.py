"""List the patches, and apply those that neither Beam's version nor the switch leaves out.

The switch is the environment variable `TELEMETRY_BEAM_PATCHES_OFF`: ``all``, or names separated by commas. A patch is
also left out where the installed release of Beam is not one that it was tested with; then the job logs one warning.
The field `without` of each names the loss; what a job that succeeds writes is the same without any patch.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Final

from pipeline.beam_patches.patch import BeamPatch, beam_version
from telemetry.errors import ConfigError

SWITCH: Final = "TELEMETRY_BEAM_PATCHES_OFF"

BLOCK_IMPORTS: Final = BeamPatch(
    "block-imports",
    purpose="A job from local files to local files starts without the clients of clouds, which Beam would load.",
    without="such a job starts about a second later",
    upstream="No upstream issue is known; Beam would have to import optional clients where they are used.",
)
CACHE_DOFN_SIGNATURES: Final = BeamPatch(
    "cache-dofn-signatures",
    purpose="Beam inspects the signatures of a DoFn's methods once, not at each step or bundle.",
    without="a local stream is slower, and a job on this machine starts later",
    upstream="https://github.com/apache/beam/pull/9925, closed without being merged, memoized the same functions.",
)
CACHE_TYPE_OPTIONS: Final = BeamPatch(
    "cache-type-options",
    purpose="Beam parses the options of type checks once, not hundreds of times while a graph is built.",
    without="a job on this machine starts later",
    upstream="No upstream issue is known; `PipelineOptions.view_as` would have to keep its parsers.",
)
COUNT_EVERY_BUNDLE: Final = BeamPatch(
    "count-every-bundle",
    purpose="The local stream runner counts the metrics of every bundle of a step, not only of the first.",
    without="the summary of a local stream counts only a part",
    upstream="No upstream issue is known; a StateSampler would have to take the metrics container of the new bundle.",
)
KEEP_STATE: Final = BeamPatch(
    "keep-state",
    purpose="A local stream keeps the state of its steps on disk (--state), so that kill -9 loses nothing.",
    without="a local stream runs with --state none only: a crash loses what it has acknowledged and not written",
    upstream="No upstream issue is known; the local stream runner would have to write its state where it is told.",
)
REPORT_FAILED_BUNDLES: Final = BeamPatch(
    "report-failed-bundles",
    purpose="A local stream acknowledges no message after a step has failed for good.",
    without="a local stream that fails may acknowledge messages that it did not process",
    upstream="No upstream issue is known; the local stream runner would have to take no event after a failure.",
)
WORKER_PROCESSES: Final = BeamPatch(
    "worker-processes",
    purpose="The job starts and watches its worker processes, so that a worker that is killed ends the job, and serves "
    "them alone: on the loopback interface, with a token.",
    without="only one process reads files, because Beam's own runner opens ports to it on every network interface",
    upstream="https://github.com/apache/beam/issues/19674: the multi-process runner does not end with its workers. "
    "No upstream issue is known about its ports.",
)
PATCHES: Final = (
    BLOCK_IMPORTS,
    CACHE_DOFN_SIGNATURES,
    CACHE_TYPE_OPTIONS,
    COUNT_EVERY_BUNDLE,
    KEEP_STATE,
    REPORT_FAILED_BUNDLES,
    WORKER_PROCESSES,
)


def is_on(patch: BeamPatch) -> bool:
    """Return whether a patch is to be applied.

    Raises:
        ConfigError: if the switch names a patch that does not exist.
    """
    return patch.name not in switched_off() and patch.is_tested()


def switched_off() -> frozenset[str]:
    """Return the names of the patches that the switch turns off.

    Raises:
        ConfigError: if it names one that does not exist.
    """
    names = frozenset(patch.name for patch in PATCHES)
    text = os.environ.get("TELEMETRY_BEAM_PATCHES_OFF", "")
    if text == "all":
        return names
    given = frozenset(word.strip() for word in text.split(",") if word.strip())
    if not given <= names:
        raise ConfigError(SWITCH, text, f"must be all, or some of {', '.join(sorted(names))}")
    return given


def untested() -> str:
    """Return a warning about the patches that Beam's version leaves out, or ""."""
    left_out = [patch for patch in PATCHES if patch.name not in switched_off() and not patch.is_tested()]
    if not left_out:
        return ""
    losses = "; ".join(f"{patch.name}: {patch.without}" for patch in left_out)
    return f"patches were not tested with Beam {beam_version()} and are not applied ({losses})"


@contextlib.contextmanager
def patched(patch: BeamPatch, *arguments: object) -> Iterator[None]:
    """Apply a patch with its arguments for the duration of a block, if it is on.

    Raises:
        ConfigError: if the switch names a patch that does not exist.
    """
    with patch.applied(*arguments) if is_on(patch) else contextlib.nullcontext():
        yield
