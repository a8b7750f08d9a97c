"""Execute the pages: each block of code is executed or says in the line above it why not; each link has a target."""

import contextlib
import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from tests.support.command_parsers import GROUPS, PARSERS
from tests.support.installed import installed_environment
from tests.support.pages import (
    CLOUD,
    NOT_EXECUTED,
    REPOSITORY,
    SERVICE,
    Block,
    PageRun,
    blocks_of,
    missing_lines,
    read_page,
)
from tests.support.sources import ROOT

PAGES: Final = ("README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")))
BLOCKS: Final = [block for page in PAGES for block in blocks_of(page)]
OF_LAKES: Final = re.compile(r"\*(Executed by the tests.*|Not executed here: written after the documentation of .+)\*")
OF_FILES: Final = re.compile(r"<!-- generated: file (.+) -->")
"""Remark of a block that shows a file, which is tested as a file; see `tests/docs/test_rules_guide.py`."""
OF_REFERENCE: Final = "*Executed by the tests, as rules.test.yaml.*"
IN_THE_REPOSITORY: Final = {
    "make demo": "tests/test_demo.py",
    "make demo CSV=telemetry.csv OUT=folder": "tests/test_demo.py",
    "telemetry rules test docs/rules/*.test.yaml docs/rules/conditions/*.test.yaml": "tests/docs/test_rules_guide.py",
    "python3 -m venv ~/telemetry && ~/telemetry/bin/pip install '.[plot]'": "tests/support/installed.py",
    "export PATH=~/telemetry/bin:$PATH": "tests/support/installed.py",
}
"""Module that executes the commands that need the repository."""
LEFT_OUT: Final = {"docs/alerts.md": 4, "docs/performance.md": 1, "docs/tutorial.md": 1}
"""How many blocks of a page are not executed for another reason than the cloud; see `tests/docs/test_alerts.py`."""
EXECUTED: Final = sorted({block.page for block in BLOCKS if block.is_executed})


# Every block is executed, or marked.


def test_pages_are_found() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/library.md", "docs/operations.md"} <= set(PAGES)
    assert {"README.md", "docs/tutorial.md", "docs/library.md"} <= set(EXECUTED)


def is_marked(block: Block) -> bool:
    lakes = block.page == "docs/lakes.md" and OF_LAKES.fullmatch(block.remark)
    reference = (block.page, block.remark) == ("docs/reference.md", OF_REFERENCE)
    marked = NOT_EXECUTED.fullmatch(block.remark) or OF_FILES.fullmatch(block.remark)
    return bool(block.remark in (CLOUD, REPOSITORY) or marked or lakes or reference)


def is_dealt_with(block: Block) -> bool:
    """Whether a block is executed, marked, the output of another block, or no code."""
    return block.is_executed or is_marked(block) or block.language in ("", "text")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_is_executed_or_marked(block: Block) -> None:
    assert is_dealt_with(block), f"{block.name}: {block.language}, {block.remark!r}"
    looks_like_code = re.search(
        r"^(?:\$ )?(?:telemetry|python|pip|make|gcloud|import|SELECT) ", block.text, re.MULTILINE
    )
    assert block.language or not looks_like_code, f"{block.name}: code in a block without a language"


def test_a_block_that_is_neither_is_found() -> None:
    assert not is_dealt_with(Block("a.md", 1, "yaml", "", "version: 1\n"))
    assert not is_dealt_with(Block("a.md", 1, "sql", "*Executed some day.*", "SELECT 1\n"))
    assert not is_marked(Block("a.md", 1, "sh", "*Needs a cloud.*", "gcloud auth list\n"))
    assert not is_dealt_with(Block("a.md", 1, "sh", "*Executed by the tests.*", "gcloud auth list\n"))


def test_few_blocks_are_left_out() -> None:
    found: dict[str, int] = {}
    for block in BLOCKS:
        if NOT_EXECUTED.fullmatch(block.remark):
            found[block.page] = found.get(block.page, 0) + 1
    assert found == LEFT_OUT


def test_what_needs_the_repository_is_executed_elsewhere() -> None:
    commands = {command for block in BLOCKS if block.remark == REPOSITORY for command in block.commands()}
    assert commands == IN_THE_REPOSITORY.keys()
    assert all((ROOT / file).is_file() for file in IN_THE_REPOSITORY.values())


# Execution.


@pytest.mark.xdist_group("pages")
@pytest.mark.parametrize("page", EXECUTED)
def test_a_page_runs_from_its_beginning_to_its_end(
    page: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path / "somewhere"
    folder.mkdir()
    output, last = "", None
    with contextlib.closing(PageRun(installed_environment(tmp_path_factory), folder)) as run:
        for block in blocks_of(page):
            if block.is_executed:
                output, last = run.execute(block), block
            elif block.is_code:
                last = None
            elif block.language == "text" and last is not None:
                missing = list(missing_lines(block.text, output))
                assert missing == [], f"{block.name}: not in the output of {last.name}:\n{output}"


def test_an_output_that_differs_is_found() -> None:
    assert list(missing_lines("a  1\n…\nc …\n", "a 1\nb\nc 17 x\n")) == []
    assert list(missing_lines("a 1\nb 2\n", "a 1\nb 3\n")) != []
    assert list(missing_lines("b\na\n", "a\nb\n")) != []


# Commands that are not executed are understood by their parsers.


def telemetry_commands(page: str) -> list[str]:
    """Commands in blocks and in running text."""
    in_blocks = [command for block in blocks_of(page) if block.language == "sh" for command in block.commands()]
    running = re.sub(r"^```.*?^```$", "", read_page(page), flags=re.MULTILINE | re.DOTALL)
    in_text = [" ".join(text.split()) for text in re.findall(r"`(telemetry [^`]*?)`", running)]
    commands = [part for command in in_blocks for part in re.split(r"\s*(?:&&|;|\|)\s*", command)]
    return [command for command in (*commands, *in_text) if command.startswith("telemetry ")]


COMMANDS: Final = [(page, command) for page in PAGES for command in dict.fromkeys(telemetry_commands(page))]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_is_understood(page: str, command: str) -> None:
    words = shlex.split(re.split(r" >|>|…|\)", command)[0].replace("$IMAGE", "IMAGE"))[1:]
    if not words or words[0].startswith("-") or words[0] == "COMMAND":
        return
    name = " ".join(words[:2]) if words[0] in GROUPS else words[0]
    if len(words) == 1 and words[0] in GROUPS:
        return
    arguments = words[len(name.split()) :]
    assert name in PARSERS, command
    if arguments and "…" not in command:
        PARSERS[name]().parse_args(arguments)


def test_there_are_commands_of_each_kind() -> None:
    assert {command.split()[1] for _, command in COMMANDS} >= {name.split()[0] for name in PARSERS}


# Links and pictures.


def anchors_of(page: Path) -> set[str]:
    """The anchors that the headings of a page have on GitHub."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


LINKS: Final = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)\s]+)\)", read_page(page))]


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_a_link_leads_somewhere(page: str, target: str) -> None:
    if target.startswith("https://"):
        return
    path, _, anchor = target.partition("#")
    file = (ROOT / page).parent / path if path else ROOT / page
    assert file.exists(), target
    if anchor:
        assert anchor in anchors_of(file), target


def test_every_page_is_linked_from_the_readme() -> None:
    assert set(PAGES) - {"README.md"} <= {target.partition("#")[0] for page, target in LINKS if page == "README.md"}


def test_every_file_named_exists() -> None:
    files = {
        (page, file)
        for page in PAGES
        for file in re.findall(r"`((?:[a-z_.]+/)+[a-z_]+\.(?:py|yaml|md|tf|txt))`", read_page(page))
    }
    assert len(files) > 30
    assert [(page, file) for page, file in sorted(files) if not (ROOT / file).is_file()] == []


def test_every_module_that_is_run_exists() -> None:
    for page in PAGES:
        for module in re.findall(r"python -m ([a-z_.]+)", read_page(page)):
            path = ROOT / module.replace(".", "/")
            assert (path / "__main__.py").is_file() or path.with_suffix(".py").is_file() or module == "venv", module
    assert SERVICE in {block.remark for block in BLOCKS}
