"""Launching: the exact command, parameters that are checked before it, and gcloud's own opinion of it."""

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from templates import run as module
from templates.__main__ import main
from templates.metadata import load_metadata
from templates.parameters import LOCAL_ONLY
from templates.spec import container_spec
from tests.support import needs
from tests.support.template_commands import IMAGE, PLACE, SPEC, Programs

LAUNCH = ["run", *PLACE, f"--spec={SPEC}", "--job-name=telemetry"]
SOURCE = "subscription=projects/my-project/subscriptions/readings"
RUN = [*LAUNCH, f"--image={IMAGE}", "--parameters", SOURCE, "output=gs://my-bucket/results"]
BEGINNING = (
    "gcloud dataflow flex-template run telemetry --template-file-gcs-location=gs://my-bucket/telemetry.json "
    "--project=my-project --region=europe-west1"
)
ENDING = (
    f"--parameters={SOURCE} --parameters=output=gs://my-bucket/results --parameters=sdk_container_image={IMAGE}"
)  # fmt: skip
EVERYTHING = [
    *("--staging-location=gs://my-bucket/staging", "--temp-location=gs://my-bucket/temp"),
    *("--service-account=job@my-project.iam.gserviceaccount.com", "--subnetwork=regions/europe-west1/subnetworks/iot"),
    *("--disable-public-ips", "--max-workers=20", "--worker-machine-type=n2-standard-2"),
    *("--experiments=one,two=2", "--at-least-once", "--update"),
]


def shown(capsys: pytest.CaptureFixture[str], command: Sequence[str]) -> str:
    assert main([*command, "--dry-run"]) == 0
    return capsys.readouterr().out


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, RUN) == f"{BEGINNING} --enable-streaming-engine {ENDING}\n"


def test_the_command_with_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, [*RUN, *EVERYTHING]) == (
        f"{BEGINNING} --staging-location=gs://my-bucket/staging --temp-location=gs://my-bucket/temp "
        "--service-account-email=job@my-project.iam.gserviceaccount.com "
        "--subnetwork=regions/europe-west1/subnetworks/iot --max-workers=20 --worker-machine-type=n2-standard-2 "
        "--additional-experiments=one,two=2,streaming_mode_at_least_once --enable-streaming-engine "
        f"--disable-public-ips --update {ENDING}\n"
    )


def test_a_comma_does_not_end_a_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'--parameters=^~^metrics=co,temp'" in shown(capsys, [*RUN, "metrics=co,temp"])
    assert "'--parameters=^|^metrics=~co,temp'" in shown(capsys, [*RUN, "metrics=~co,temp"])


def test_more_flags_for_gcloud(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--dry-run", "--", "--transform-name-mappings=A=B", "--quiet"]) == 0
    assert capsys.readouterr().out.endswith(f"{ENDING} --transform-name-mappings=A=B --quiet\n")


def test_what_is_shown_is_what_is_run(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    programs.add("gcloud")
    command = [*RUN, "metrics=co,temp", *EVERYTHING]
    expected = shlex.split(shown(capsys, command))
    assert programs.calls == []
    assert main(command) == 0
    assert programs.calls == [expected]


def test_a_launch_that_fails(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    programs.add("gcloud", 7)
    assert main(RUN) == 1
    assert capsys.readouterr().err == "templates: error: gcloud dataflow flex-template: failed with exit code 7\n"


def test_no_gcloud(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(RUN) == 2
    told = "templates: error: gcloud: not installed here; --dry-run prints the commands that need it\n"
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ([], "nothing to read, give --input, --subscription or --topic"),
        (["output=gs://b/r"], "nothing to read"),
        ([SOURCE], "nowhere to write to, give --output, "),
        ([SOURCE, SOURCE], f"{SOURCE}: subscription is given twice"),
        ([SOURCE, "output"], "output: must read NAME=VALUE"),
        ([SOURCE, "output="], "output=: must read NAME=VALUE"),
        ([SOURCE, "output=results"], "output=results: the template takes only ^(gs|s3|azfs)://"),
        ([SOURCE, "output=gs://b/r", "windw=5m"], "windw=5m: unknown parameter, did you mean window?"),
        (
            [SOURCE, "output=gs://b/r", "allowed-lateness=5m"],
            "allowed-lateness=5m: unknown parameter, did you mean allowed_lateness?",
        ),
        ([SOURCE, "output=gs://b/r", "window=60"], "window=60: not a duration, write it like 500ms, 60s"),
        ([SOURCE, "output=gs://b/r", "slide=7s"], "slide=7s: must divide the window of 60s"),
        ([SOURCE, "output=gs://b/r", "archive=yes"], "archive=yes: must be true or false"),
        ([SOURCE, "output=gs://b/r", "archive=TRUE"], "archive=TRUE: the template takes only ^(true|false)$"),
        ([SOURCE, "output=gs://b/r", "file_format=csv"], "file_format=csv: must be jsonl or parquet"),
        ([SOURCE, "output=gs://b/r", "shards=007"], "shards=007: the template takes only "),
        ([SOURCE, "output=gs://b/r", "metrics=ts"], "metrics=ts: 'ts' cannot be a metric"),
        ([SOURCE, "output=gs://b/r", "rules=rules.yaml"], "rules=rules.yaml: the template takes only "),
        ([SOURCE, "output=gs://b/r", "rules=gs://b/r.yaml", "metrics=a,a"], "metrics=a,a: 'a' is listed twice"),
        ([SOURCE, "bigquery=my-project.data"], "bigquery=my-project.data: must read PROJECT:DATASET"),
        *(
            ([SOURCE, "output=gs://b/r", f"{name}=x"], f"{name}=x: not on Dataflow: {reason}")
            for name, reason in LOCAL_ONLY.items()
        ),
    ],
)
def test_mistakes_in_parameters(
    programs: Programs, capsys: pytest.CaptureFixture[str], parameters: list[str], problem: str
) -> None:
    programs.add("gcloud")
    assert main([*LAUNCH, f"--image={IMAGE}", *(["--parameters", *parameters] if parameters else [])]) == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines()), programs.calls) == ("", 1, [])
    assert told.err.startswith("templates: error: --parameters")
    assert problem in told.err


def test_rules_in_a_bucket_say_which_metrics_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    command = shown(capsys, [*RUN, "rules=gs://my-bucket/rules.yaml", "metrics=co"])
    assert "--parameters=rules=gs://my-bucket/rules.yaml --parameters=metrics=co " in command


def test_a_parameter_in_the_wrong_place_is_not_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--dry-run", "window=5m"]) == 2
    assert capsys.readouterr() == ("", "templates: error: window=5m: not expected here\n")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("--job-name=Telemetry", "--job-name Telemetry: must be lower case letters, digits and hyphens"),
        ("--project=p", "--project p: must be a project id"),
        ("--spec=telemetry.json", "--spec telemetry.json: must read gs://BUCKET/NAME.json"),
        ("--staging-location=/tmp", "--staging-location /tmp: must read gs://BUCKET/FOLDER"),
        ("--temp-location=s3://b", "--temp-location s3://b: must read gs://BUCKET/FOLDER"),
        ("--service-account=me", "--service-account me: must be an e-mail address"),
        ("--max-workers=0", "--max-workers 0: must be a number from 1 to 9999"),
        ("--streaming", "--streaming: unknown flag"),
    ],
)
def test_mistakes_in_names(capsys: pytest.CaptureFixture[str], change: str, problem: str) -> None:
    assert main([*RUN, "--dry-run", change]) == 2
    assert capsys.readouterr() == ("", f"templates: error: {problem}\n")


def test_without_an_image_it_is_the_specs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    read: list[str] = []

    def read_json(path: str) -> dict[str, Any]:
        read.append(path)
        return container_spec("host/other:2", load_metadata())

    monkeypatch.setattr(module, "read_json", read_json)
    command = shown(capsys, [word for word in RUN if not word.startswith("--image")])
    assert command.endswith("--parameters=sdk_container_image=host/other:2\n")
    assert read == [SPEC]
    assert IMAGE in shown(capsys, RUN)
    assert read == [SPEC]  # with one it is not read


def test_an_older_spec_may_refuse_what_the_job_takes_now(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    older = load_metadata()
    older["parameters"] = [parameter for parameter in older["parameters"] if parameter["name"] != "output"]
    monkeypatch.setattr(module, "read_json", lambda path: container_spec(IMAGE, older))
    assert main([*(word for word in RUN if not word.startswith("--image")), "--dry-run"]) == 2
    told = "--parameters output=gs://my-bucket/results: unknown parameter"
    assert capsys.readouterr().err == f"templates: error: {told}\n"


@needs.GCLOUD.mark
@pytest.mark.parametrize(
    "command",
    [
        [*RUN, "metrics=co,temp", *EVERYTHING],
        ["build", *PLACE, f"--image={IMAGE}", f"--spec={SPEC}", "--context={folder}"],
    ],
    ids=["run", "build"],
)
def test_gcloud_understands_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    line = shown(capsys, [word.format(folder=tmp_path / "context") for word in command]).splitlines()[0]
    assert lint(line, tmp_path) == (True, None)
    success, problem = lint(f"{line} --no-such-flag=1", tmp_path)
    assert not success
    assert "unrecognized arguments: --no-such-flag=1" in str(problem)


def lint(command: str, folder: Path) -> tuple[bool, str | None]:
    """Return the result of gcloud's parser for a command, which is not run."""
    ran = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--command-string={command}"],
        env=os.environ | {"CLOUDSDK_CONFIG": str(folder / "gcloud"), "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if "Invalid choice: 'lint-gcloud-commands'" in ran.stderr:
        needs.GCLOUD.skip("this one does not check commands")
    (found,) = json.loads(ran.stdout)
    return found["success"], found["error_message"]
