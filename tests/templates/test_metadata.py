"""Metadata and specs: what Google's message types take, and what the command finds in them."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.cloud.dataflow_v1beta3 import types
from google.protobuf import json_format

from templates import metadata as module
from templates.__main__ import main
from templates.errors import TemplateError
from templates.metadata import METADATA
from templates.spec import container_spec
from templates.validate import check_message, problems
from tests.support.template_commands import IMAGE

CONTENT: dict[str, Any] = json.loads(METADATA.read_text(encoding="utf-8"))


def changed(**fields: Any) -> dict[str, Any]:
    """The metadata with other fields in its first parameter."""
    content = copy.deepcopy(CONTENT)
    content["parameters"][0] |= fields
    return content


def test_the_file_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metadata", "--check"]) == 0
    assert capsys.readouterr().out == "templates/metadata.json: is current\n"


def test_a_file_that_is_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "templates" / "metadata.json"
    path.parent.mkdir()
    path.write_text(METADATA.read_text(encoding="utf-8").replace("10m", "11m"), encoding="utf-8")
    monkeypatch.setattr(module, "METADATA", path)
    for command in (["metadata", "--check"], ["validate"], ["spec", "--image", IMAGE]):
        assert main(command) == 1
        told = "templates: error: templates/metadata.json differs from the job's flags: python -m templates metadata"
        assert capsys.readouterr() == ("", f"{told} writes it\n")
    assert main(["metadata"]) == 0
    assert path.read_bytes() == METADATA.read_bytes()


def test_google_reads_what_is_meant() -> None:
    message = types.TemplateMetadata.pb(types.TemplateMetadata())
    json_format.ParseDict(CONTENT, message, ignore_unknown_fields=False)
    assert (message.streaming, message.supports_at_least_once, message.supports_exactly_once) == (True, True, True)
    assert message.default_streaming_mode == "EXACTLY_ONCE"
    read = {parameter.name: parameter for parameter in message.parameters}
    assert types.ParameterType(read["subscription"].param_type).name == "PUBSUB_SUBSCRIPTION"
    assert types.ParameterType(read["output"].param_type).name == "TEXT"
    assert [option.value for option in read["file_format"].enum_options] == ["jsonl", "parquet"]
    assert (read["allowed_lateness"].default_value, read["archive"].default_value) == ("10m", "false")
    assert all(parameter.is_optional and parameter.label and parameter.help_text for parameter in read.values())
    assert json_format.MessageToDict(message) == CONTENT  # nothing was dropped


def test_the_file_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == 0
    assert capsys.readouterr().out == f"valid: {len(CONTENT['parameters'])} parameters\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (CONTENT | {"help": "x"}, 'no field named "help"'),
        (changed(paramType="GCS_FOLDER"), "GCS_FOLDER"),
        (changed(default="x"), 'no field named "default"'),
        (changed(isOptional="yes"), "Failed to parse isOptional field"),
        (CONTENT | {"streaming": "true"}, "Failed to parse streaming field"),
    ],
)
def test_what_google_does_not_take(content: dict[str, Any], problem: str) -> None:
    with pytest.raises(TemplateError, match="not a TemplateMetadata: ") as caught:
        check_message("TemplateMetadata", content)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (CONTENT, []),
        (CONTENT | {"name": ""}, ["name: missing"]),
        (CONTENT | {"parameters": []}, ["parameters: there are none"]),
        (
            CONTENT | {"defaultStreamingMode": "ONCE"},
            ["defaultStreamingMode: ONCE is none of EXACTLY_ONCE, AT_LEAST_ONCE"],
        ),
        (changed(name="topic"), ["topic: there are several"]),
        (changed(name=""), ["a parameter without a name: name missing"]),
        (changed(label="", helpText=""), ["subscription: label missing", "subscription: helpText missing"]),
        (changed(regexes=["(x"]), ["subscription: regex (x: missing ), unterminated subpattern at position 0"]),
        (changed(regexes=["^[0-9]+$"], defaultValue="5m"), ["subscription: default 5m does not match ^[0-9]+$"]),
        (
            changed(enumOptions=[{"value": "a"}], defaultValue="a", regexes=[]),
            ["subscription: an ENUM, and only an ENUM, has enumOptions"],
        ),
        (
            changed(paramType="ENUM", enumOptions=[{"value": "a"}]),
            ["subscription: default None is none of the enumOptions"],
        ),
        (changed(paramType="ENUM"), ["subscription: an ENUM, and only an ENUM, has enumOptions"]),
    ],
)
def test_problems_are_named(content: dict[str, Any], told: list[str]) -> None:
    assert list(problems(content)) == told


def test_the_spec_says_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "--image", IMAGE]) == 0
    spec = json.loads(capsys.readouterr().out)
    assert spec == {
        "image": IMAGE,
        "sdkInfo": {"language": "PYTHON"},
        "defaultEnvironment": {"sdkContainerImage": IMAGE, "enableStreamingEngine": True},
        "metadata": CONTENT,
    }
    message = types.ContainerSpec.pb(types.ContainerSpec())
    json_format.ParseDict(spec, message, ignore_unknown_fields=False)
    assert json_format.MessageToDict(message) == spec


def test_a_stored_spec_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.json"
    assert main(["spec", "--image", IMAGE, "--output", str(path)]) == 0
    assert json.loads(path.read_text()) == container_spec(IMAGE, CONTENT)
    assert main(["validate", "--spec", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: written\nvalid: {len(CONTENT['parameters'])} parameters\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON: Expecting property name"),
        ("[]", "not a JSON object"),
        (json.dumps(container_spec(IMAGE, CONTENT) | {"sdk": "PYTHON"}), 'not a ContainerSpec: .*no field named "sdk"'),
        (json.dumps(container_spec(IMAGE, CONTENT) | {"image": "h/b:2"}), "workers and launcher have different images"),
        (json.dumps(container_spec(IMAGE, CONTENT | {"name": ""})), "name: missing"),
    ],
)
def test_a_bad_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str) -> None:
    path = tmp_path / "spec.json"
    path.write_text(text)
    assert main(["validate", "--spec", str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(problem, line)


def test_a_spec_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--spec", str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().err == f"templates: error: {tmp_path / 'none.json'}: No such file or directory\n"
