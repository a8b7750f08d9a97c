"""Read YAML into mappings and lists that know their lines, at a cost that the size of the text bounds.

Aliases and merged keys (``<<: *common``) work. A text that would expand to more than it may is refused, and so is an
alias within itself.
"""

from collections.abc import Hashable
from typing import Any, Final

import yaml

LARGEST_TEXT: Final = 4_000_000
"""Characters of a file of rules or of a feed. Long lists of devices belong into files of their own."""
_MOST_EXPANDED: Final = 10_000_000  # characters of scalars and nodes, each counted as often as aliases repeat it
_MERGE: Final = "tag:yaml.org,2002:merge"


class YamlError(ValueError):
    """A text that is not valid YAML, or too large.

    Attributes:
        problem: one line.
        line: number of the line, from 1; 0 for none.
    """

    def __init__(self, problem: str, line: int = 0) -> None:
        """Say where the problem is, as far as that is known."""
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.problem = problem
        self.line = line


class MarkedMapping(dict[Any, Any]):
    """A mapping of the text.

    Attributes:
        line: where it begins, from 1.
        lines: line of each key.
        repeated: the first key that is written twice, and the line of its second place; None if there is none.
    """

    line: int = 0
    lines: dict[Any, int]
    repeated: tuple[str, int] | None = None


class MarkedList(list[Any]):
    """A list of the text.

    Attributes:
        line: where it begins, from 1.
        lines: line of each item.
    """

    line: int = 0
    lines: list[int]


def read_yaml(text: str) -> Any:
    """Return the content of one YAML document; None if it is empty.

    Mappings are `MarkedMapping`, lists `MarkedList`, and the rest as PyYAML's safe loader makes it.

    Raises:
        YamlError: if it is not valid YAML, or too large.
    """
    if len(text) > LARGEST_TEXT:
        raise YamlError(f"larger than {LARGEST_TEXT:,} characters")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node, {}, set())
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _refusal(error, text) from error
    except RecursionError as error:
        raise YamlError("not valid YAML: nested too deeply") from error


def _refusal(error: yaml.YAMLError, text: str) -> YamlError:
    if isinstance(error, yaml.reader.ReaderError):
        return YamlError(f"not valid YAML: {error.reason}", text.count("\n", 0, error.position) + 1)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return YamlError("not valid YAML")
    begun = f"{error.context}, " if str(error.problem).startswith("but ") else ""
    return YamlError(f"not valid YAML: {begun}{error.problem}", error.problem_mark.line + 1)


def _check_size(node: yaml.Node, known: dict[int, int], open_nodes: set[int]) -> int:
    """Return the size of a node with everything below it, where aliases count as if they were written out."""
    if isinstance(node, yaml.ScalarNode):
        return 1 + len(node.value)
    if id(node) in open_nodes:
        raise YamlError("not valid YAML: an alias within itself", node.start_mark.line + 1)
    if id(node) not in known:
        open_nodes.add(id(node))
        children = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_check_size(child, known, open_nodes) for child in children)
        open_nodes.remove(id(node))
        if known[id(node)] > _MOST_EXPANDED:
            raise YamlError("its aliases repeat too much", node.start_mark.line + 1)
    return known[id(node)]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which makes marked mappings and lists, and names the line of an impossible value."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node; PyYAML lets a wrong scalar, such as an impossible date, raise what it likes."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            if not isinstance(node, yaml.ScalarNode):
                raise
            problem = "no such date, number or other value"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> MarkedMapping:
    made = MarkedMapping()
    made.line = node.start_mark.line + 1
    made.repeated = _repeated(node)
    made.update(loader.construct_mapping(node, deep=True))
    # The merged keys now come first, so that a key of the mapping itself wins.
    keys = [(loader.construct_object(key, deep=True), key.start_mark.line + 1) for key, _ in node.value]
    made.lines = dict(keys)
    return made


def _repeated(node: yaml.MappingNode) -> tuple[str, int] | None:
    seen: set[Hashable] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
            if (key.tag, key.value) in seen:
                return key.value, key.start_mark.line + 1
            seen.add((key.tag, key.value))
    return None


def _list(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> MarkedList:
    made = MarkedList(loader.construct_sequence(node, deep=True))
    made.line = node.start_mark.line + 1
    made.lines = [item.start_mark.line + 1 for item in node.value]
    return made


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _list)
