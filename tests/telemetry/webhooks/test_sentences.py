"""Sentences of transitions."""

from typing import Any

import pytest

from telemetry.webhooks.sentences import number, sentence
from tests.support.records import transition

OPEN, CLOSED = "since 2020-07-12T00:00:00Z", "from 2020-07-12T00:00:00Z to 2020-07-12T00:01:00Z"
VALUELESS: dict[str, Any] = {"value": None, "worst": None, "threshold": None}


@pytest.mark.parametrize(
    ("sequence", "changes", "expected"),
    [
        (0, {}, f"temp-high: temp of b8:27:eb above 30, worst 30.5, {OPEN}"),
        (1, {"state": "closed"}, f"temp-high: temp of b8:27:eb above 30, worst 31.5, {CLOSED}"),
        (
            1,
            {"state": "closed", "reason": "shelved", **VALUELESS},
            f"temp-high: temp of b8:27:eb above, {CLOSED} (shelved)",
        ),
        (
            0,
            {"condition": "outside", "threshold_upper": 40.25},
            f"temp-high: temp of b8:27:eb outside 30 to 40.25, worst 30.5, {OPEN}",
        ),
        (0, {"condition": "silence", "metric": "", **VALUELESS}, f"temp-high: b8:27:eb silent, {OPEN}"),
        (0, {"condition": "silence", "metric": "", "device": "", **VALUELESS}, f"temp-high: the source silent, {OPEN}"),
        (0, {"condition": "all", "metric": "", **VALUELESS}, f"temp-high: b8:27:eb all parts true, {OPEN}"),
        (
            1,
            {"flapping": True, "stale": True},
            f"temp-high: temp of b8:27:eb above 30, worst 31.5, {OPEN} (flapping, no new data)",
        ),
    ],
)
def test_a_transition_is_one_sentence(sequence: int, changes: dict[str, Any], expected: str) -> None:
    assert sentence(transition(sequence, **changes)) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ""), (30.0, "30"), (1 / 3, "0.333333"), (1e-9, "1e-09"), (-0.5, "-0.5")]
)
def test_numbers_are_short(value: float | None, expected: str) -> None:
    assert number(value) == expected
