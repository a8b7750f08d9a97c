"""A value that every step of a process reads."""

import pytest

from telemetry.process_value import ProcessValue


def test_the_value_that_was_set_last_counts_until_its_block_ends() -> None:
    value = ProcessValue("usual")
    outer, inner = value.replaced("outer"), value.replaced("inner")
    found = [value.get()]
    with outer:
        found.append(value.get())
        with inner:
            found.append(value.get())
        found.append(value.get())
    assert [*found, value.get()] == ["usual", "outer", "inner", "outer", "usual"]


def test_a_block_that_fails_sets_it_back() -> None:
    value = ProcessValue(1)
    with pytest.raises(ZeroDivisionError), value.replaced(2):
        raise ZeroDivisionError
    assert value.get() == 1
