"""Run the job from its command line: our own flags are checked before Beam is loaded."""

import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pipeline.arguments import EXAMPLES, add_arguments, build_parser, spell_out
from telemetry.cli.commands import exit_code
from telemetry.cli.suggestions import resembling
from telemetry.errors import ConfigError
from telemetry.extras import missing_package
from telemetry.storage.buckets import check_extra
from telemetry.storage.paths import StorageError

if TYPE_CHECKING:
    from pipeline.config import JobConfig

__all__ = ["EXAMPLES", "add_arguments", "main"]

_MODULE: Final = "python -m "


def main(args: Sequence[str], *, program: str, alone: bool = False) -> int:
    """Run the job and return the exit code.

    Args:
        args: the command line.
        program: how the job is started, as its usage line shows it.
        alone: whether the process exists for this job only, so that it may be configured for it: Beam is loaded
            without its extras, and freed memory is kept.
    """
    return exit_code(program.removeprefix(_MODULE), lambda: _run(args, program, alone))


def _run(args: Sequence[str], program: str, alone: bool) -> int:
    known, beam_args = build_parser(program).parse_known_args(spell_out(args))
    from pipeline.config import make_config  # only now: --help needs no more
    from pipeline.job_identity import InputDigests
    from pipeline.startup.block_imports import block_imports, unused

    try:
        config = make_config(known, beam_args)
    except ConfigError:
        _check_spelling(beam_args)
        raise
    _check_extras(config)
    digests = InputDigests.start(config.inputs)  # in a thread, while Beam is loaded
    if alone:
        from pipeline.startup.malloc import keep_freed_memory

        keep_freed_memory()
    with block_imports(unused(config) if alone else ()):
        from pipeline.run import run_config  # only now: a mistake is reported before Beam is loaded

        gc.freeze()  # what is loaded stays: the collector need not search it again and again
        return run_config(config, digests)


def _check_extras(config: "JobConfig") -> None:
    """Check that the packages for the job's buckets and tables are installed, before Beam warns of each that is not.

    Raises:
        ConfigError: naming the flag, its value and the extra to install.
    """
    named = [("--input", path) for path in config.inputs] + [
        ("--output", config.output),
        ("--warm-start", config.warm_start),
    ]
    for flag, path in named:
        try:
            check_extra(path)
        except StorageError as error:
            raise ConfigError(flag, path, error.problem) from error
    if config.bigquery and (problem := missing_package("google.cloud.bigquery")):
        raise ConfigError("--bigquery", config.bigquery, problem)


def _check_spelling(beam_args: Sequence[str]) -> None:
    """Report a misspelt flag of ours in place of the complaint that a flag is missing.

    Raises:
        ConfigError: for a flag that resembles one of ours, and that Beam does not know either.
    """
    ours = [flag for action in build_parser()._actions for flag in action.option_strings]
    if any(arg.startswith("--") and resembling(arg, ours) for arg in beam_args):
        from pipeline.options import check_beam_args  # Beam is loaded for its list of flags

        check_beam_args(beam_args)
