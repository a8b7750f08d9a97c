"""Execute the page about alerts: its templates are filled, its commands are configurations, its Alertmanager starts."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.config import JobConfig
from telemetry.webhooks.body_template import FIELDS, BodyTemplate
from tests.support import needs
from tests.support.jobs import config_of
from tests.support.pages import blocks_of, read_page, section_of, table_rows
from tests.support.records import transition

PAGE: Final = "docs/alerts.md"
FILES: Final = dict(re.findall(r"^cat > (\S+) <<'END'\n(.*?)^END$", read_page(PAGE), re.MULTILINE | re.DOTALL))
JOBS: Final = [
    command
    for block in blocks_of(PAGE)
    for command in block.commands()
    if command.startswith("telemetry run --subscription")
]


def filled(name: str, **changes: Any) -> Any:
    return json.loads(BodyTemplate(FILES[name]).fill(transition(**changes), {"PAGERDUTY_KEY": "k"}))


def test_the_page_has_the_files_that_its_commands_name() -> None:
    assert FILES.keys() == {"alertmanager.yml", "slack.json", "pagerduty.json"}
    assert len(JOBS) == 4


def test_slack_gets_its_text() -> None:
    sentence = "temp-high: temp of b8:27:eb above 30, worst 30.5, since 2020-07-12T00:00:00Z"
    assert filled("slack.json") == {"text": f"*critical firing* {sentence}"}


def test_pagerduty_gets_events_of_one_key() -> None:
    opened, closed = filled("pagerduty.json"), filled("pagerduty.json", sequence=1, state="closed")
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"] == "0123456789abcdef"
    assert opened["routing_key"] == "k"
    assert {opened["payload"]["severity"]} <= {"critical", "error", "warning", "info"}
    assert len(opened["payload"]["summary"]) <= 1024


@pytest.mark.parametrize("command", JOBS)
def test_a_command_is_a_configuration(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    config: JobConfig = config_of(*shlex.split(command)[2:])
    (webhook,) = config.webhooks
    exported = set(re.findall(r"export (\w+)=", read_page(PAGE)))
    assert set(webhook.variables) <= exported


def test_alertmanager_takes_the_configuration(tmp_path: Path) -> None:
    program = needs.ALERTMANAGER.path().with_name("amtool")
    (tmp_path / "alertmanager.yml").write_text(FILES["alertmanager.yml"])
    done = subprocess.run(
        [program, "check-config", tmp_path / "alertmanager.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_fields_that_are_derived_are_listed() -> None:
    listed = {cells[0].strip("`") for cells in table_rows(section_of(PAGE, "Templates"))}
    assert {f"${name}" for name in ("summary", "status", "event_action")} == listed - {"${env:NAME}", "$$"}
    assert {"summary", "status", "event_action"} <= set(FIELDS)
