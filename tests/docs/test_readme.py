"""Check that the README stays short, and shows what it says."""

import re
from typing import Final

from tests.support.pages import read_page, section_of, table_rows
from tests.support.sources import ROOT

PAGE: Final = "README.md"


def test_it_has_at_most_170_lines() -> None:
    assert len(read_page(PAGE).splitlines()) <= 170


def test_its_figures_are_those_of_the_performance_page() -> None:
    rows = table_rows(section_of(PAGE, "Measured"))
    assert len(rows) == 5
    measured = read_page("docs/performance.md")
    for what, result, _ in rows:
        for figure in re.findall(r"\d[\d,.]*\d", result):
            assert figure in measured, f"{what}: {figure}"


def test_it_shows_a_picture_and_names_the_licence() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", read_page(PAGE))
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)
    assert "Apache-2.0" in section_of(PAGE, "Licence")


def test_it_names_what_was_never_run() -> None:
    text = section_of(PAGE, "For whom, and how mature")
    for word in ("No\nDataflow job has been run yet", "emulator", "Terraform", "Storage Write API"):
        assert word in text or word.replace("\n", " ") in text
