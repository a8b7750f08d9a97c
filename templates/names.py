"""Check names of resources in Google Cloud before any command is run."""

import argparse
import re
from typing import Final

from telemetry.errors import ConfigError

_PLACE: Final = r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
_FORMS: Final = {
    "--project": (r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", "must be a project id"),
    "--region": (r"[a-z]+(-[a-z]+)+[0-9]+", "must be a region, like europe-west1"),
    "--job-name": (r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", "must be lower case letters, digits and hyphens"),
    "--image": (
        rf"{_PLACE}(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}|@sha256:[0-9a-f]{{64}})",
        "must read HOST/PROJECT/REPOSITORY/NAME:TAG, with a fixed tag, not latest",
    ),
    "--spec": (r"gs://[a-z0-9._-]+/\S+\.json", "must read gs://BUCKET/NAME.json"),
    "--staging-location": (r"gs://[a-z0-9._-]+(/\S*)?", "must read gs://BUCKET/FOLDER"),
    "--temp-location": (r"gs://[a-z0-9._-]+(/\S*)?", "must read gs://BUCKET/FOLDER"),
    "--service-account": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "must be an e-mail address"),
    "--max-workers": (r"[1-9][0-9]{0,3}", "must be a number from 1 to 9999"),
}


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name the project and the region."""
    parser.add_argument("--project", required=True, metavar="ID", help="id of the project")
    parser.add_argument("--region", required=True, metavar="REGION", help="region, such as europe-west1")


def check_names(options: argparse.Namespace) -> None:
    """Check every name that was given.

    Raises:
        ConfigError: for the first invalid one.
    """
    for flag, (form, problem) in _FORMS.items():
        value = getattr(options, flag.removeprefix("--").replace("-", "_"), None)
        if value and re.fullmatch(form, value) is None:
            raise ConfigError(flag, value, problem)
