"""Convert the flags to Beam options, and refuse flags that neither the job nor Beam knows."""

import argparse
import contextlib
import io
from collections.abc import Sequence

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from pipeline.arguments import add_arguments, build_parser
from pipeline.config import LOCAL_RUNNERS, JobConfig
from telemetry.cli.suggestions import unknown_flag
from telemetry.errors import ConfigError
from telemetry.webhooks.webhook import check_variables


class TelemetryOptions(PipelineOptions):
    """The job's flags as Beam options, for its templates."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        add_arguments(parser)


def beam_options(config: JobConfig) -> PipelineOptions:
    """Return the options for Beam.

    Raises:
        ConfigError: for a flag that neither the job nor Beam knows, or a value Beam refuses.
    """
    check_beam_args(config.beam_args)
    # Workers need the package only; on Dataflow Beam would send them the launcher's session as well.
    own = {"save_main_session": False, **config.flags}
    options = PipelineOptions(list(config.beam_args), streaming=config.streaming, **own)
    if is_local(options):
        mode = options.view_as(DirectOptions).direct_running_mode
        if mode != "in_memory":
            problem = "opens ports on every network interface; use --direct_num_workers for several processes"
            raise ConfigError("--direct_running_mode", mode, problem)
        if config.bigquery and config.bigquery.method != "streaming_inserts":
            problem = "needs Beam's Java services, which only a remote --runner has; locally: streaming_inserts"
            raise ConfigError("--bigquery-method", config.bigquery.method, problem)
        for webhook in config.webhooks:
            check_variables(webhook)
    else:
        name = options.view_as(StandardOptions).runner
        try:
            create_runner(name)
        except (ValueError, ImportError, AttributeError) as error:
            raise ConfigError("--runner", name, "is no runner that Beam has here") from error
    return options


def check_beam_args(args: Sequence[str]) -> None:
    """Check what the job's own parser has left over.

    Raises:
        ConfigError: for a flag that neither the job nor Beam knows, or a value Beam refuses.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for options_class in PipelineOptions.__subclasses__():
        if options_class is not TelemetryOptions:
            options_class._add_argparse_args(parser)
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            _, unknown = parser.parse_known_args(list(args))
    except SystemExit as error:
        problem = complaint.getvalue().strip().splitlines()[-1].rpartition("error: ")[2]
        flag, _, text = problem.removeprefix("argument ").partition(": ")
        raise ConfigError(flag, "", text or "not understood") from error
    if unknown:
        ours = [flag for action in build_parser()._actions for flag in action.option_strings]
        problem = unknown_flag(unknown[0], [*ours, *parser._option_string_actions])
        raise ConfigError(unknown[0], "", problem if unknown[0].startswith("-") else "not expected here")


def is_local(options: PipelineOptions) -> bool:
    """Return whether the job runs on this machine."""
    return (options.view_as(StandardOptions).runner or "") in LOCAL_RUNNERS
