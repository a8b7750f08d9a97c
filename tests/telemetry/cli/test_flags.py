"""Values of flags: what is accepted, and one line for what is not."""

from collections.abc import Callable
from typing import Any

import pytest

from telemetry.cli.flags import read_duration, read_moment, read_positive, read_whole
from telemetry.errors import ConfigError


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (read_whole("--n", "1", 5), 1),
        (read_whole("--n", "5", 5), 5),
        (read_whole("--n", "0", 5, 0), 0),
        (read_positive("--x", "1e-3"), 0.001),
        (read_duration("--d", "0s"), 0),
        (read_duration("--d", "1ms", 1_000), 1_000),
        (read_moment("--t", "1.5"), 1_500_000),
        (read_moment("--t", "1970-01-01T00:00:01Z"), 1_000_000),
    ],
)
def test_accepted(found: float, expected: float) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("read", "text", "problem"),
    [
        (lambda text: read_whole("--n", text, 5), "6", "must be a number from 1 to 5"),
        (lambda text: read_whole("--n", text, 5), "0", "must be a number from 1 to 5"),
        (lambda text: read_whole("--n", text, 5), "1.0", "must be a number from 1 to 5"),
        (lambda text: read_whole("--n", text, 5), "٣", "must be a number from 1 to 5"),
        (lambda text: read_positive("--n", text), "0", "must be a number above 0"),
        (lambda text: read_positive("--n", text, "max"), "nan", "must be a number above 0 or max"),
        (lambda text: read_duration("--n", text, 1_000), "0.9ms", "must be at least 1ms"),
        (lambda text: read_duration("--n", text), "5", "not a duration, write it like 500ms, 60s, 10m, 2h or 1d"),
        (lambda text: read_moment("--n", text), "-1", "not between 1970 and 2100"),
        (lambda text: read_moment("--n", text), "1e300", "not between 1970 and 2100"),
        (lambda text: read_moment("--n", text), "noon", "not a time, write seconds since the epoch or RFC 3339"),
    ],
)
def test_refused(read: Callable[[str], Any], text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(f"--n {text}: {problem}")
