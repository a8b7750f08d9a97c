"""Webhooks among the outputs of a job, from its flags to its logs and its summary."""

import json
import pickle
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.graph import outputs_of
from tests.support.jobs import config_of
from transforms.outputs.send_incidents import SendIncidents

ADDRESSES = "http://127.0.0.1:9/${HOOK}?key=${KEY},http://127.0.0.1:9/api/v2/alerts"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOOK", "KEY", "TELEMETRY_WEBHOOK_TOKEN"):
        monkeypatch.setenv(name, f"s3cret-{name}")


@pytest.mark.parametrize(
    ("flags", "form", "patience_us"),
    [
        ([], "auto", 3_600_000_000),
        (["--alerts-webhook-form", "webhook", "--alerts-patience", "90s"], "webhook", 90_000_000),
    ],
)
def test_flags_reach_the_sink(flags: list[str], form: str, patience_us: int) -> None:
    given = ["--input", "rows.csv", "--output", "out", "--alerts-webhook", ADDRESSES, *flags]
    sink = outputs_of(config_of(*given))["incidents"]["Send incidents"]
    assert isinstance(sink, SendIncidents)
    assert [str(webhook) for webhook in sink.webhooks] == [
        "http://127.0.0.1:9/${HOOK}",
        "http://127.0.0.1:9/api/v2/alerts",
    ]
    assert {webhook.form for webhook in sink.webhooks} == {form}
    assert sink.patience_us == patience_us
    assert b"s3cret" not in pickle.dumps(sink)


def test_without_the_flag_nothing_is_posted() -> None:
    assert "Send incidents" not in outputs_of(config_of("--input", "rows.csv", "--output", "out"))["incidents"]


def test_a_template_reaches_the_sink(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text('{"text": "$summary", "key": "${env:KEY}"}')
    flags = ["--alerts-webhook", "http://127.0.0.1:9/x", "--alerts-webhook-template", path]
    sink = outputs_of(config_of("--input", "rows.csv", "--output", "out", *flags))["incidents"]["Send incidents"]
    assert isinstance(sink, SendIncidents)
    assert sink.webhooks[0].variables == ["KEY"]
    assert b"s3cret" not in pickle.dumps(sink)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_logs_and_summary_have_no_secret(log_format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, summary = tmp_path / "rows.csv", tmp_path / "summary.json"
    source.write_text("ts,device,temp\n1594512000,a,21\n")
    flags = ["--input", source, "--output", tmp_path / "out", "--summary", summary, "--alerts-webhook", ADDRESSES]
    assert main([*map(str, flags), "--verbose", "--log-format", log_format]) == 0
    captured = capsys.readouterr()
    assert "http://127.0.0.1:9/${HOOK}, http://127.0.0.1:9/api/v2/alerts" in captured.err
    assert json.loads(summary.read_text())["alerts_sent"] == 0
    files = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "s3cret" not in captured.out + captured.err + files
