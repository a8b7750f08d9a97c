"""Check that the glossary defines each term once, and that the code does not use other words for the same concepts."""

import re
from typing import Final

import pytest

from tests.support.pages import read_page, section_of, table_rows
from tests.support.sources import sources

PAGE: Final = "docs/concepts.md"
PROGRAMS: Final = ("telemetry", "transforms", "pipeline", "publisher", "plotting", "templates", "demo")
REPLACED: Final = {
    "ledger check": r"\bbooks\b",
    "hour bucket": r"\bstretch(?:es)?\b",
    "key pool": r"\bin turn\b",
    "possibly late": r"\bsuspects?\b",
}
"""For a term of the glossary, or its description, the word that the code had for it before."""


def test_terms_are_defined_once_in_alphabetical_order() -> None:
    terms = [cells[0] for cells in table_rows(section_of(PAGE, "Glossary"))]
    assert terms == sorted(set(terms))
    assert {"shard", "hour bucket", "portion", "window", "pane", "watermark", "dead letter", "ledger entry"} <= set(
        terms
    )


@pytest.mark.parametrize(("term", "word"), REPLACED.items())
def test_the_code_has_one_word_for_a_concept(term: str, word: str) -> None:
    found = {
        f"{path.name}: {line.strip()}"
        for package in PROGRAMS
        for path in sources(package)
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(word, line)
    }
    assert found == set(), f"the word is: {term}"


def test_every_timing_and_reason_of_lateness_is_explained() -> None:
    assert {cells[0].strip("`") for cells in table_rows(section_of(PAGE, "Windows and panes"))} == {
        "early", "on_time", "late",
    }  # fmt: skip
    assert "`too_late`" in read_page(PAGE)
