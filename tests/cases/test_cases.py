"""Each case becomes exactly what is written beside it."""

import base64
from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import ConfigError, NothingUsableError
from tests.cases.given_case import content_of, decode_case, load_cases

CASES = load_cases()
KINDS = "A B C D E F H L M N P Q R S T U V W Z"
GIVEN = ("name", "kinds", "file", "files", "messages", "text", "base64", "hex", "ends", "encoding", "mark", "packed",
         "feed", "flags", "metrics")  # fmt: skip
EXPECTED = ("readings", "dead", "unread", "ignored", "error")


def named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


@named([case for case in CASES if "error" not in case])
def test_a_case_is_read_as_it_says(case: dict[str, Any], tmp_path: Path) -> None:
    found = decode_case(case, tmp_path)
    if "metrics" in case:
        assert list(found.metrics) == case["metrics"]
    assert found.readings == [
        [place, str(time), str(device), *rest] for place, time, device, *rest in case.get("readings", [])
    ]
    expected = case.get("dead", [])
    assert [[place, reason] for place, reason, _, _ in found.dead] == [[place, reason] for place, reason, _ in expected]
    for (_, _, error, _), (_, _, begins) in zip(found.dead, expected, strict=True):
        assert error.startswith(begins)
    assert dict(found.unread) == case.get("unread", {})
    if "ignored" in case:
        assert dict(found.ignored) == case["ignored"]


@named([case for case in CASES if case.get("dead") and "messages" in case])
def test_a_dead_letter_of_a_message_is_read_as_the_same_letter(case: dict[str, Any], tmp_path: Path) -> None:
    for place, reason, error, payload in decode_case(case, tmp_path).dead:
        given = case["messages"][int(str(place).partition(":")[0]) - 1 if ":" in str(place) else 0]
        if str(place).endswith("None"):
            assert payload == content_of(given)
        again = {**given, "base64": base64.b64encode(payload).decode()}
        found = decode_case({**case, "messages": [again]}, tmp_path)
        assert found.readings == []
        assert [(letter[1], letter[3]) for letter in found.dead] == [(reason, payload)]
        assert place is None or error.split(":")[0] in found.dead[0][2]


@named([case for case in CASES if "error" in case])
def test_what_cannot_be_read_is_refused_in_one_line(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises((ConfigError, NothingUsableError)) as raised:
        decode_case(case, tmp_path)
    text = str(raised.value).replace(f"{tmp_path}/", "")
    assert text.startswith(case["error"])
    assert "\n" not in text


def test_cases_say_what_they_expect() -> None:
    known = {*GIVEN, *EXPECTED}
    for case in CASES:
        assert set(case) <= known, case["name"]
        assert any(name in case for name in EXPECTED), case["name"]
    assert {kind for case in CASES for kind in case["kinds"].split()} == set(KINDS.split())
