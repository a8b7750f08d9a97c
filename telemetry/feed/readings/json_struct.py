"""Read lines of JSON as columns with a type that is made for the fields of one feed."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec

from telemetry.feed.readings.record_fields import steps_of
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.object_lines import count_objects

NUMBER: Final = float | None
TIME: Final = str | int | float | None
NAME: Final = str | int | None
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Tree: TypeAlias = dict[str, Any]


class StructLines:
    """Reads lines of JSON, all of which have values of the expected types at some paths, without other fields.

    Attributes:
        getters: returns the value of a field from a decoded line, by the name of the field.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        """Compile the type; `find_type` says whether that can be done.

        Args:
            fields: types of the values by their names or paths.
        """
        tree: _Tree = {}
        self.getters: dict[str, Callable[[Any], Any]] = {}
        self._literals: list[bytes] = []
        for name, kind in fields.items():
            steps = [str(step) for step in steps_of(name)]
            node = tree
            for step in steps[:-1]:
                node = node.setdefault(step, {})
            node[steps[-1]] = kind
            if len(steps) > 1:
                self._literals.append(msgspec.json.encode(name))  # a record may have a field of that very name
        root = _struct(tree)
        for name in fields:
            self.getters[name] = attrgetter(_attributes(tree, [str(step) for step in steps_of(name)]))
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(root)

    def read(self, content: bytes) -> list[Any] | None:
        """Return lines decoded, or None if anything about them is unusual."""
        total = count_objects(content, MAX_LINE_BYTES)
        if total is None or any(literal in content for literal in self._literals):
            return None
        try:
            if not content.isascii():
                content.decode()  # the decoder does not check the text that it skips
            lines = self._decoder.decode_lines(content)
        except UNREADABLE:
            return None
        return lines if len(lines) == total else None


def struct_lines(fields: Sequence[tuple[str, Any]]) -> StructLines | None:
    """Return a reader of some fields, or None if they are not all names and paths of names, each for one value."""
    kinds = dict(fields)
    places = {name: steps_of(name) for name in kinds}
    paths = set(places.values())
    if len(kinds) < len(fields) or len(paths) < len(kinds):
        return None
    for steps in paths:
        inside = any(steps[:length] in paths for length in range(1, len(steps)))
        if not steps or inside or not all(isinstance(step, str) for step in steps):
            return None
    return StructLines(kinds)


def _struct(tree: _Tree) -> type[msgspec.Struct]:
    """Return the type of an object with some fields; those that it lacks are None, at every depth."""
    fields: list[tuple[str, Any, Any]] = []
    for number, kind in enumerate(tree.values()):
        if isinstance(kind, dict):
            inner = _struct(kind)
            fields.append((f"f{number}", inner, msgspec.field(default_factory=inner)))
        else:
            fields.append((f"f{number}", kind, None))
    return msgspec.defstruct("Fields", fields, rename=dict(_names(tree)), gc=False)


def _names(tree: _Tree) -> list[tuple[str, str]]:
    return [(f"f{number}", name) for number, name in enumerate(tree)]


def _attributes(tree: _Tree, steps: Sequence[str]) -> str:
    step, rest = steps[0], steps[1:]
    attribute = f"f{list(tree).index(step)}"
    return f"{attribute}.{_attributes(tree[step], rest)}" if rest else attribute
