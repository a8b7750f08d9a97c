"""Launch the template with gcloud after checking its parameters: ``telemetry template run``."""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.arguments import build_parser, spell_out
from pipeline.config import make_config
from telemetry.cli.suggestions import did_you_mean
from telemetry.errors import ConfigError
from telemetry.feed.flags import read_metrics
from templates.metadata import load_metadata
from templates.names import add_place, check_names
from templates.parameters import LOCAL_ONLY
from templates.shell import Command, execute, require, show
from templates.validate import read_json

EXAMPLES: Final = """
%(prog)s --project my-project --region europe-west1 --dry-run --spec gs://my-bucket/telemetry.json \\
    --image europe-west1-docker.pkg.dev/my-project/iot/telemetry:1 --job-name telemetry --parameters \\
    subscription=projects/my-project/subscriptions/readings output=gs://my-bucket/results
"""
_IMAGE = "sdk_container_image"
_AT_LEAST_ONCE = "streaming_mode_at_least_once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_place(parser)
    parser.add_argument("--spec", required=True, metavar="gs://BUCKET/NAME.json", help="spec of the template")
    parser.add_argument(
        "--job-name", required=True, metavar="NAME", help="name of the job; with --update, of the running one"
    )
    parser.add_argument("--parameters", action="extend", nargs="+", default=[], metavar="NAME=VALUE", help="the job's "
                        "flags, with underscores")  # fmt: skip
    parser.add_argument("--image", default="", metavar="IMAGE", help="image that the spec names; without the flag the "
                        "spec is read")  # fmt: skip
    parser.add_argument(
        "--staging-location", default="", metavar="gs://BUCKET/FOLDER", help="folder for the job's files"
    )
    parser.add_argument("--temp-location", default="", metavar="gs://BUCKET/FOLDER", help="folder for temporary files")
    parser.add_argument("--service-account", default="", metavar="ADDRESS", help="service account of the workers")
    parser.add_argument("--subnetwork", default="", metavar="NETWORK", help="subnetwork of the workers")
    parser.add_argument("--disable-public-ips", action="store_true", help="give workers private addresses only")
    parser.add_argument("--max-workers", default="", metavar="N", help="maximum number of workers")
    parser.add_argument(
        "--worker-machine-type", default="", metavar="TYPE", help="machine type of the workers, such as n2-standard-2"
    )
    parser.add_argument(
        "--experiments", default="", metavar="LIST", help="comma-separated further experiments of Dataflow"
    )
    parser.add_argument(
        "--at-least-once",
        action="store_true",
        help="use at-least-once mode: cheaper, but a reading may be counted twice",
    )
    parser.add_argument("--update", action="store_true", help="replace the running job of this name and keep its "
                        "state")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print the command; run nothing")
    parser.add_argument("more", nargs="*", metavar="-- FLAG", help="further flags for gcloud, after two hyphens")


def run(options: argparse.Namespace) -> int:
    """Launch the template or print the command that does; return the exit code.

    Raises:
        ConfigError: for a flag that cannot be used, before any command is run.
        TemplateError: if the spec is invalid, or gcloud fails.
        StorageError: if the spec cannot be read.
    """
    check_names(options)
    if options.more and not options.more[0].startswith("-"):
        raise ConfigError(options.more[0], "", "not expected here")
    parameters = read_parameters(options.parameters)
    check_parameters(parameters, load_metadata())
    if not options.dry_run:
        require("gcloud")
    image = options.image
    if not image:
        spec = read_json(options.spec)
        image = str(spec.get("image", ""))
        check_parameters(parameters, spec.get("metadata", {}))
    command = launch_command(options, {**parameters, _IMAGE: image})
    if options.dry_run:
        show([command])
    else:
        execute(command)
    return 0


def read_parameters(texts: Sequence[str]) -> dict[str, str]:
    """Return the values of the parameters by name.

    Raises:
        ConfigError: for a text other than NAME=VALUE, or a name that is given twice.
    """
    parameters: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise ConfigError("--parameters", text, "must read NAME=VALUE")
        if name in parameters:
            raise ConfigError("--parameters", text, f"{name} is given twice")
        parameters[name] = value
    return parameters


def check_parameters(parameters: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
    """Check values against the job's configuration and against the metadata.

    Raises:
        ConfigError: for the first value that one of them refuses.
    """
    known = {parameter["name"]: parameter for parameter in metadata.get("parameters", [])}
    for name, value in parameters.items():
        if name not in known:
            problem = f"unknown parameter{did_you_mean(name, known)}"
            problem = f"not on Dataflow: {LOCAL_ONLY[name]}" if name in LOCAL_ONLY else problem
            raise ConfigError("--parameters", f"{name}={value}", problem)
    _check_job(parameters)
    for name, value in parameters.items():
        options = [option["value"] for option in known[name].get("enumOptions", [])]
        if options and value not in options:
            raise ConfigError("--parameters", f"{name}={value}", f"must be one of {', '.join(options)}")
        for regex in known[name].get("regexes", []):
            if re.fullmatch(regex, value) is None:
                raise ConfigError("--parameters", f"{name}={value}", f"the template takes only {regex}")


def _check_job(parameters: Mapping[str, str]) -> None:
    here = dict(parameters)
    try:
        here.pop("feed", "")  # in a bucket, so only the launcher checks it, as it checks rules
        if here.pop("rules", ""):
            read_metrics(here.pop("metrics", "temp"))
        make_config(*build_parser().parse_known_args(spell_out([f"--{name}={value}" for name, value in here.items()])))
    except ConfigError as error:
        name = error.flag.removeprefix("--").replace("-", "_")
        if name not in parameters:
            raise ConfigError("--parameters", "", str(error)) from error
        raise ConfigError("--parameters", f"{name}={parameters[name]}", error.problem) from error


def launch_command(options: argparse.Namespace, parameters: Mapping[str, str]) -> Command:
    """Return the command that launches the template with gcloud."""
    experiments = [name for name in options.experiments.split(",") if name]
    experiments += [_AT_LEAST_ONCE] if options.at_least_once else []
    named = {
        "--template-file-gcs-location": options.spec,
        "--project": options.project,
        "--region": options.region,
        "--staging-location": options.staging_location,
        "--temp-location": options.temp_location,
        "--service-account-email": options.service_account,
        "--subnetwork": options.subnetwork,
        "--max-workers": options.max_workers,
        "--worker-machine-type": options.worker_machine_type,
        "--additional-experiments": ",".join(experiments),
    }
    return [
        *("gcloud", "dataflow", "flex-template", "run", options.job_name),
        *(f"{flag}={value}" for flag, value in named.items() if value),
        "--enable-streaming-engine",
        *(["--disable-public-ips"] if options.disable_public_ips else []),
        *(["--update"] if options.update else []),
        *(f"--parameters={_escaped(f'{name}={value}')}" for name, value in parameters.items()),
        *options.more,
    ]


def _escaped(text: str) -> str:
    """Return an entry of a dictionary in gcloud's syntax, with another delimiter if it contains a comma."""
    if "," not in text:
        return text
    delimiter = next(mark for mark in "~|;#@%" if mark not in text)
    return f"^{delimiter}^{text}"
