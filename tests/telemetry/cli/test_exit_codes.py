"""The line about a run in which no row was usable."""

import pytest

from telemetry.cli.exit_codes import nothing_usable


@pytest.mark.parametrize(
    ("reason", "count", "example", "text"),
    [
        ("", 0, "", "no row was usable: there was none"),
        ("bad_timestamp", 1, "", "no row was usable; the commonest reason is bad_timestamp (1 row)"),
        (
            "not_json",
            12_000,
            "a;b;c",
            "no row was usable; the commonest reason is not_json (12,000 rows), for example a;b;c",
        ),
        (
            "not_utf8",
            2,
            "caf\udce9\nx",
            "no row was usable; the commonest reason is not_utf8 (2 rows), for example 'caf\\udce9\\nx'",
        ),
        (
            "too_large",
            2,
            "x" * 300,
            f"no row was usable; the commonest reason is too_large (2 rows), for example {'x' * 200}…",
        ),
    ],
)
def test_the_line_names_reason_count_and_example(reason: str, count: int, example: str, text: str) -> None:
    assert nothing_usable(reason, count, example) == text
