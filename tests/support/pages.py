"""Read the code blocks of a page, and execute them in order, in one folder, in an installed environment.

The line above a block may say what is special about it:

=============================================  =================================================================
no remark                                      shell and Python blocks are executed; a block of text that follows
                                               is their output, in which ``…`` stands for what differs
*In a terminal of its own; Ctrl-C ends it.*    started, and ended as the page ends, with exit code 0
*In the repository's folder.*                  each command is proven by another test (`IN_THE_REPOSITORY`)
*Needs Google Cloud.*                          not executed; the words are checked by the commands' parsers
*Not executed by the tests: REASON.*           neither
=============================================  =================================================================
"""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.sources import ROOT

CLOUD: Final = "*Needs Google Cloud.*"
REPOSITORY: Final = "*In the repository's folder.*"
SERVICE: Final = "*In a terminal of its own; Ctrl-C ends it.*"
NOT_EXECUTED: Final = re.compile(r"\*Not executed by the tests: (.+)\.\*")
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PORT: Final = "8085"
_PATIENCE_S: Final = 120


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: path of the page below the repository.
        line: number of its first line, from 1.
        language: what the fence says: sh, python, text, …; "" for none.
        remark: the line above the fence, stripped.
        text: the lines between the fences.
    """

    page: str
    line: int
    language: str
    remark: str
    text: str

    @property
    def name(self) -> str:
        """Where the block is, for messages."""
        return f"{self.page}:{self.line}"

    @property
    def is_code(self) -> bool:
        """Whether a reader would execute it."""
        return self.language in ("sh", "python")

    @property
    def is_executed(self) -> bool:
        """Whether `PageRun` executes it."""
        return self.is_code and not (
            self.remark in (CLOUD, REPOSITORY) or NOT_EXECUTED.fullmatch(self.remark) or "xecuted" in self.remark
        )

    def commands(self) -> list[str]:
        """Return the lines of a shell block, continued lines joined, comments left out."""
        joined = re.sub(r" *\\\n *", " ", self.text)
        lines = (re.sub(r"(^| )#.*$", "", line).strip() for line in joined.splitlines())
        return [line for line in lines if line]


def read_page(page: str) -> str:
    """Return the text of a page, by its path below the repository."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """Return all fenced blocks of a page, in order."""
    text = read_page(page)
    found = []
    for match in _FENCE.finditer(text):
        before = text[: match.start()].rstrip("\n").rpartition("\n")[2].strip()
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(page, line, match[1], before, match[2]))
    return found


def section_of(page: str, title: str) -> str:
    """Return the text below a heading of the second level."""
    return read_page(page).split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def table_rows(text: str) -> list[list[str]]:
    """Return the cells of the first table in a text, without its heading."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("|"):
            lines.append(line)
        elif lines:
            break
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[2:]]


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


class PageRun:
    """Executes the blocks of a page one by one; variables and services of earlier blocks stay.

    Args:
        environment: the installed environment, whose ``bin`` is first in PATH.
        folder: where the blocks begin.
    """

    def __init__(self, environment: Path, folder: Path) -> None:
        """Begin with an environment in which nothing of the project is set."""
        self._folder = folder
        self._bin = environment / "bin"
        self._state = folder.with_name(f"{folder.name}.state")
        self._port = str(free_port())
        self._services: list[tuple[str, subprocess.Popen[str]]] = []
        keep = ("HOME", "LANG", "TMPDIR")
        self._base = {name: os.environ[name] for name in keep if name in os.environ}
        self._base["PATH"] = f"{self._bin}:{os.environ['PATH']}"
        self._state.write_text(f"cd '{folder}'\n")

    def execute(self, block: Block) -> str:
        """Execute a block; returns what it wrote to standard output.

        Raises:
            AssertionError: if it fails, with all it wrote.
        """
        if block.remark == SERVICE:
            self._start(block)
            return ""
        text = block.text.replace(_PORT, self._port)
        script = f"python - <<'END_OF_PROGRAM'\n{text}END_OF_PROGRAM\n" if block.language == "python" else text
        whole = f". '{self._state}'\nset -euo pipefail\n{script}\nset +euo pipefail\n{self._remember()}"
        done = subprocess.run(
            ["bash", "-c", whole], env=self._base, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        assert done.returncode == 0, f"{block.name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _remember(self) -> str:
        return f"{{ export -p; echo \"cd '$PWD'\"; }} > '{self._state}'"

    def _start(self, block: Block) -> None:
        (command,) = block.commands()
        command = command.replace(_PORT, self._port)
        if "serve" in command.split():
            command += " --port 0"
        process = subprocess.Popen(
            ["bash", "-c", f". '{self._state}'\nexec {command}"],
            env=self._base,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._services.append((block.name, process))
        assert process.stdout is not None, "it was asked for"
        line = process.stdout.readline()  # each service says where it is when it can be reached
        assert re.search(r"listening on|http://", line), f"{block.name}: {line}{process.communicate(timeout=10)[0]}"

    def close(self) -> None:
        """Press Ctrl-C in the terminals of all services.

        Raises:
            AssertionError: if one does not end with exit code 0.
        """
        ended = {}
        for _, process in self._services:
            process.send_signal(signal.SIGINT)
        for name, process in self._services:
            output, _ = process.communicate(timeout=_PATIENCE_S)
            ended[name] = (process.returncode, output)
        assert [name for name, (code, _) in ended.items() if code] == [], ended


def output_pattern(text: str) -> list[re.Pattern[str]]:
    """Return a pattern for each line of an expected output: ``…`` stands for anything, spaces for any number."""
    lines = (line.rstrip() for line in text.splitlines() if line.strip() and line.strip() != "…")
    return [
        re.compile(r"\s+".join(".*".join(map(re.escape, word.split("…"))) for word in line.split())) for line in lines
    ]


def missing_lines(expected: str, output: str) -> Iterator[str]:
    """Yield the lines of an expected output that do not follow in the output, in their order."""
    lines = iter(output.splitlines())
    for pattern in output_pattern(expected):
        if not any(pattern.fullmatch(line.strip()) for line in lines):
            yield pattern.pattern
            return
