"""Building: what the image is built from, the exact commands, and mistakes that are found before any is run."""

import argparse
import json
import shutil
from pathlib import Path

import pytest
from google.cloud.devtools import cloudbuild_v1
from google.protobuf import json_format

from templates import build, context
from templates.__main__ import main
from templates.context import FILES, LEFT_OUT, PACKAGES, ROOT, beam_version, image_requirements
from tests.support.sources import imports_of, top
from tests.support.template_commands import IMAGE, PLACE, SPEC, Programs

BUILD = ["build", *PLACE, f"--image={IMAGE}", f"--spec={SPEC}"]
ARGUMENTS = f"--build-arg=BEAM_VERSION={beam_version()}"
DIGEST = f"python@sha256:{'0123456789abcdef' * 4}"


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_context_holds_what_a_worker_needs_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    assert main([*BUILD, f"--context={folder}", "--dry-run"]) == 0
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for pattern in ("*.py", "*.yaml", "py.typed")
        for path in (ROOT / package).rglob(pattern)
    }
    others = {"Dockerfile", "job.py", "setup.py", "pyproject.toml", "requirements.txt"}
    assert names_in(folder) == sources | others | {".dockerignore", "cloudbuild.json"}
    assert sum((folder / name).stat().st_size for name in names_in(folder)) < 3_000_000
    for name in ("setup.py", "pyproject.toml", "telemetry/rules/parse.py", "telemetry/rules/default_rules.yaml"):
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()
    assert (folder / "Dockerfile").read_bytes() == (ROOT / "templates/Dockerfile").read_bytes()
    assert (folder / ".dockerignore").read_text().splitlines() == [
        "*", "!job.py", "!pipeline", "!pyproject.toml", "!requirements.txt", "!setup.py", "!telemetry", "!transforms"
    ]  # fmt: skip


def test_a_second_build_replaces_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    command = [*BUILD, f"--context={folder}", "--dry-run"]
    assert main(command) == 0
    before = names_in(folder)
    (folder / "pipeline" / "gone.py").write_text("")
    assert main(command) == 0
    assert names_in(folder) == before


def test_requirements_are_the_pinned_ones_without_those_of_charts() -> None:
    pinned = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    left = [line for line in pinned if line.partition("==")[0] in LEFT_OUT]
    assert len(left) == len(LEFT_OUT)
    assert image_requirements() == [line for line in pinned if line not in left]
    assert [line.partition("==")[0] for line in image_requirements()] == [
        *(
            "apache-beam[gcp]",
            "datasketches",
            "google-cloud-bigquery",
            "google-cloud-pubsub",
            "msgspec",
            "numpy",
            "pyarrow",
            "PyYAML",
            "shtab",
            "tqdm",
            "tzdata",
        )
    ]
    assert all("==" in line for line in pinned)


def test_what_python_leaves_behind_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, folder = tmp_path / "root", tmp_path / "context"
    for name in (*FILES, "requirements.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for name in ("a.py", "__pycache__/a.cpython-311.pyc", "old.pyc", ".cache/a.py", ".swp"):
        for package in PACKAGES:
            (root / package / name).parent.mkdir(parents=True, exist_ok=True)
            (root / package / name).write_bytes(b"")
    monkeypatch.setattr(context, "ROOT", root)
    context.assemble(folder, IMAGE, {})
    assert {name for name in names_in(folder) if "/" in name} == {"pipeline/a.py", "telemetry/a.py", "transforms/a.py"}


def test_nothing_that_a_worker_runs_imports_what_is_left_out() -> None:
    imported = {
        top(name) for package in PACKAGES for path in (ROOT / package).rglob("*.py") for name in imports_of(path)
    }
    assert imported >= {"apache_beam", "msgspec", "numpy", "pyarrow", "yaml"}
    assert not imported & (LEFT_OUT | {"paho", "publisher", "plotting", "templates", "demo", "benchmarks", "tests"})


def test_extras_are_those_that_the_tests_use() -> None:
    more = image_requirements(["aws", "azure"])[len(image_requirements()) :]
    assert [line.partition("==")[0] for line in more] == [
        "boto3", "azure-core", "azure-identity", "azure-storage-blob"
    ]  # fmt: skip
    tested = (ROOT / "requirements-dev.txt").read_text().splitlines()
    assert {f"-r requirements-{extra}.txt" for extra in context.EXTRAS} <= set(tested)


def test_beams_version_is_read_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"apache-beam[gcp]=={beam_version()}" in (ROOT / "requirements.txt").read_text().splitlines()
    monkeypatch.setattr(context, "image_requirements", lambda: ["numpy==1.0", "apache-beam[gcp,aws]==3.1.4"])
    assert beam_version() == "3.1.4"


def test_the_commands_with_cloud_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "context"
    assert main([*BUILD, f"--context={folder}", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"gcloud builds submit {folder} --config={folder}/cloudbuild.json --project=my-project --region=europe-west1",
        f"python -m templates spec --image={IMAGE} --output={SPEC}",
    ]


def test_the_commands_with_docker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "context"
    bases = [f"--python-image={DIGEST}", "--launcher-image=launcher:2", "--java"]
    assert main([*BUILD, "--builder=docker", f"--context={folder}", "--dry-run", *bases]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"docker build --platform=linux/amd64 {ARGUMENTS} --build-arg=PYTHON_IMAGE={DIGEST} "
        f"--build-arg=LAUNCHER_IMAGE=launcher:2 --build-arg=JAVA=true --tag={IMAGE} {folder}",
        f"docker push {IMAGE}",
        f"python -m templates spec --image={IMAGE} --output={SPEC}",
    ]


def test_cloud_build_is_told_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    assert main([*BUILD, f"--context={folder}", "--dry-run", "--extras=aws", "--java", "--beam-image=b:1"]) == 0
    content = json.loads((folder / "cloudbuild.json").read_text())
    message = cloudbuild_v1.Build.pb(cloudbuild_v1.Build())
    json_format.ParseDict(content, message, ignore_unknown_fields=False)
    (step,) = message.steps
    given = [ARGUMENTS, "--build-arg=BEAM_IMAGE=b:1", "--build-arg=JAVA=true"]
    assert list(step.args) == ["build", *given, f"--tag={IMAGE}", "."]
    assert list(message.images) == [IMAGE]
    assert "boto3" in (folder / "requirements.txt").read_text()


def test_what_is_shown_is_what_is_run(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored: list[tuple[str, str]] = []
    monkeypatch.setattr(build, "store_spec", lambda image, path: stored.append((image, path)))
    programs.add("docker")
    command = [*BUILD, "--builder=docker", f"--context={tmp_path / 'context'}"]
    assert main([*command, "--dry-run"]) == 0
    assert (programs.calls, stored) == ([], [])
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert main(command) == 0
    assert programs.calls == shown[:2]
    assert stored == [(IMAGE, SPEC)]


@pytest.mark.parametrize(("builder", "program"), [("cloud", "gcloud"), ("docker", "docker")])
def test_a_program_that_is_missing(
    tmp_path: Path, programs: Programs, capsys: pytest.CaptureFixture[str], builder: str, program: str
) -> None:
    assert main([*BUILD, f"--builder={builder}", f"--context={tmp_path / 'context'}"]) == 2
    told = f"templates: error: {program}: not installed here; --dry-run prints the commands that need it\n"
    assert capsys.readouterr() == ("", told)
    assert not (tmp_path / "context").exists()


def test_a_build_that_fails_stores_no_spec(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "store_spec", lambda image, path: pytest.fail("stored"))
    programs.add("gcloud", 3)
    assert main([*BUILD, f"--context={tmp_path / 'context'}"]) == 1
    assert capsys.readouterr().err == "templates: error: gcloud builds submit: failed with exit code 3\n"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("--project=My Project", "--project My Project: must be a project id"),
        ("--region=europe", "--region europe: must be a region, like europe-west1"),
        ("--image=job:1", "--image job:1: must read HOST/PROJECT/REPOSITORY/NAME:TAG, with a fixed tag"),
        (f"--image={IMAGE.partition(':')[0]}", "with a fixed tag, not latest"),
        (f"--image={IMAGE.partition(':')[0]}:latest", "with a fixed tag, not latest"),
        (
            f"--image={IMAGE.partition(':')[0]}@sha256:{64 * '0'}",
            "a digest is known only after the build; give it a tag",
        ),
        ("--spec=spec.json", "--spec spec.json: must read gs://BUCKET/NAME.json"),
        ("--spec=gs://bucket", "--spec gs://bucket: must read gs://BUCKET/NAME.json"),
        ("--extras=aws,gcp", "--extras gcp: must be one of aws, azure"),
        ("--builder=podman", "--builder: invalid choice: 'podman'"),
        ("--tag=1", "--tag=1: unknown flag"),
    ],
)
def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, problem: str) -> None:
    assert main([*BUILD, f"--context={tmp_path / 'context'}", "--dry-run", change]) == 2
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert shown.err.startswith("templates: error: ")
    assert problem in shown.err
    assert not (tmp_path / "context").exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("")
    assert main([*BUILD, f"--context={tmp_path}", "--dry-run"]) == 2
    told = f"--context {tmp_path}: contains other files, thesis.tex: give an empty folder"
    assert capsys.readouterr().err == f"templates: error: {told}\n"
    assert names_in(tmp_path) == {"thesis.tex"}


def test_the_default_folder_is_no_part_of_the_repository() -> None:
    parser = argparse.ArgumentParser()
    build.add_arguments(parser)
    assert parser.get_default("context") == Path("build/template")
    assert "/build/" in (ROOT / ".gitignore").read_text().splitlines()
