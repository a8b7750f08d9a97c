import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.times import shapes
from telemetry.feed.times.shapes import LONGEST, encode, shape_groups

SHAPE = str.maketrans("123456789", "000000000")
TEXTS = st.lists(st.one_of(st.none(), st.text("01a-", max_size=4)), max_size=30)


@given(TEXTS)
@settings(deadline=None)
def test_groups_hold_each_text_once_with_its_shape(texts: list[str | None]) -> None:
    found: dict[int, str] = {}
    for rows, columns in shape_groups(encode(texts)):
        group = [row.tobytes().decode() for row in columns.T]
        assert len({text.translate(SHAPE) for text in group}) == 1
        index = np.arange(len(texts))[rows]
        assert not set(index) & set(found)
        found.update(zip(index.tolist(), group, strict=True))
    assert found == {row: text for row, text in enumerate(texts) if text is not None}


def test_shapes_with_the_same_key_are_kept_apart(monkeypatch) -> None:
    monkeypatch.setattr(shapes, "_shape_keys", lambda columns: np.zeros(columns.shape[1], np.uint64))
    groups = [np.arange(4)[rows].tolist() for rows, _ in shape_groups(encode(["1a", "aa", "2a", "1b"]))]
    assert groups == [[0, 2], [1], [3]]


def test_long_texts_are_left_out() -> None:
    texts = ["1" * LONGEST, "1" * (LONGEST + 1)]
    assert [rows.tolist() for rows, _ in shape_groups(encode(texts)) if not isinstance(rows, slice)] == [[0]]


def test_many_texts_of_one_length_are_read_in_blocks(monkeypatch) -> None:
    monkeypatch.setattr(shapes, "_BLOCK", 2)
    groups = list(shape_groups(encode(["12", "34", "56", "7x"])))
    assert [columns.T.tobytes() for _, columns in groups] == [b"1234", b"56", b"7x"]


def test_texts_of_several_lengths_keep_their_rows_in_blocks(monkeypatch) -> None:
    monkeypatch.setattr(shapes, "_BLOCK", 2)
    rows = [np.arange(5)[rows].tolist() for rows, _ in shape_groups(encode(["1", "22", "33", "4", None]))]
    assert rows == [[0], [1], [3], [2]]
