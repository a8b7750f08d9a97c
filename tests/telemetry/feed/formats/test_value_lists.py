"""Values of a list are read as each alone."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE
from telemetry.feed.formats.value_lists import read_values
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["21.5", "95,2 °C", "NA", "on", "1e999", "\ud800", -200, "-200"]),
    st.lists(st.integers(), max_size=2),
)
SPECS = st.sampled_from(
    [
        NumberSpec(),
        NumberSpec(booleans=True, decimal=","),
        NumberSpec(sentinels=(-200.0,), missing=("x",), scale=0.1, offset=-3),
        NumberSpec(lowest=0, highest=50),
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(VALUES, max_size=8), SPECS)
def test_a_list_is_read_as_each_of_its_values(values: list[object], spec: NumberSpec) -> None:
    numbers, codes = read_values(values, spec)
    for value, number, code in zip(values, numbers.tolist(), codes.tolist(), strict=True):
        alone = read_number(value, spec)
        if isinstance(alone, NumberProblem):
            assert (PROBLEM_OF_CODE[code], math.isnan(number)) == (alone, True)
        else:
            assert np.array_equal([number, code], [alone, 0])
