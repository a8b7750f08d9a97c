"""Columns that are aligned with blanks."""

import pytest

from telemetry.feed.blanks import squeeze


@pytest.mark.parametrize(
    ("line", "quote", "expected"),
    [
        (b"  1   a\t2.5 \r", b'"', b"1 a 2.5"),
        (b'1  "a  b"   2', b'"', b'1 "a  b" 2'),
        (b'1  "a ""  b"   2', b'"', b'1 "a ""  b" 2'),
        (b"1  'a  b'   2", b"'", b"1 'a  b' 2"),
        (b'1  a"  b"   2', b'"', b'1 a" b" 2'),
        (b'1  "a  b', b'"', b'1 "a b'),
        (b'"a"b  c', b'"', b'"a"b c'),
        (b" \t\r", b'"', b""),
    ],
)
def test_blanks_between_cells_become_one(line: bytes, quote: bytes, expected: bytes) -> None:
    assert squeeze(line, quote) == expected
