"""What the image is built from: a folder that holds nothing else. The worker's packages, without the other programs.

The job's `setup.py` packages the folders that it finds and requires what `requirements.txt` says. So a folder with only
the worker's packages and requirements gives the worker's package, and charts and publisher stay out of the image.
"""

import ast
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
"""What a worker runs."""
LEFT_OUT: Final = frozenset({"matplotlib", "pandas", "tornado", "tqdm"})
"""Requirements of charts and publisher alone."""
FILES: Final = {
    "templates/Dockerfile": "Dockerfile",
    "templates/job.py": "job.py",
    "setup.py": "setup.py",
    "pyproject.toml": "pyproject.toml",
}
"""What is copied as it is, and what it is called there."""
GENERATED: Final = (".dockerignore", "cloudbuild.json", "requirements.txt")


def image_requirements(extras: Sequence[str] = ()) -> list[str]:
    """Return the pinned requirements of the image.

    Args:
        extras: names of extras of `setup.py` that are wanted, too.

    Raises:
        ConfigError: for an extra that there is not.
    """
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    wanted = [line for line in pinned if re.split(r"[\[=]", line)[0] not in LEFT_OUT]
    offered = _extras()
    for extra in extras:
        if extra not in offered:
            raise ConfigError("--extras", extra, f"must be one of {', '.join(offered)}")
        wanted += [line for line in offered[extra] if line not in wanted]
    return wanted


def beam_version() -> str:
    """Return the version of Beam in `requirements.txt`: the image takes Beam's boot program of the same one."""
    for line in image_requirements():
        if found := re.fullmatch(r"apache-beam(?:\[[a-z,]+\])?==(\d+\.\d+\.\d+)", line):
            return found[1]
    raise TemplateError("requirements.txt: no pinned apache-beam")


def assemble(folder: Path, image: str, arguments: Mapping[str, str], extras: Sequence[str] = ()) -> None:
    """Fill a folder with what the image is built from; what an earlier build left in it is replaced.

    Args:
        folder: made if it is missing.
        image: full name with tag, for Cloud Build's configuration.
        arguments: the Dockerfile's arguments by name, for the same.
        extras: see `image_requirements`.

    Raises:
        ConfigError: if the folder holds anything else, or an extra is unknown.
    """
    requirements = image_requirements(extras)
    ours = {*PACKAGES, *FILES.values(), *GENERATED}
    if folder.exists():
        others = sorted({entry.name for entry in folder.iterdir()} - ours) if folder.is_dir() else [folder.name]
        if others:
            raise ConfigError("--context", folder, f"holds something else, {others[0]}: give an empty folder")
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
        where: the folder.
    """
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    return ["docker", "build", *given, f"--tag={image}", where]


def cloud_build(image: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Return Cloud Build's configuration for the same command; `gcloud builds submit --tag` takes no arguments."""
    return {
        "steps": [{"name": "gcr.io/cloud-builders/docker", "args": build_command(image, arguments, ".")[1:]}],
        "images": [image],
        "timeout": "1800s",
    }


def _extras() -> dict[str, list[str]]:
    """Return the extras that `setup.py` states, without running it."""
    for node in ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXTRAS":
            found: dict[str, list[str]] = ast.literal_eval(node.value)
            return found
    raise TemplateError("setup.py: no EXTRAS")
