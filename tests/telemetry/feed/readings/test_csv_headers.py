"""Messages of CSV that have a header each."""

import pytest

from telemetry.feed.feed import CsvFields
from telemetry.feed.readings.csv_headers import same_headers, take_header


@pytest.mark.parametrize(
    ("payload", "fields", "content", "columns"),
    [
        (b"a, b ,a\n1,2,3\n", CsvFields(), b"\n1,2,3\n", ("a", "b", "a_2")),
        (b"\xef\xbb\xbfa,b\r\n1,2", CsvFields(), b"\n1,2", ("a", "b")),
        (b"made\n\n# x\na;b\ns;C\n1;2", CsvFields(delimiter=";", header=2, skip=1, comment="#"), b"\n\n\n\n\n1;2",
         ("a", "b")),
        (b"a b", CsvFields(), b"", ("a b",)),
        (b"", CsvFields(), b"", ()),
        (b"\xff,b\n1", CsvFields(), b"\xff,b\n1", ()),
    ],
)  # fmt: skip
def test_a_header_is_taken_off(payload: bytes, fields: CsvFields, content: bytes, columns: tuple[str, ...]) -> None:
    found = take_header(payload, fields)
    assert (found.content, found.columns) == (content, columns)
    assert found.header + found.content.lstrip(b"\n") == payload


def test_payloads_of_the_same_columns_are_read_together() -> None:
    assert same_headers([b"a,b\n1,2", b"b,a\n2,1", b'"a", b\r\n', b""], CsvFields()) == [[0, 2], [1], [3]]
