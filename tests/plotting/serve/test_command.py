"""Check the command: refused options, start and end."""

import signal
import socket
from typing import Any

import pytest

from plotting.serve.command import add_arguments, run
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from tests.support.datasets import Dataset
from tests.support.emulators import bigquery_server
from tests.support.live_servers import Served, end, start
from tests.support.runs import window, write_run

__all__ = ["bigquery_server"]


def serve(*arguments) -> Any:
    parser = OneLineParser()
    add_arguments(parser)

    return exit_code("plotting", lambda: run(parser.parse_args([*map(str, arguments)])))


def one_line(capsys) -> Any:
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_a_port_that_is_taken_is_refused_in_one_line(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert serve("--results", tmp_path, "--port", port) == 2
    said = one_line(capsys)
    assert str(port) in said
    assert "taken" in said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--port", "70000"), "--port"),
        (("--port", "many"), "--port"),
        (("--refresh", "0s"), "--refresh"),
        (("--host", "203.0.113.7"), "--host"),
        (("--rules", "/nowhere/rules.yaml"), "--rules"),
        (("--feed", "/nowhere/feed.yaml"), "--feed"),
        (("--figure", "pie"), "--figure"),
        (("--lang", "de"), "--lang"),
        (("--theme", "sepia"), "--theme"),
    ],
)
def test_flags_that_cannot_be_used_are_refused_in_one_line(tmp_path, capsys, arguments, named):
    assert serve("--results", tmp_path, "--port", 0, *arguments) == 2
    assert named in one_line(capsys)


def test_a_folder_that_is_missing_is_refused_in_one_line(tmp_path, capsys):
    assert serve("--results", tmp_path / "nowhere", "--port", 0) == 2
    said = one_line(capsys)
    assert "nowhere" in said
    assert "no such directory" in said


def test_a_dataset_that_is_missing_is_refused_in_one_line(bigquery_server, capsys):
    flags = ("--bigquery", f"{bigquery_server.project}:nowhere", "--bigquery-endpoint", bigquery_server.endpoint)
    assert serve(*flags, "--port", 0) == 2
    assert "no such dataset" in one_line(capsys)


def test_a_dataset_is_waited_for_until_something_is_in_it(bigquery_server):
    process, _ = start(*Dataset(bigquery_server).flags, "--port", 0)
    try:
        code, said, complained = end(process)
    finally:
        process.kill()
    assert (code, said.strip(), complained) == (0, "ended", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_when_it_is_told_to(tmp_path, number):
    process, address = start("--results", write_run(tmp_path, [window()]), "--port", 0, "--figure", "overview")
    try:
        served = Served.__new__(Served)
        served.address, served.port = address, int(address.rstrip("/").rsplit(":", 1)[1])
        assert served.get("/")[0] == 200
        with served.tab() as page:
            assert page.hear("run")["windows"] in ("0", "1")
            code, said, complained = end(process, number)
    finally:
        process.kill()
    assert (code, said.strip(), complained) == (0, "ended", "")
