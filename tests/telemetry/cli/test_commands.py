"""One line for an expected failure, a crash for any other, and what signals do."""

import contextlib
import os
import signal

import pytest

from telemetry.cli.commands import exit_code, interruptible, stopping
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError, NothingUsableError, TelemetryError


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("--window", "60", "not a duration"), 2, "job: error: --window 60: not a duration\n"),
        (ConfigError("--input", "", "nothing to read"), 2, "job: error: --input: nothing to read\n"),
        (TelemetryError("the disk is full"), 1, "job: error: the disk is full\n"),
        (NothingUsableError("no row was usable"), 3, "job: error: no row was usable\n"),
    ],
)
def test_an_expected_failure_is_one_line(
    error: Exception, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert exit_code("job", fail) == code
    assert capsys.readouterr() == ("", line)


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code("job", lambda: 1 // 0)


def test_the_code_of_a_command_is_kept() -> None:
    assert [exit_code("job", lambda: 0), exit_code("job", lambda: 1)] == [0, 1]


@pytest.mark.parametrize(("asked", "verbosity"), [({}, "ERROR"), ({"GRPC_VERBOSITY": "info"}, "info")])
def test_grpc_says_nothing_of_its_own_unless_asked(
    asked: dict[str, str], verbosity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line about a server that went away came after that of the failure, at times."""
    monkeypatch.setattr(os, "environ", asked)
    assert exit_code("job", lambda: int(os.environ["GRPC_VERBOSITY"] == verbosity)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_and_the_second_quits(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[str] = []
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    before = signal.getsignal(number)
    with stopping(lambda: stops.append("stop")):
        signal.raise_signal(number)
        assert (stops, codes) == (["stop"], [])
        signal.raise_signal(number)
        assert codes == [128 + number]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_is_interruptible_in_one_line(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    steps: list[str] = []
    before = signal.getsignal(number)

    def work() -> int:
        with interruptible():
            try:
                signal.raise_signal(number)
            finally:
                steps.append("cleaned up")
        return 0

    assert exit_code("job", work) == 128 + number
    assert capsys.readouterr() == ("", "job: interrupted\n")
    assert steps == ["cleaned up"]
    assert signal.getsignal(number) is before


def test_ctrl_c_at_any_other_moment_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        assert exit_code("job", work) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "job: interrupted\n"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--number", "many"], "--number: invalid int value: 'many'"),
        (["--numb", "1"], "--numb: unknown flag, did you mean --number?"),
        (["--number"], "--number: expected one argument"),
        (["one", "two"], "one: not expected here"),
    ],
)
def test_a_parser_complains_in_one_line(args: list[str], text: str) -> None:
    parser = OneLineParser()
    parser.add_argument("--number", type=int)
    with pytest.raises(ConfigError) as caught:
        parser.parse_args(args)
    assert str(caught.value) == text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_a_library_has_changed_is_one(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        with interruptible():
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt as interrupt:
                raise RuntimeError(f"KeyboardInterrupt: {interrupt} [while running 'a step']") from interrupt
        return 0

    assert exit_code("program", command) == 128 + number
    assert capsys.readouterr() == ("", "program: interrupted\n")


def test_an_interrupt_that_a_library_has_ignored_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        with interruptible(), contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return 0

    assert exit_code("program", command) == 130
    assert capsys.readouterr() == ("", "program: interrupted\n")


def test_a_defect_without_a_signal_stays_one() -> None:
    with pytest.raises(ZeroDivisionError), interruptible():
        raise ZeroDivisionError
