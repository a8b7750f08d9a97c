"""Standard output on a full disk: one line with the reason and exit code 1, in every command that prints."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.broker import Broker
from telemetry.cli.main import SUBCOMMANDS
from tests.support.command_parsers import GROUPS
from tests.support.mosquitto import mosquitto
from tests.support.sources import ROOT

__all__ = ["mosquitto"]

FULL = "standard output cannot be written: No space left on device"
ROWS = ["1594512000,a,45,1", "1594512001,b,20,1", "soon,b,20,1"]
TOPIC = "projects/telemetry-test/topics/full"
COMMANDS = {
    "explore": ["rows.csv"],
    "replay": ["rows.csv", "--topic", TOPIC, "--create", "--speed", "max"],
    "bridge": ["{mqtt}/plants/+/+", "--topic", TOPIC, "--create", "--stop-after-idle", "100ms"],
    "simulate": ["--rows", "100"],
    "broker": ["--port", "0"],
    "reprocess": ["results", "--topic", TOPIC],
    "run": ["--input", "rows.csv", "--output", "again", "--print"],
    "reconcile": ["--output", "results"],
    "tables": ["--print-sql", "--bigquery", "pro-ject:dset"],
    "rules": ["schema"],
    "feed": ["schema"],
    "suggest": ["many.csv"],
    "shelve": ["--rules", "rules.yaml"],
    "backtest": ["--input", "rows.csv"],
    "render": ["--results", "results", "--output", "picture.png"],
    "report": ["--results", "results", "--output", "report.html"],
    "serve": ["--results", "results", "--port", "0"],
    "template": ["spec", "--image", "registry.example/job:1"],
    "completion": ["bash"],
}
AFTER = {
    "replay": " (3 rows were published)",
    "bridge": " (0 rows were published)",
    "reprocess": " (1 letters were published)",
}
BEFORE = {"run": "--print: "}
"""Further words of the line beside the reason, where there are some."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an input and the results of a job."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "rows.csv").write_text("\n".join(["ts,device,temp,light", *ROWS, ""]), encoding="utf-8")
    many = "".join(f"{1_594_512_000 + 10 * at},a,{20 + at % 7}\n" for at in range(200))
    (folder / "many.csv").write_text(f"ts,device,temp\n{many}", encoding="utf-8")
    (folder / "rules.yaml").write_text("version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n")
    done = telemetry(folder, "run", "--input", "rows.csv", "--output", "results")
    assert done.returncode == 0, done.stderr
    return folder


def telemetry(
    folder: Path, *args: str, full: bool = False, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    variables |= {"PYTHONPATH": str(ROOT), **(environment or {})}
    with open("/dev/full" if full else os.devnull, "w") as output:
        command = [sys.executable, "-m", "telemetry", *args]
        return subprocess.run(
            command, cwd=folder, env=variables, stdout=output, stderr=subprocess.PIPE, text=True, check=False
        )


def test_every_command_is_tried() -> None:
    assert COMMANDS.keys() == SUBCOMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_reported_in_one_line(command: str, folder: Path, request: pytest.FixtureRequest) -> None:
    mqtt = request.getfixturevalue("mosquitto").endpoint if command == "bridge" else ""
    with Broker() as broker:
        broker_address = {"PUBSUB_EMULATOR_HOST": broker.address}
        if command == "reprocess":
            telemetry(
                folder, "replay", "rows.csv", "--topic", TOPIC, "--create", "--speed", "max", environment=broker_address
            )
        words = [word.format(mqtt=mqtt) for word in COMMANDS[command]]
        done = telemetry(folder, command, *words, full=True, environment=broker_address)
    label = f"{command} {COMMANDS[command][0]}" if command in GROUPS else command
    line = f"telemetry {label}: error: {BEFORE.get(command, '')}{FULL}{AFTER.get(command, '')}"
    assert (done.returncode, done.stderr.splitlines()) == (1, [line])


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("args", [["--help"], ["--version"], ["replay", "--help"], ["simulate", "--rows", "20000"]])
def test_neither_buffers_nor_help_texts_hide_it(args: list[str], unbuffered: str, folder: Path) -> None:
    done = telemetry(folder, *args, full=True, environment={"PYTHONUNBUFFERED": unbuffered})
    label = " ".join(["telemetry", *args[:1]]) if not args[0].startswith("-") else "telemetry"
    assert (done.returncode, done.stderr) == (1, f"{label}: error: {FULL}\n")


def test_closed_standard_output_is_refused(folder: Path) -> None:
    command = [sys.executable, "-m", "telemetry", "simulate", "--rows", "10", "--output", "never.csv"]
    script = 'exec "$@" >&-'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    line = "telemetry simulate: error: standard output cannot be written: it is closed\n"
    assert (done.returncode, done.stderr) == (1, line)
    assert not (folder / "never.csv").exists()
