"""Texts for YAML are read as they were; comments stay comments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.suggest.candidate import rule_id
from telemetry.text.marked_yaml import read_yaml
from telemetry.text.yaml_texts import comments, counted, printable, quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("temp", "temp"),
        ("co2.ppm-1", "co2.ppm-1"),
        ("On", '"On"'),
        ("1e5", '"1e5"'),
        ("a:b", '"a:b"'),
        ("#x", '"#x"'),
        ("{", '"{"'),
        ('"\\', '"\\"\\\\"'),
        ("température", '"température"'),
        ("a\u200bb", '"a\\U0000200bb"'),
    ],
)
def test_quotes(text, expected):
    assert quoted(text) == expected


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_read_as_it_was(text):
    assert read_yaml(f"[{quoted(text)}]") == [text]


def test_long_comments_go_on_below():
    lines = list(comments(["word " * 40, "short"], "  "))
    assert [line[:7] for line in lines] == ["  # wor", "  #   w", "  # sho"]
    assert max(map(len, lines)) <= 110


def test_unprintable_texts_stay_on_one_line():
    assert (printable("t.csv"), printable("a\nb")) == ("t.csv", "'a\\nb'")


def test_numbers():
    assert [counted(number, "device") for number in (0, 1, 1_234)] == ["0 devices", "1 device", "1,234 devices"]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("temp", "temp-jump"),
        ("a/b:c", "a-b-c-jump"),
        ("-x.", "x-jump"),
        ("温度", "jump"),
        ("x" * 128, "x" * 80 + "-jump"),
    ],
)
def test_ids_have_the_letters_of_ids(metric, expected):
    assert rule_id(metric, "jump") == expected
