"""The Dockerfile: what it says, and its steps done without Docker, in an environment of their own."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from templates.__main__ import main
from templates.context import LEFT_OUT, PACKAGES, ROOT, beam_version, image_requirements
from tests.support import needs
from tests.support.sources import modules
from tests.support.template_commands import IMAGE, PLACE, SPEC, Programs

pytestmark = pytest.mark.xdist_group("image")  # they share one environment

PIP = "pip install --no-cache-dir --no-input --root-user-action=ignore"
LAUNCHER = ["--runner=DataflowRunner", "--project=my-project", "--region=europe-west1", "--job_name=telemetry",
            "--template_location=gs://my-bucket/staging/template_launches/1/job_object",
            "--temp_location=gs://my-bucket/temp", f"--sdk_container_image={IMAGE}"]  # fmt: skip
"""Options that a launcher adds to the parameters."""


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its text."""
    text = (ROOT / "templates" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", "").splitlines() if line and not line.startswith("#")]
    return [(word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in lines)]


def all_of(word: str) -> list[str]:
    return [text for found, text in instructions() if found == word]


def arguments() -> dict[str, str]:
    """The Dockerfile's arguments, with the others' values in them."""
    found: dict[str, str] = {}
    for text in all_of("ARG"):
        name, _, value = text.partition("=")
        found[name] = re.sub(r"\$\{(\w+)\}", lambda match: found[match[1]], value)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the image is built from."""
    folder = tmp_path_factory.mktemp("image") / "context"
    assert main(["build", *PLACE, f"--image={IMAGE}", f"--spec={SPEC}", f"--context={folder}", "--dry-run"]) == 0
    return folder


@pytest.fixture(scope="module")
def python(folder: Path) -> Path:
    """The interpreter of an environment in which the worker's package was installed as the Dockerfile says.

    Its requirements are those of this environment, by a path and not by a download. The package is built by
    setuptools as it is here: pip would download one.
    """
    needs.SETUPTOOLS.path()
    venv = folder.parent / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=120)
    python = venv / "bin" / "python"
    (site_of(venv) / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    package = folder.parent / "package"
    shutil.copytree(folder, package)
    install = ["setup.py", "-q", "install", "--single-version-externally-managed", f"--record={folder.parent}/record"]
    subprocess.run([python, *install], cwd=package, check=True, capture_output=True, timeout=120)
    shutil.copy(folder / "job.py", folder.parent)
    return python


@pytest.fixture(scope="module")
def site(python: Path) -> Path:
    """Where the worker's package was installed."""
    return site_of(python.parents[1])


def site_of(venv: Path) -> Path:
    (lib,) = (venv / "lib").glob("python3*")
    return lib / "site-packages"


def run(python: Path, words: Sequence[str], where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, *words], cwd=where, capture_output=True, text=True, check=False, timeout=120)


def test_images_are_pinned_and_can_be_replaced() -> None:
    stages = [text.split(" AS ") for text in all_of("FROM")]
    assert [stage[0] for stage in stages] == [
        "${BEAM_IMAGE}",
        "${LAUNCHER_IMAGE}",
        "${PYTHON_IMAGE}",
        "${PYTHON_IMAGE}",
    ]
    assert [stage[1:] for stage in stages] == [["beam"], ["launcher"], ["package"], []]
    assert {name: value for name, value in arguments().items() if name.endswith("_IMAGE")} == {
        "PYTHON_IMAGE": "python:3.11.14-slim-bookworm",
        "BEAM_IMAGE": "apache/beam_python3.11_sdk:2.77.0",
        "LAUNCHER_IMAGE": "gcr.io/dataflow-templates-base/python311-template-launcher-base:20230622_RC00",
    }


def test_versions_are_those_of_the_requirements() -> None:
    assert arguments()["BEAM_VERSION"] == beam_version()
    assert arguments()["BEAM_IMAGE"].endswith(f":{beam_version()}")
    installed = {line: importlib.metadata.version(re.split(r"[\[=]", line)[0]) for line in image_requirements()}
    assert [line for line, version in installed.items() if not line.endswith(f"=={version}")] == []


def test_all_that_is_copied_is_there(folder: Path) -> None:
    copied = [text.split() for text in all_of("COPY")]
    here = [name for *names, _ in copied if not names[0].startswith("--from=") for name in names]
    assert sorted(set(here)) == [
        "job.py",
        "pipeline",
        "pyproject.toml",
        "requirements.txt",
        "setup.py",
        "telemetry",
        "transforms",
    ]
    assert [name for name in here if not (folder / name).exists()] == []
    kept = {line.removeprefix("!") for line in (folder / ".dockerignore").read_text().splitlines()}
    assert set(here) == kept - {"*"}
    assert [words for words in copied if words[0].startswith("--from=")] == [
        ["--from=beam", "/opt/apache/beam", "/opt/apache/beam"],
        ["--from=launcher", *2 * ["/opt/google/dataflow/python_template_launcher"]],
        ["--from=package", "/wheels", "/wheels"],
    ]


def test_the_launcher_is_told_of_the_file_alone() -> None:
    assert all_of("ENV") == ["FLEX_TEMPLATE_PYTHON_PY_FILE=/template/job.py"]
    assert all_of("WORKDIR") == ["/package", "/template"]
    assert [text for text in all_of("COPY") if "job.py" in text] == ["job.py ./"]
    assert json.loads(all_of("ENTRYPOINT")[0]) == ["/opt/apache/beam/boot"]


def test_it_runs_as_a_user_of_its_own() -> None:
    assert all_of("USER") == ["${IMAGE_USER}"]
    assert arguments()["IMAGE_USER"] == "telemetry"
    words = [word for word, _ in instructions()]
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in ("RUN", "COPY"))


def test_steps_are_those_that_are_done_here() -> None:
    (java,) = [text for text in all_of("RUN") if text.startswith("if")]
    assert [text for text in all_of("RUN") if text != java] == [
        "pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .",
        f"{PIP} -r requirements.txt",
        f"{PIP} --no-deps /wheels/*.whl && pip check",
        'python -c "import pipeline.run, pipeline.remote, pipeline.sources.pubsub"',
        "useradd --create-home --uid 10001 telemetry && "
        "install --directory --owner=telemetry --group=telemetry /var/log/dataflow/template_launcher /var/opt/google "
        "&& chown telemetry:telemetry /template /var/log/dataflow",
    ]
    assert "DEBIAN_FRONTEND=noninteractive" in java
    assert "--yes --no-install-recommends" in java
    assert arguments()["JAVA"] == "false"


@pytest.mark.parametrize(
    ("java", "called"),
    [
        ("false", []),
        (
            "true",
            [
                ["apt-get", "update"],
                ["apt-get", "install", "--yes", "--no-install-recommends", "default-jre-headless"],
                ["rm", "-rf"],
            ],
        ),
    ],
)
def test_java_is_installed_only_where_it_is_wanted(programs: Programs, java: str, called: list[list[str]]) -> None:
    programs.add("apt-get")
    programs.add("rm")
    (step,) = [text for text in all_of("RUN") if text.startswith("if")]
    environment = {"PATH": str(programs.folder), "JAVA": java}
    subprocess.run(["/bin/sh", "-c", step], env=environment, check=True, capture_output=True, timeout=60)
    assert [words if words[0] == "apt-get" else words[:2] for words in programs.calls] == called


def test_the_package_holds_what_a_worker_runs(site: Path) -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for suffix in ("py", "yaml")
        for path in (ROOT / package).rglob(f"*.{suffix}")
    }
    found = {path.relative_to(site).as_posix() for suffix in ("py", "yaml") for path in site.rglob(f"*.{suffix}")}
    assert found == sources
    (described,) = site.glob("iot_telemetry_anomalies-*.egg-info")
    required = [Requirement(line) for line in (described / "requires.txt").read_text().split("\n\n[")[0].splitlines()]
    pinned = {pin.name: pin for pin in map(Requirement, image_requirements())}
    assert {one.name for one in required} <= pinned.keys()
    for one in required:
        (exact,) = pinned[one.name].specifier
        assert one.specifier.contains(exact.version), one


def test_pip_check(python: Path, folder: Path) -> None:
    checked = run(python, ["-m", "pip", "check", "--disable-pip-version-check"], folder.parent)
    assert [line for line in checked.stdout.splitlines() if line.startswith("iot-telemetry-anomalies")] == []
    assert checked.returncode == 0 or "iot-telemetry-anomalies" not in checked.stdout


WITHOUT = """
import importlib, sys
absent = set(sys.argv[1].split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
for module in sys.argv[2:]:
    importlib.import_module(module)
print(importlib.import_module("pipeline").__file__)
print(sorted(absent & set(sys.modules)))
"""


def test_workers_need_no_charts_and_no_publisher(python: Path, folder: Path) -> None:
    """All modules of the worker's packages are imported where nothing else is, not even pandas or matplotlib."""
    absent = {*LEFT_OUT, "paho", "publisher", "plotting", "templates", "demo"}
    names = modules(*PACKAGES)
    assert {"pipeline.run", "pipeline.remote", "pipeline.sources.pubsub"} <= set(
        names
    )  # what the Dockerfile's last step imports
    ran = run(python, ["-c", WITHOUT, ",".join(absent), *names], folder.parent)
    assert ran.stderr == ""
    where, loaded = ran.stdout.splitlines()
    assert where.startswith(str(folder.parent / "venv"))
    assert loaded == "[]"


def test_other_programs_are_not_there(python: Path, folder: Path) -> None:
    names = ["publisher", "plotting", "demo", "templates", "benchmarks"]
    code = f"import importlib.util as u; print([name for name in {[*names, *PACKAGES]} if u.find_spec(name)])"
    assert run(python, ["-c", code], folder.parent).stdout == f"{[*PACKAGES]}\n"


NAMED = "NAME of 3 to 255 letters, digits or -._~%+, first a letter"


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (
            ["--subscription=readings"],
            f"--subscription readings: must read projects/PROJECT/subscriptions/NAME, {NAMED}",
        ),
        (
            ["--subscription=projects/p/subscriptions/abc", "--output=gs://b/r", "--allowed_lateness=10"],
            "--allowed-lateness 10: not a duration, write it like 500ms, 60s, 10m, 2h or 1d",
        ),
        (
            ["--subscription=projects/p/subscriptions/abc", "--output=gs://b/r", "--archive=maybe"],
            "--archive maybe: must be true or false",
        ),
        (
            ["--subscription=projects/p/subscriptions/abc", "--output=gs://b/r", "--no_such_option=1"],
            "--no_such_option=1: unknown flag",
        ),
    ],
)
def test_a_mistake_ends_the_launch_in_one_line(python: Path, folder: Path, parameters: list[str], problem: str) -> None:
    """As the launcher starts it: the file, by its path, with parameters and its own options as flags."""
    ran = run(python, [str(folder.parent / "job.py"), *LAUNCHER, *parameters], Path("/"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"pipeline: error: {problem}\n"
