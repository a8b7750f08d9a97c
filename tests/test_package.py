"""The package: what a wheel holds and asks for, and the command it installs, run elsewhere than in the repository."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from telemetry import __version__
from telemetry.extras import DISTRIBUTION, EXTRA_OF

pytestmark = pytest.mark.xdist_group("package")

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipeline", "plotting", "publisher", "telemetry", "templates", "transforms")
DATA = {
    "telemetry/feed/default_feed.yaml",
    "telemetry/rules/default_rules.yaml",
    "templates/metadata.json",
    *(f"plotting/style/{name}.mplstyle" for name in ("telemetry", "telemetry-dark")),
    *(f"plotting/{page}/page.{kind}" for page in ("report", "serve") for kind in ("html", "css", "js")),
    *(f"{package}/py.typed" for package in PACKAGES),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the source with what is installed here: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("package")
    unwanted = shutil.ignore_patterns(".*", "out", "__pycache__", "*.egg-info", "build", "dist", "docs", "tests")
    shutil.copytree(ROOT, folder / "source", ignore=unwanted)
    command = ["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [sys.executable, *command, f"--wheel-dir={folder}", "."],
        cwd=folder / "source", capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return HeaderParser().parsestr(archive.read(f"{info(wheel)}/METADATA").decode())


@pytest.fixture(scope="module")
def command(wheel: Path) -> Path:
    """`telemetry` as pip installs it, in an environment of its own that finds the other packages by a path."""
    home = wheel.parent / "venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-index",
        "--ignore-installed",
    ]
    subprocess.run([python, *install, str(wheel)], cwd=home, check=True, capture_output=True, timeout=120)
    return home / "bin" / "telemetry"


def info(wheel: Path) -> str:
    return "-".join(wheel.name.split("-")[:2]) + ".dist-info"


def pins(name: str) -> dict[str, str]:
    """Exact versions by package in a requirements file."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    return {pin.name.lower(): next(iter(pin.specifier)).version for pin in found}


def requirements(metadata: Message, extra: str = "") -> list[Requirement]:
    """Return the requirements of the package, its own or those of an extra."""
    found = [Requirement(line) for line in metadata.get_all("Requires-Dist") or []]
    named = {one: re.findall(r'extra == "(\w+)"', str(one.marker or "")) for one in found}
    return [one for one, extras in named.items() if extras == ([extra] if extra else [])]


def test_the_wheel_holds_every_module_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith(info(wheel))}
        written = {name.partition("/")[2] for name in archive.namelist() if name.startswith(info(wheel))}
    modules = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert names == modules | DATA
    assert written == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}


def test_the_licence_is_apaches(wheel: Path, metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{info(wheel)}/licenses/LICENSE").decode()
    assert text == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text


def test_the_metadata(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == (DISTRIBUTION, __version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert "Typing :: Typed" in (metadata.get_all("Classifier") or [])
    assert [name for name in ("Author", "Author-email", "Maintainer", "Home-page") if metadata[name]] == []


def test_extras_are_those_that_error_messages_name(metadata: Message) -> None:
    assert metadata.get_all("Provides-Extra") == ["plot", "gcp", "mqtt", "aws", "azure"]
    assert set(EXTRA_OF.values()) == {"", "plot", "gcp", "mqtt"}  # the others are named by the scheme of a path


@pytest.mark.parametrize(
    ("file", "extras"),
    [("requirements.txt", ("", "plot", "gcp", "mqtt")), ("requirements-aws.txt", ("aws",)),
     ("requirements-azure.txt", ("azure",))],
)  # fmt: skip
def test_every_pin_lies_in_its_range(file: str, extras: tuple[str, ...], metadata: Message) -> None:
    pinned = pins(file)
    asked = [one for extra in extras for one in requirements(metadata, extra)]
    assert {one.name.lower() for one in asked} == pinned.keys()
    for one in asked:
        assert one.specifier.contains(pinned[one.name.lower()]), one
        assert any(each.operator == "<" for each in one.specifier), f"{one} has no upper bound"


def run(command: Path, folder: Path, *args: str) -> str:
    """Run the installed command in a folder that is not the repository; returns its standard output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [command, *args], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_command(command: Path, tmp_path: Path) -> None:
    assert run(command, tmp_path, "--version") == f"telemetry {__version__}\n"
    assert run(command, tmp_path, "--help").startswith("usage: telemetry ")
    run(command, tmp_path, "simulate", "--rows", "2000", "--output", "telemetry-1.csv")
    run(command, tmp_path, "run", "--input", "telemetry*.csv", "--output", "results")
    checked = run(command, tmp_path, "reconcile", "--output", "results")
    assert re.search(r"^total .* 2,000 ", checked, re.MULTILINE)
    run(command, tmp_path, "render", "--results", "results", "--figure", "trend", "--output", "trend.png")
    assert (tmp_path / "trend.png").read_bytes().startswith(b"\x89PNG")
    image = "europe-west1-docker.pkg.dev/my-project/iot/telemetry:1"
    assert image in run(command, tmp_path, "template", "spec", "--image", image)


def test_an_image_is_built_from_a_checkout_only(command: Path, tmp_path: Path) -> None:
    words = ["template", "build", "--project=my-project", "--region=europe-west1", "--dry-run"]
    words += ["--image=europe-west1-docker.pkg.dev/my-project/iot/telemetry:1", "--spec=gs://b/t.json"]
    done = subprocess.run([command, *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    problem = "requirements.txt is missing: an image is built from a checkout of the repository"
    assert (done.returncode, done.stderr) == (1, f"telemetry template build: error: {problem}\n")
