"""Check that JSON without its inner values is what a recursive parser reads, and invalid exactly where that says so."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.decode.nesting import leave_out_inner

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def emptied(value: Any) -> Any:
    def empty(inner: Any) -> Any:
        return type(inner)() if isinstance(inner, (dict, list)) else inner

    if isinstance(value, dict):
        return {name: empty(inner) for name, inner in value.items()}
    return [empty(inner) for inner in value] if isinstance(value, list) else value


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_inner_containers_are_emptied(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert repr(json.loads(leave_out_inner(text))) == repr(emptied(json.loads(text)))


@settings(max_examples=500)
@given(
    st.text('[]{},: "\\ua1-.eE+0\n\x01', max_size=12)
    | st.tuples(VALUES, st.integers(0, 60), st.text('[]{},:"1', max_size=2))
)
@example("[1,]")
@example('{"a":1,}')
@example('{"a" 1}')
@example("[1]]")
@example("[}")
@example("")
@example('"\\ud800"')
@example("-Infinity")
@example("01")
@example("\ufeff1")
def test_it_is_invalid_exactly_where_it_is_no_json(drawn: Any) -> None:
    if isinstance(drawn, tuple):
        value, at, put = drawn
        whole = json.dumps(value)
        drawn = whole[:at] + put + whole[at + 1 :]
    try:
        expected = repr(emptied(json.loads(drawn, parse_int=float)))
    except ValueError:
        with pytest.raises(ValueError, match="char"):
            leave_out_inner(drawn)
    else:
        assert repr(json.loads(leave_out_inner(drawn), parse_int=float)) == expected


@pytest.mark.parametrize("depth", [3, 1_000, 100_000])
def test_depth_does_not_matter(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    assert leave_out_inner(f'{{"a":{deep},"b":{{"c":{deep}}},"d":2}}') == '{"a":[],"b":{},"d":2}'
    with pytest.raises(ValueError, match="char"):
        leave_out_inner(f'{{"a":{deep[:-1]}}}')
