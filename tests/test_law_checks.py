"""A property test fails if its conditional assertions never run."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.law_checks import counts_checks


@counts_checks("positive")
@settings(database=None, max_examples=20)
@given(st.integers(0, 1))
def test_a_law_whose_condition_occurs_passes(checks: Counter[str], number: int) -> None:
    if number:
        checks["positive"] += 1
        assert number > 0


def test_a_law_whose_condition_never_occurs_fails() -> None:
    @counts_checks("negative")
    @settings(database=None, max_examples=20)
    @given(st.integers(0, 1))
    def law(checks: Counter[str], number: int) -> None:
        if number < 0:
            checks["negative"] += 1

    with pytest.raises(AssertionError, match="never checked in any example: negative"):
        law()
