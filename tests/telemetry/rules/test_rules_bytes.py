"""Rules as bytes that outlive a process."""

from pathlib import Path

import pytest

from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.rules_bytes import decode_rules, encode_rules
from telemetry.rules.shelf import Shelf
from tests.support.sources import ROOT

STORED = (
    b'{"format":1,"rules":[{"id":"hot","metric":"temp","condition":{"type":"threshold","bounds":{"comparison":"above",'
    b'"low":30.0,"clear_low":29.0}},"for_us":60000000,"overrides":{"a":{"comparison":"above","low":31.0}}}],'
    b'"roster":{"devices":["a","b"]},"shelves":[{"until_us":5,"device":"b"}]}'
)
"""As a stream wrote it: these bytes must be understood for ever."""


@pytest.mark.parametrize("path", ["demo/rules.yaml", "telemetry/rules/default_rules.yaml"])
def test_rules_come_back_as_they_were(path: str) -> None:
    rules = load_rules(str(ROOT / path)).with_shelves([Shelf(10**15, "silent", "a*", "because")])
    again = decode_rules(encode_rules(rules))
    assert again == rules
    assert again.version == rules.version
    assert [rule.line for rule in again.rules] == [rule.line for rule in rules.rules]


def test_what_the_named_files_say_comes_back_too(tmp_path: Path) -> None:
    (tmp_path / "bounds.csv").write_text("device,rule,bound\na,hot,40\n")
    (tmp_path / "rules.yaml").write_text(
        "version: 2\nroster: [a, b]\noverrides: bounds.csv\nincidents: {flapping: {opens: 3, within: 1h, calm: 1h}}\n"
        "rules:\n- {id: hot, metric: temp, above: 30, clear: 29}\n"
    )
    rules = load_rules(str(tmp_path / "rules.yaml"))
    again = decode_rules(encode_rules(rules))
    assert again == rules
    assert again.rules[0].bounds_of("a").low == 40
    assert again.roster is not None
    assert again.incidents.flapping is not None


def test_bytes_of_the_first_format_are_understood() -> None:
    rules = decode_rules(STORED)
    assert rules.rules[0].for_us == 60_000_000
    assert rules.rules[0].bounds_of("a").low == 31
    assert rules.shelves == (Shelf(5, "", "b"),)
    assert rules.version == "9833d62a600c"


@pytest.mark.parametrize("content", [b"", b"{}", STORED.replace(b'"format":1', b'"format":2'), STORED[:-1]])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(RuleError, match="stored rules: "):
        decode_rules(content)
