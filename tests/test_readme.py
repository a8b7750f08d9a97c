"""The README says what the programs do: its tables are theirs, and its commands are understood."""

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from pipeline.arguments import build_parser
from pipeline.commands import reconcile, tables
from plotting import command as render
from plotting.report import command as report
from plotting.serve import command as serve
from publisher import broker, explore, replay, reprocess, simulate
from telemetry.model import messages
from telemetry.model.dead_letters import Reason
from telemetry.model.kinds import KINDS
from templates import build, run

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(title: str) -> list[list[str]]:
    """The cells of the first table of a section."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def parser_of(add_arguments: Callable[[argparse.ArgumentParser], None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    add_arguments(parser)
    return parser


def flags_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Each flag and its default."""
    actions = [action for action in parser._actions if action.option_strings and action.dest != "help"]
    return {action.option_strings[-1]: action.default or "" for action in actions}


def test_options_of_the_job() -> None:
    told = {flag.strip("`"): default.strip("`") for flag, default, _ in rows("Options of the job")}
    assert told == flags_of(build_parser())


def test_options_of_a_replay() -> None:
    told = {flag.strip("`"): default.strip("`") for flag, default, _ in rows("Options of a replay")}
    assert told == flags_of(parser_of(replay.add_arguments)) | {"--speed": "1"}  # it depends on --rate


def test_options_of_sending_again() -> None:
    told = {flag.strip("`"): default.strip("`") for flag, default, _ in rows("Sending dead letters again")}
    assert told == flags_of(parser_of(reprocess.add_arguments))


def test_attributes() -> None:
    told = {name for cells in rows("What travels") for name in re.findall("`([^`]+)`", cells[0])}
    names = {messages.EVENT_TIME, messages.MESSAGE_KEY, messages.ROWS, messages.RUN_ID, messages.TIME_SHIFT}
    assert told >= names | {messages.CONTENT_ENCODING}


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("anomaly", "anomalies"),
        ("aggregate", "aggregates"),
        ("dead letter", "dead_letters"),
        ("ledger entry", "ledger"),
    ],
)
def test_fields_of_the_records(told: str, kind: str) -> None:
    line = next(line for line in section("What travels").splitlines() if line.startswith(f"| {told} |"))
    names = [field.name for field in msgspec.structs.fields(KINDS[kind].record)]
    assert re.findall("`([^`]+)`", line) == names


def test_reasons() -> None:
    text = section("Late data, bad data").split("Reasons:")[1].split(".")[0]
    assert re.findall("`([^`]+)`", text) == [reason.value for reason in Reason]


PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "pipeline": build_parser,
    "pipeline reconcile": lambda: parser_of(reconcile.add_arguments),
    "pipeline tables": lambda: parser_of(tables.add_arguments),
    "plotting render": lambda: parser_of(render.add_arguments),
    "plotting report": lambda: parser_of(report.add_arguments),
    "plotting serve": lambda: parser_of(serve.add_arguments),
    "templates build": lambda: parser_of(build.add_arguments),
    "templates run": lambda: parser_of(run.add_arguments),
    "publisher replay": lambda: parser_of(replay.add_arguments),
    "publisher reprocess": lambda: parser_of(reprocess.add_arguments),
    "publisher explore": lambda: parser_of(explore.add_arguments),
    "publisher simulate": lambda: parser_of(simulate.add_arguments),
    "publisher broker": lambda: parser_of(broker.add_arguments),
}
COMMANDS = re.findall(r"^(?:`)?python -m (.*)$", re.sub(r" *\\\n *", " ", README), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command: str) -> None:
    words = shlex.split(re.split("[#>&]", command)[0])
    two = " ".join(words[:2])
    name = two if two in PARSERS else words[0]
    PARSERS[name]().parse_args(words[len(name.split()) :])


def test_there_are_commands() -> None:
    assert {" ".join(command.split()[:2]) for command in COMMANDS} >= {
        "publisher broker", "publisher simulate", "publisher explore", "publisher replay", "plotting render",
        "pipeline reconcile",
    }  # fmt: skip


def test_pictures_exist() -> None:
    for path in re.findall(r"\]\(([^)]+\.png)\)", README):
        assert (Path(__file__).parents[1] / path).is_file(), path
