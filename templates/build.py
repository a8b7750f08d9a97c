"""Build the image and store the spec that names it: ``telemetry template build``."""

import argparse
from pathlib import Path
from typing import Final

from telemetry.errors import ConfigError
from templates.context import assemble, beam_version, build_command
from templates.metadata import load_metadata
from templates.names import add_place, check_names
from templates.shell import Command, execute, require, show
from templates.spec import store_spec

EXAMPLES: Final = """
%(prog)s --project my-project --region europe-west1 --dry-run --spec gs://my-bucket/telemetry.json \\
    --image europe-west1-docker.pkg.dev/my-project/iot/telemetry:1
"""
_USERS: Final = ("root", "telemetry")
_BASES = ("python", "beam", "launcher")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_place(parser)
    parser.add_argument("--image", required=True, metavar="IMAGE", help="name of the image to build, such as "
                        "europe-west1-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG")  # fmt: skip
    parser.add_argument("--spec", required=True, metavar="gs://BUCKET/NAME.json", help="where to store the spec")
    parser.add_argument("--builder", default="cloud", choices=("cloud", "docker"), help="Cloud Build, or Docker on "
                        "this machine")  # fmt: skip
    parser.add_argument(
        "--extras", default="", metavar="LIST", help="extras to install, aws, azure or aws,azure: for s3:// and azfs://"
    )
    parser.add_argument("--java", action="store_true", help="install a Java runtime, which the launcher needs for "
                        "BigQuery's Storage Write API")  # fmt: skip
    parser.add_argument("--user", default="", metavar="NAME", help="user of launcher and workers in the image, root or "
                        "telemetry (default: telemetry)")  # fmt: skip
    for base in _BASES:
        parser.add_argument(f"--{base}-image", default="", metavar="IMAGE", help=f"image in place of the {base} "
                            "image that the Dockerfile names; NAME@sha256:DIGEST pins it")  # fmt: skip
    parser.add_argument("--context", type=Path, default=Path("build/template"), metavar="FOLDER", help="folder to "
                        "assemble the sources of the image in")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="assemble the folder and print the commands; run none")


def run(options: argparse.Namespace) -> int:
    """Build the image, push it and store the spec, or print the commands that do; return the exit code.

    Raises:
        ConfigError: for a flag that cannot be used, before any command is run.
        TemplateError: if the metadata is out of date, or a command fails.
        StorageError: if the spec cannot be stored.
    """
    check_names(options)
    if "@" in options.image:
        raise ConfigError("--image", options.image, "a digest is known only after the build; give it a tag")
    load_metadata()
    arguments = _arguments(options)
    commands = _commands(options, arguments)
    if not options.dry_run:
        require(commands[0][0])
    assemble(options.context, options.image, arguments, [name for name in options.extras.split(",") if name])
    if options.dry_run:
        spec = ["python", "-m", "templates", "spec", f"--image={options.image}", f"--output={options.spec}"]
        show([*commands, spec])
        return 0
    for command in commands:
        execute(command)
    store_spec(options.image, options.spec)
    return 0


def _arguments(options: argparse.Namespace) -> dict[str, str]:
    """Return the values of the Dockerfile's arguments, by name."""
    arguments = {"BEAM_VERSION": beam_version()}
    for base in _BASES:
        if image := getattr(options, f"{base}_image"):
            arguments[f"{base.upper()}_IMAGE"] = image
    if options.java:
        arguments["JAVA"] = "true"
    if options.user:
        if options.user not in _USERS:
            raise ConfigError("--user", options.user, f"must be {' or '.join(_USERS)}: the image has no other user")
        arguments["IMAGE_USER"] = options.user
    return arguments


def _commands(options: argparse.Namespace, arguments: dict[str, str]) -> list[Command]:
    where = str(options.context)
    if options.builder == "docker":
        docker, build, *rest = build_command(options.image, arguments, where)
        # The platform of Dataflow's workers, which this machine's may differ from.
        return [[docker, build, "--platform=linux/amd64", *rest], ["docker", "push", options.image]]
    config = f"--config={options.context / 'cloudbuild.json'}"
    place = [f"--project={options.project}", f"--region={options.region}"]
    return [["gcloud", "builds", "submit", where, config, *place]]
