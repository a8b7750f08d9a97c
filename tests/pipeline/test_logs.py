"""Log lines as people and as machines read them."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from pipeline.logs import JsonFormatter, fields_of
from tests.support.jobs import EARLY, config_of


def record(level: int, message: str, *args: object) -> logging.LogRecord:
    made = logging.LogRecord("pipeline", level, "file", 1, message, args, None)
    made.created = 1_594_512_000.25
    return made


def test_a_line_is_an_object_with_the_fields_of_its_run() -> None:
    line = JsonFormatter({"job_run": "r", "rules_version": "v"}).format(record(logging.WARNING, "%d é\n", 5))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2020-07-12T00:00:00.250000Z",
        "severity": "WARNING",
        "logger": "pipeline",
        "message": "5 é\n",
        "job_run": "r",
        "rules_version": "v",
    }
    levels = {logging.DEBUG: "DEBUG", logging.INFO: "INFO", 25: "INFO", logging.ERROR: "ERROR"}
    for level, severity in levels.items():
        assert json.loads(JsonFormatter({}).format(record(level, "x")))["severity"] == severity


def test_an_exception_is_part_of_the_message() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        made = record(logging.ERROR, "failed")
        made.exc_info = sys.exc_info()
    assert json.loads(JsonFormatter({}).format(made))["message"].endswith("ValueError: broken")


def test_two_runs_of_the_same_rules_are_told_apart() -> None:
    config = config_of("--input", "x.csv", "--print")
    first, second = fields_of(config), fields_of(config)
    assert first["rules_version"] == second["rules_version"] == config.rules.version
    assert first["job_run"] != second["job_run"]


def test_the_job_logs_objects(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("ts,device,temp\n" + "".join(f"{n},a,31\n" for n in range(2_000)))
    command = [sys.executable, "-m", "pipeline", *EARLY, "--input", str(source), "--output", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--verbose", "--log-format", "json"], capture_output=True, text=True, check=True, timeout=100
    )
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    ours = [line["message"] for line in lines if line["logger"] == "pipeline"]
    assert any(message.startswith("windows of 1m every 1m") for message in ours)
    assert len({line["job_run"] for line in lines}) == 1
    assert len(lines) < 200, "no line for an element"
