"""``python -m templates spec``: the file that a template is launched from. gcloud's own builder leaves fields out."""

import argparse
import sys
from typing import Any, Final

from telemetry.storage.files import write_file
from templates.metadata import load_metadata, render
from templates.names import check_names

EXAMPLES: Final = """
%(prog)s --image europe-west1-docker.pkg.dev/my-project/iot/telemetry:1
%(prog)s --image europe-west1-docker.pkg.dev/my-project/iot/telemetry:1 --output gs://my-bucket/telemetry.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--image", required=True, metavar="IMAGE", help="with its tag or digest")
    parser.add_argument("--output", default="", metavar="PATH", help="store it there, on any Beam filesystem; without "
                        "it, it is printed")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print or store the spec.

    Raises:
        ConfigError: if the image's name is none.
        TemplateError: if the metadata is out of date.
        StorageError: if it cannot be stored.
    """
    check_names(options)
    if options.output:
        store_spec(options.image, options.output)
    else:
        sys.stdout.write(render(container_spec(options.image, load_metadata())))
    return 0


def store_spec(image: str, path: str) -> None:
    """Write the spec, and say so.

    Raises:
        TemplateError: if the metadata is out of date.
        StorageError: if it cannot be stored.
    """
    write_file(path, render(container_spec(image, load_metadata())).encode())
    sys.stdout.write(f"{path}: written\n")


def container_spec(image: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of a template: Dataflow's `ContainerSpec`, as JSON.

    The workers run in the same image, however the template is launched; another one lacks the job's packages.
    """
    return {
        "image": image,
        "sdkInfo": {"language": "PYTHON"},
        "defaultEnvironment": {"sdkContainerImage": image, "enableStreamingEngine": True},
        "metadata": metadata,
    }
