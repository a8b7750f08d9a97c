"""Webhooks as flags name them, and the way to them with the variables of a process."""

from pathlib import Path

import pytest

from telemetry.errors import ConfigError, OutputError
from telemetry.webhooks.forms import AlertmanagerForm, FormName, TemplateForm, WebhookForm
from telemetry.webhooks.webhook import Webhook, check_variables, open_courier, read_webhooks
from tests.support.receivers import Receiver
from tests.support.records import START, transition

ALERTMANAGER = "http://alerts:9093/api/v2/alerts"
TEMPLATE = '{"key": "${env:KEY}", "text": "$summary"}'


def test_no_flag_is_no_webhook() -> None:
    assert read_webhooks("", "auto", "") == ()


def test_addresses_are_separated_by_commas(tmp_path: Path) -> None:
    path = tmp_path / "slack.json"
    path.write_text(TEMPLATE)
    found = read_webhooks(f"{ALERTMANAGER}, https://a.example/${{HOOK}}", "auto", str(path))
    assert found == (Webhook(ALERTMANAGER, "auto", TEMPLATE), Webhook("https://a.example/${HOOK}", "auto", TEMPLATE))
    assert found[1].variables == ["HOOK", "KEY"]
    assert len({one.number for one in found}) == 2


def test_a_webhook_is_shown_without_what_may_be_secret() -> None:
    webhook = Webhook("https://joe@a.example/${HOOK}?key=1", template=TEMPLATE)
    assert str(webhook) == "https://a.example/${HOOK}"
    assert repr(webhook) == "Webhook(form='auto')"


@pytest.mark.parametrize(
    ("addresses", "form", "template", "problem"),
    [
        ("ftp://a/", "auto", "", "--alerts-webhook ftp://a/: must begin with http:// or https://"),
        ("http://a/,", "auto", "", "--alerts-webhook: must begin with http:// or https://"),
        ("http://a/,http://a/", "auto", "", "--alerts-webhook http://a/: is given twice"),
        (
            "http://joe:secret@a/?secret",
            "auto",
            "",
            "--alerts-webhook http://a/: holds a password, which flags and graphs would show: write it as ${NAME}",
        ),
        ("", "auto", "{}", "--alerts-webhook-template FILE: needs --alerts-webhook"),
        ("http://a/", "alertmanager", "{}", "--alerts-webhook-template FILE: Alertmanager's API takes one form only"),
        (
            "http://a/",
            "auto",
            "$",
            "--alerts-webhook-template FILE: no field and no variable behind a $: line 1, col 1",
        ),
        ("http://a/", "auto", "\xff", "--alerts-webhook-template FILE: is not UTF-8"),
        ("http://a/", "auto", None, "--alerts-webhook-template FILE: cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_names_the_flag(
    addresses: str, form: FormName, template: str | None, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "template"
    if template is not None:
        path.write_bytes(template.encode("latin-1"))
    with pytest.raises(ConfigError) as raised:
        read_webhooks(addresses, form, "" if template == "" else str(path))
    assert str(raised.value).replace(str(path), "FILE") == problem


def test_variables_are_checked_where_the_job_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = Webhook("https://a.example/${HOOK}", template=TEMPLATE)
    monkeypatch.setenv("HOOK", "x")
    with pytest.raises(ConfigError) as raised:
        check_variables(webhook)
    assert str(raised.value) == "--alerts-webhook https://a.example/${HOOK}: the variable KEY is not set"
    monkeypatch.setenv("KEY", "")
    check_variables(webhook)


@pytest.mark.parametrize("missing", ["HOOK", "KEY"])
def test_a_worker_without_a_variable_says_which(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"HOOK", "KEY"} - {missing}:
        monkeypatch.setenv(name, "s3cret")
    with pytest.raises(OutputError) as raised:
        open_courier(Webhook("https://a.example/${HOOK}", template=TEMPLATE), lambda: 0.0)
    assert str(raised.value) == f"--alerts-webhook https://a.example/${{HOOK}}: the variable {missing} is not set"


def test_a_worker_with_a_wrong_variable_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "ftp://s3cret")
    with pytest.raises(OutputError) as raised:
        open_courier(Webhook("${HOOK}"), lambda: 0.0)
    assert str(raised.value) == "--alerts-webhook ${HOOK}: must begin with http:// or https://"


def test_the_form_is_that_of_the_expanded_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", ALERTMANAGER)
    assert open_courier(Webhook("${HOOK}"), lambda: 0.0).form == AlertmanagerForm()
    monkeypatch.setenv("HOOK", "http://a/")
    assert open_courier(Webhook("${HOOK}"), lambda: 0.0).form == WebhookForm()
    assert open_courier(Webhook("${HOOK}", "webhook", "[]"), lambda: 0.0).form == TemplateForm("[]")


def test_a_courier_uses_token_clock_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_WEBHOOK_TOKEN", "a-token\n")
    monkeypatch.setenv("KEY", "k")
    with Receiver() as receiver:
        for webhook in (
            Webhook(f"{receiver.address}/a", template=TEMPLATE),
            Webhook(f"{receiver.address}/b", "alertmanager"),
        ):
            courier = open_courier(webhook, lambda: START / 1e6 + 60.0)
            assert courier.deliver([transition(1, state="closed")], 10.0).told == 1
    first, second = receiver.received
    assert first.headers["Authorization"] == second.headers["Authorization"] == "Bearer a-token"
    assert first.content["key"] == "k"
    assert second.content[0]["endsAt"] == "2020-07-12T00:00:00.000000Z"  # a minute ago at the latest
