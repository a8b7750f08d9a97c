"""Suggestions for misspelt words: the nearest known one, and none for a word that resembles nothing."""

import pytest

from telemetry.cli.suggestions import did_you_mean, resembling, unknown_flag

FLAGS = ["-h", "--help", "--window", "--allowed-lateness", "--temp_location", "--input"]


@pytest.mark.parametrize(
    ("flag", "suggested"),
    [
        ("--windw", "--window"),
        ("--windw=60s", "--window"),
        ("--Window", "--window"),
        ("--allowed_lateness", "--allowed-lateness"),
        ("--temp-location", "--temp_location"),
        ("--inptu", "--input"),
        ("--xyzzy", ""),
        ("-w", ""),
    ],
)
def test_a_flag(flag: str, suggested: str) -> None:
    assert resembling(flag, FLAGS) == suggested
    assert unknown_flag(flag, FLAGS) == ("unknown flag" + (f", did you mean {suggested}?" if suggested else ""))


@pytest.mark.parametrize(("word", "text"), [("repaly", ", did you mean replay?"), ("q", ""), ("", "")])
def test_a_command(word: str, text: str) -> None:
    assert did_you_mean(word, ["replay", "report", "run"]) == text
