"""Compare the architecture page with the code: every file it names exists and holds what the page says is in it."""

import re
from typing import Final

import pytest

from tests.support.generated_tables import import_rules
from tests.support.pages import read_page, section_of, table_rows
from tests.support.sources import ROOT

PAGE: Final = "docs/architecture.md"
WAY: Final = section_of(PAGE, "The way of one reading")
STEPS: Final = re.findall(r"^(\d+)\. (.+?)(?=^\d+\. |\n\n)", WAY, re.MULTILINE | re.DOTALL)


def files_in(text: str) -> list[str]:
    return re.findall(r"`([a-z_]+(?:/[a-z_]+)+\.(?:py|yaml))`", text)


def test_the_table_of_rooms_is_that_of_the_imports() -> None:
    told = {
        cells[0].strip("`"): tuple(re.findall("`(.+?)`", cells[2]))
        for cells in table_rows(section_of(PAGE, "The rooms"))
    }
    assert told == import_rules()


def test_the_way_has_at_most_twelve_steps_in_order() -> None:
    assert [int(number) for number, _ in STEPS] == list(range(1, len(STEPS) + 1))
    assert 8 <= len(STEPS) <= 12


@pytest.mark.parametrize(("number", "text"), STEPS)
def test_each_step_names_one_file_and_what_is_in_it(number: str, text: str) -> None:
    (file,) = files_in(text)
    assert text.startswith(f"`{file}`")
    source = (ROOT / file).read_text(encoding="utf-8")
    names = re.findall(r"\(`([A-Za-z_.]+)`\)", text)
    assert names, f"step {number} names no function"
    for name in names:
        for part in name.split("."):
            assert re.search(rf"^ *(?:class|def|async def) {part}\b", source, re.MULTILINE), f"{file}: {name}"


def test_every_file_named_exists() -> None:
    missing = [file for file in files_in(read_page(PAGE)) if not (ROOT / file).is_file()]
    assert missing == []
