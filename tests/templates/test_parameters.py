"""The template's parameters are the job's flags: the same set, defaults and choices, and regexes that agree with it."""

import json
import re
from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.arguments import build_parser, spell_out
from pipeline.config import Alerts, JobConfig, LogFormat, make_config
from telemetry.bigquery.schema import Method
from telemetry.errors import ConfigError
from telemetry.model.record_batches import FileFormat
from telemetry.webhooks.forms import FormName
from templates import parameters as table
from templates.errors import TemplateError
from templates.metadata import METADATA
from templates.parameters import LOCAL_ONLY, PRESENTATIONS, Presentation, template_metadata

PARAMETERS: dict[str, dict[str, Any]] = {
    parameter["name"]: parameter for parameter in json.loads(METADATA.read_text(encoding="utf-8"))["parameters"]
}
SUBSCRIPTION = "projects/p/subscriptions/abc"
TOPIC = "projects/p/topics/abc"
DURATIONS = ["500ms", "60s", "1.5s", "10m", "2h", "1d", "0s"], ["", "60", "-5s", "ten", "5 m", "1w", "s", "5m\n", ".5s"]
TOPICS = (
    [TOPIC, "projects/example.com:p/topics/A-b_c.d~e%2B+9"],
    ["abc", SUBSCRIPTION, "projects/p/topics/9ab", f"{TOPIC} "],
)
SWITCHES = ["true", "false"], ["", "yes", "1", "truefalse"]
VALUES: dict[str, tuple[list[str], list[str]]] = {
    "subscription": (
        [SUBSCRIPTION, "projects/example.com:p/subscriptions/A-b_c.d~e%2B+9", "projects/p/subscriptions/" + 255 * "x"],
        ["abc", TOPIC, "projects/p/subscriptions/ab", "projects/p/subscriptions/" + 256 * "x", f" {SUBSCRIPTION}"],
    ),
    "topic": TOPICS,
    "rules": (
        ["gs://b/rules.yaml", "s3://b/folder/rules.yml", "azfs://account/container/rules.yaml"],
        ["", "rules.yaml", "/template/rules.yaml", "gs://", "gs://bucket", "ftp://b/rules.yaml", "gs://b/a b.yaml"],
    ),
    "metrics": (["temp", "co,humidity", "co, temp", "pression°,PM2.5,temp"], ["", "a,,b", ",a", " ", 'a"b']),
    "feed": (["gs://b/feed.yaml", "s3://b/f.yml"], ["", "feed.yaml", "gs://b/a b.yaml"]),
    "time_column": (["received_at", "Date,Time", "a.b[0]"], [""]),
    "device_column": (["id", "ids.device_id"], [""]),
    "device": (["greenhouse 1"], [""]),
    "time_zone": (["Europe/Rome", "+02:00", "UTC"], ["", "a b"]),
    "delimiter": ([";", "tab"], ["", ";;"]),
    "reload_rules": (["1s", "1.5s", "10m", "2h", "1d", "never"], [*DURATIONS[1], "500ms", "Never", "off"]),
    "warm_start": (
        ["gs://bucket", "gs://b/results", "s3://b/results/readings", "azfs://account/container/t*.csv.gz"],
        ["", "results", "/tmp/results", "gs:/b", "gs://", "file:///tmp/results", "gs://b/a b"],
    ),
    "window": DURATIONS,
    "slide": DURATIONS,
    "window_zone": (
        ["Europe/Rome", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC", "-03:00", "+0530"],
        ["", "Europe Rome", "Europe/Rome\n"],
    ),
    "allowed_lateness": DURATIONS,
    "earliest_time": (["2000-01-01T00:00:00Z", "0"], ["", "last year"]),
    "early_firing": DURATIONS,
    "output": (
        ["gs://bucket", "gs://bucket/", "gs://b/results", "s3://b/results", "azfs://account/container/results"],
        ["", "results", "/tmp/results", "gs:/b", "gs://", "file:///tmp/results", "gs://b/a b"],
    ),
    "bigquery": (
        ["my-project:telemetry", "example.com:my-project:telemetry_2"],
        ["telemetry", "my-project.telemetry", "my-project:data-set", "p:telemetry", "my-project:", "My-project:data"],
    ),
    "alerts_topic": TOPICS,
    "alerts_webhook": (
        ["http://alerts:9093/api/v2/alerts", "https://a.example/${HOOK},https://${USER}:${PASSWORD}@b.example/x?y=z"],
        ["", "http://alerts/a b", "http://alerts/\n"],
    ),
    "alerts_webhook_template": (
        ["gs://b/slack.json", "s3://b/folder/slack.json", "azfs://account/container/slack.json"],
        ["", "slack.json", "/template/slack.json", "gs://", "gs://bucket", "ftp://b/slack.json", "gs://b/a b.json"],
    ),
    "alerts_patience": DURATIONS,
    "dead_letter_topic": TOPICS,
    "flush_interval": DURATIONS,
    "shards": (["1", "9", "10", "9999", "10000"], ["", "0", "01", "-1", "1.5", "10001", "many"]),
    "archive": SWITCHES,
    "append": SWITCHES,
    "dedup": DURATIONS,
    "dedup_readings": DURATIONS,
    "verbose": SWITCHES,
}


FILES = ("rules", "feed", "alerts_webhook_template")
"""Parameters that name a file, which the job reads."""


def config_with(name: str, value: str) -> JobConfig:
    """Return the job's configuration for this parameter and as few others as possible."""
    given = {"subscription": SUBSCRIPTION, "output": "gs://bucket/results"} | {name: value}
    if name == "topic":
        del given["subscription"]
    return make_config(*build_parser().parse_known_args(spell_out([f"--{key}={text}" for key, text in given.items()])))


def flags() -> dict[str, str]:
    """Each of the job's flags as a parameter is called, with its default as text."""
    actions = [action for action in build_parser()._actions if action.dest != "help"]
    return {
        action.option_strings[0].removeprefix("--").replace("-", "_"): "false"
        if action.default is False
        else action.default or ""
        for action in actions
    }


def test_every_flag_is_a_parameter_or_is_said_to_be_local() -> None:
    assert flags().keys() == PARAMETERS.keys() | LOCAL_ONLY.keys()
    assert not PARAMETERS.keys() & LOCAL_ONLY.keys()


def test_defaults_are_those_of_the_flags() -> None:
    told = {name: parameter.get("defaultValue", "") for name, parameter in PARAMETERS.items()}
    assert told == {name: default for name, default in flags().items() if name not in LOCAL_ONLY}


def test_choices_are_those_of_the_job() -> None:
    told = {
        name: tuple(option["value"] for option in parameter["enumOptions"])
        for name, parameter in PARAMETERS.items()
        if parameter["paramType"] == "ENUM"
    }
    assert told == {
        "file_format": get_args(FileFormat),
        "bigquery_method": get_args(Method),
        "alerts": get_args(Alerts),
        "alerts_webhook_form": get_args(FormName),
        "log_format": get_args(LogFormat),
    }


def test_switches_are_booleans_and_nothing_else_is() -> None:
    switches = {action.dest for action in build_parser()._actions if action.nargs == 0} - {"help", "drain"}
    assert {name for name, parameter in PARAMETERS.items() if parameter["paramType"] == "BOOLEAN"} == switches


def test_groups_are_those_of_the_help() -> None:
    told = {name: parameter["groupName"] for name, parameter in PARAMETERS.items()}
    assert told.keys() == PARAMETERS.keys()
    for group in build_parser()._action_groups:
        names = {action.option_strings[0][2:].replace("-", "_") for action in group._group_actions} & told.keys()
        assert {told[name].lower() for name in names} <= {str(group.title)}
    assert (told["topic"], told["shards"]) == ("Input (exactly one)", "Output (at least one)")


def test_help_is_the_flags_own() -> None:
    assert PARAMETERS["dedup"]["helpText"].startswith(
        "Remove messages whose message_key was already seen, published at most"
    )
    assert PARAMETERS["output"]["helpText"].endswith("with --extras. Example: gs://bucket/results")


def test_every_regex_is_exercised() -> None:
    assert VALUES.keys() == {name for name, parameter in PARAMETERS.items() if "regexes" in parameter}
    enums = {name for name, parameter in PARAMETERS.items() if parameter["paramType"] == "ENUM"}
    assert PARAMETERS.keys() - VALUES.keys() == enums


def matches(name: str, value: str) -> tuple[bool, bool]:
    """Whether a value matches by Python's rules, and by RE2's, which are nearer to what Google has."""
    (regex,) = PARAMETERS[name]["regexes"]
    found = pc.match_substring_regex(pa.array([value]), pattern=regex.replace("^", r"\A", 1).removesuffix("$") + r"\z")
    return re.fullmatch(regex, value) is not None, found[0].as_py()


@pytest.mark.parametrize("name", VALUES)
def test_regexes_take_good_values_and_refuse_bad_ones(name: str) -> None:
    good, bad = VALUES[name]
    assert [value for value in good if matches(name, value) != (True, True)] == []
    assert [value for value in bad if matches(name, value) != (False, False)] == []


@pytest.mark.parametrize("name", VALUES)
def test_regexes_are_anchored(name: str) -> None:
    (regex,) = PARAMETERS[name]["regexes"]
    assert (regex[0], regex[-1]) == ("^", "$")


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, (good, _) in VALUES.items() for v in good if n not in FILES])
def test_the_job_takes_what_a_regex_takes(name: str, value: str) -> None:
    if value == "0s" and name in ("window", "slide", "early_firing", "flush_interval", "dedup", "dedup_readings"):
        with pytest.raises(ConfigError, match="must be at least 1ms"):
            config_with(name, value)
    elif name == "slide" and value not in ("500ms", "60s", "1.5s"):
        with pytest.raises(ConfigError, match="must divide the window"):
            config_with(name, value)
    else:
        config_with(name, value)


@pytest.mark.parametrize("name", ["subscription", "topic", "alerts_topic", "dead_letter_topic", "bigquery", "shards"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_job_takes_whatever_a_regex_of_names_takes(name: str, data: st.DataObject) -> None:
    (regex,) = PARAMETERS[name]["regexes"]
    visible = st.characters(min_codepoint=33, max_codepoint=126)
    value = data.draw(st.from_regex(regex.removesuffix("$"), fullmatch=True, alphabet=visible))
    config_with(name, value)


@pytest.mark.parametrize("name", [name for name, shown in PRESENTATIONS.items() if shown.example and name not in FILES])
def test_examples_are_good(name: str) -> None:
    example = PRESENTATIONS[name].example.replace("projects/P/", "projects/p/")
    assert matches(name, example) == (True, True)
    config_with(name, example)


def test_a_flag_that_the_table_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PRESENTATIONS", {k: v for k, v in PRESENTATIONS.items() if k != "early_firing"})
    with pytest.raises(TemplateError, match=r"--early-firing: a flag that templates/parameters\.py does not know"):
        template_metadata()


def test_a_name_that_is_no_flag_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PRESENTATIONS", PRESENTATIONS | {"colour": Presentation("Colour")})
    with pytest.raises(TemplateError, match=r"colour: in templates/parameters\.py, but not a flag"):
        template_metadata()
