"""Assemble the folder that the image is built from: the worker's packages, without the other programs.

`setup.py` packages the folders that it finds, so a folder with only the worker's packages gives the worker's package.
Charts and publisher stay out of the image, and the packages that only charts need stay out of its requirements.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from telemetry.errors import ConfigError
from templates.errors import TemplateError

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("pipeline", "telemetry", "transforms")
"""Packages that a worker runs."""
LEFT_OUT: Final = frozenset({"matplotlib", "paho-mqtt", "pandas", "tornado"})
"""Requirements of charts and publisher alone: the extras `plot` and `mqtt` of setup.py."""
EXTRAS: Final = ("aws", "azure")
"""Extras that an image may have; their pinned packages are in ``requirements-NAME.txt``."""
FILES: Final = {
    "templates/Dockerfile": "Dockerfile",
    "templates/job.py": "job.py",
    "setup.py": "setup.py",
    "pyproject.toml": "pyproject.toml",
}
"""Files that are copied unchanged, and their names in the folder."""
GENERATED: Final = (".dockerignore", "cloudbuild.json", "requirements.txt")


def image_requirements(extras: Sequence[str] = ()) -> list[str]:
    """Return the pinned requirements of the image.

    Args:
        extras: names of `EXTRAS` to add.

    Raises:
        ConfigError: for an unknown extra.
        TemplateError: where the project is installed without its requirements files.
    """
    wanted = [line for line in _pinned("requirements.txt") if re.split(r"[\[=]", line)[0] not in LEFT_OUT]
    for extra in extras:
        if extra not in EXTRAS:
            raise ConfigError("--extras", extra, f"must be one of {', '.join(EXTRAS)}")
        wanted += [line for line in _pinned(f"requirements-{extra}.txt") if line not in wanted]
    return wanted


def _pinned(name: str) -> list[str]:
    path = ROOT / name
    if not path.is_file():
        raise TemplateError(f"{name} is missing: an image is built from a checkout of the repository")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def beam_version() -> str:
    """Return Beam's version in `requirements.txt`, which Beam's boot program in the image must have too."""
    for line in image_requirements():
        if found := re.fullmatch(r"apache-beam(?:\[[a-z,]+\])?==(\d+\.\d+\.\d+)", line):
            return found[1]
    raise TemplateError("requirements.txt: no pinned apache-beam")


def assemble(folder: Path, image: str, arguments: Mapping[str, str], extras: Sequence[str] = ()) -> None:
    """Fill a folder with the image's sources; replace the content of an earlier build.

    Args:
        folder: created if it is missing.
        image: full name with tag, for Cloud Build's configuration.
        arguments: the Dockerfile's arguments by name, for Cloud Build's configuration.
        extras: see `image_requirements`.

    Raises:
        ConfigError: if the folder contains other files, or an extra is unknown.
        TemplateError: if this is no checkout of the repository.
    """
    requirements = image_requirements(extras)
    ours = {*PACKAGES, *FILES.values(), *GENERATED}
    if folder.exists():
        others = sorted({entry.name for entry in folder.iterdir()} - ours) if folder.is_dir() else [folder.name]
        if others:
            raise ConfigError("--context", folder, f"contains other files, {others[0]}: give an empty folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for source, name in FILES.items():
        shutil.copyfile(ROOT / source, folder / name)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.pyc"))
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
    kept = sorted(ours - {".dockerignore", "cloudbuild.json", "Dockerfile"})
    (folder / ".dockerignore").write_text("".join(f"{line}\n" for line in ("*", *(f"!{name}" for name in kept))))
    (folder / "cloudbuild.json").write_text(json.dumps(cloud_build(image, arguments), indent=2) + "\n")


def build_command(image: str, arguments: Mapping[str, str], where: str) -> list[str]:
    """Return the command that builds the image.

    Args:
        image: full name with tag.
        arguments: the Dockerfile's arguments by name.
        where: folder to build from.
    """
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    return ["docker", "build", *given, f"--tag={image}", where]


def cloud_build(image: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Return Cloud Build's configuration for `build_command`; `gcloud builds submit --tag` takes no arguments."""
    return {
        "steps": [{"name": "gcr.io/cloud-builders/docker", "args": build_command(image, arguments, ".")[1:]}],
        "images": [image],
        "timeout": "1800s",
    }
