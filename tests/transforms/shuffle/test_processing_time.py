"""The clock of a stream: that of the wall, or of the innermost block."""

import time

import pytest

from transforms.shuffle.processing_time import now_s, processing_time


def test_the_innermost_clock_counts() -> None:
    with processing_time(lambda: 1.0):
        with processing_time(lambda: 2.0):
            assert now_s() == 2.0
        assert now_s() == 1.0
        with pytest.raises(ZeroDivisionError), processing_time(lambda: 3.0):
            raise ZeroDivisionError
        assert now_s() == 1.0
    before = time.time()
    assert before <= now_s() <= time.time(), "the wall clock again"
