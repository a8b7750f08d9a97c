"""Read YAML with lines, and refuse what would cost more than its size."""

import itertools

import pytest

from telemetry.text.marked_yaml import LARGEST_TEXT, MarkedList, MarkedMapping, YamlError, read_yaml


def refusal(text: str) -> str:
    with pytest.raises(YamlError) as error:
        read_yaml(text)
    return str(error.value)


def test_keys_and_items_know_their_lines() -> None:
    found = read_yaml("# a comment\na: 1\nb:\n- x\n-\n  c: 2\n\n  d: [3,\n   4]\n")
    assert found == {"a": 1, "b": ["x", {"c": 2, "d": [3, 4]}]}
    assert (found.line, found.lines) == (2, {"a": 2, "b": 3})
    items = found["b"]
    assert isinstance(items, MarkedList)
    assert (items.line, items.lines) == (4, [4, 6])
    inner = items[1]
    assert isinstance(inner, MarkedMapping)
    assert (inner.line, inner.lines, inner["d"].lines) == (6, {"c": 6, "d": 8}, [8, 9])


def test_nothing_is_none() -> None:
    assert read_yaml("") is None
    assert read_yaml("# only a comment\n") is None


def test_merged_keys_give_way_to_keys_of_the_mapping() -> None:
    found = read_yaml("a: &x {b: 1, c: 2}\nd:\n  b: 3\n  <<: *x\ne: *x\n")
    assert found["d"] == {"b": 3, "c": 2}
    assert found["d"].lines == {"b": 3, "c": 1}
    assert found["d"].repeated is None
    assert found["e"] is found["a"]


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("a: 1\nb: 2", None),
        ("a: 1\nb: 2\na: 3", ("a", 3)),
        ("a: 1\n'a': 2", ("a", 2)),
        ("1: 1\n'1': 2", None),
        ("<<: {a: 1}\n<<: {b: 1}", None),
    ],
)
def test_a_key_that_is_written_twice_is_noticed(text: str, repeated: tuple[str, int] | None) -> None:
    assert read_yaml(text).repeated == repeated


@pytest.mark.parametrize("value", ["!!timestamp x", "!!int ''", "!!bool x", "!!float x", "2020-13-45", "9" * 5_000])
def test_a_value_that_cannot_be_is_a_problem_of_its_line(value: str) -> None:
    assert refusal(f"a: 1\nb: {value}\n") == "line 2: not valid YAML: no such date, number or other value"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("!!map ''", "line 1: not valid YAML: expected a mapping node, but found scalar"),
        ("!!seq x", "line 1: not valid YAML: expected a sequence node, but found scalar"),
        ("a:\n- *b", "line 2: not valid YAML: found undefined alias 'b'"),
        ("{[1]: 2}", "line 1: not valid YAML: found unhashable key"),
        ("a: 1\nb: \x00", "line 2: not valid YAML: special characters are not allowed"),
        ("[" * 3_000, "not valid YAML: nested too deeply"),
    ],
)
def test_a_mistake_is_one_line(text: str, problem: str) -> None:
    assert refusal(text) == problem


@pytest.mark.parametrize("node", ["[*a]", "{b: *a}", "{<<: *a}", "{b: [c, {d: *a}]}"])
def test_an_alias_within_itself_is_refused(node: str) -> None:
    assert refusal(f"a:\n  &a {node}") == "line 2: not valid YAML: an alias within itself"


def lines_that_grow(line: str, first: str) -> str:
    pairs = itertools.pairwise("abcdefghij")
    return f"a: &a {first}\n" + "".join(line.format(name=b, uses=", ".join([f"*{a}"] * 10)) for a, b in pairs)


def test_aliases_that_multiply_are_refused_before_they_are_written_out() -> None:
    problem = "line 8: its aliases repeat too much"
    assert refusal(lines_that_grow("{name}: &{name} [{uses}]\n", "[x, x, x]")) == problem
    assert refusal(lines_that_grow("{name}: &{name} {{<<: [{uses}]}}\n", "{x: 1}")) == problem
    long = "x" * 100_000
    assert refusal(f"- &a {long}\n- [{', '.join(['*a'] * 101)}]\n") == "line 2: its aliases repeat too much"


def test_a_text_has_a_largest_size() -> None:
    assert read_yaml(f"# {'x' * (LARGEST_TEXT - 6)}\na: 1".ljust(LARGEST_TEXT)[:LARGEST_TEXT]) is not None
    assert refusal(" " * (LARGEST_TEXT + 1)) == "larger than 4,000,000 characters"
