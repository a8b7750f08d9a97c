"""The limit of deadlines: that of the innermost block, which is told of readings."""

from transforms.shuffle.deadlines import deadline_limit_us, deadlines, note_reading


def test_the_innermost_block_sets_the_limit_and_is_told_of_readings() -> None:
    outer: list[int] = []
    inner: list[int] = []
    note_reading(1)  # nobody listens
    with deadlines(lambda: 10, outer.append):
        note_reading(2)
        with deadlines(lambda: None, inner.append):
            note_reading(3)
            assert deadline_limit_us() is None
        note_reading(4)
        assert deadline_limit_us() == 10
    note_reading(5)
    assert (outer, inner) == ([2, 4], [3])
