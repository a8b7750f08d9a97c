"""Completion scripts: each shell takes its own, and bash completes commands and flags with it."""

import subprocess

import pytest

from telemetry.cli.completion import SHELLS
from telemetry.cli.main import SUBCOMMANDS, main


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_in_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    assert [name for name in SUBCOMMANDS if name not in text] == []


def complete(text: str, *words: str) -> set[str]:
    """Let bash complete the last word."""
    given = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _shtab_telemetry"
    program = f"{text}\n{ask}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    ran = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("telemetry", "re"), {"replay", "reprocess", "reconcile", "render", "report"}),
        (("telemetry", "run", "--wat"), {"--watermark-lag"}),
        (("telemetry", "render", "--the"), {"--theme"}),
        (("telemetry", "rules", "ch"), {"check"}),
        (("telemetry", "template", "b"), {"build"}),
        (("telemetry", "template", "build", "--dry"), {"--dry-run"}),
    ],
)
def test_bash_completes(words: tuple[str, ...], found: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert complete(script("bash", capsys), *words) == found
