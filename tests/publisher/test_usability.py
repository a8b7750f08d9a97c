"""Rows of a replay are judged as a job decodes them."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.csv_input import CsvTable, UnparsedLines
from publisher.json_lines import LineFormatter
from publisher.replay.usability import Usability, find_problem
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from tests.support.law_checks import counts_checks
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec

CELLS = st.sampled_from(
    ["1", "soon", "", " ", "a", "NA", "nan", "-inf", "1e400", "true", "-1", "9e12", "1970-01-01T00:00:01Z", "21 °C"]
)


@counts_checks("usable", "rejected")
@settings(max_examples=300)
@given(st.tuples(CELLS, CELLS, CELLS, CELLS))
def test_a_row_has_the_problem_that_the_decoder_finds(checks: Counter[str], cells: tuple[str, ...]) -> None:
    lines = LineFormatter().format(CsvTable(("ts", "device", "temp", "light"), [list(cells)]))
    decoded = decode(MessageBatch.of([Message(lines.texts[0].encode())]), DecodeSpec(("temp", "light")))
    expected = [letter.reason for letter in decoded.rejected]
    checks["rejected" if expected else "usable"] += 1
    found = find_problem(lines.texts[0], int(lines.times[0]))
    if found == "bad_timestamp":  # a time that is true, or one that is impossible in a row without a device
        assert expected in (["bad_timestamp"], ["wrong_type"], ["missing_field"])
    else:
        assert ([] if found is None else [found]) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", "not_json"),
        ("\udcff", "not_utf8"),
        ("[1]", "not_an_object"),
        ("{", "not_json"),
        ("[" * 99_000, "not_json"),
    ],
)
def test_a_line_that_is_no_row_is_not_usable(text: str, reason: str) -> None:
    usability = Usability()
    usability.observe(LineFormatter().format(UnparsedLines([text])))
    assert not usability.found
    assert usability.commonest() == (reason, 1, text)
