"""Public classes and type aliases have unique names, so that a name means one thing in the whole repository."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("telemetry", "transforms", "pipeline", "publisher", "plotting", "templates", "demo", "benchmarks")
EXEMPT = {
    "benchmarks/peers": "each peer is a script that runs in another environment and cannot import the project",
}
_ALIAS_VALUES = (ast.Subscript, ast.BinOp)  # such as dict[str, int] and int | None


def defined_names(source: str) -> Iterator[str]:
    """Yield the public classes and type aliases that a module defines at its top level.

    An alias is annotated with ``TypeAlias``, or is a capitalised name assigned to a parametrised type or a union.
    """
    for node in ast.parse(source).body:
        match node:
            case ast.ClassDef(name=name) if not name.startswith("_"):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias")):
                if not name.startswith("_"):
                    yield name
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if isinstance(value, _ALIAS_VALUES):
                if name[0].isupper() and not name.isupper():
                    yield name


def modules() -> list[Path]:
    """Return the modules of all packages except the exempt folders."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return [file for file in files if not any(file.is_relative_to(ROOT / folder) for folder in EXEMPT)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("class Row:\n    class Inner: ...", ["Row"]),
        ("class _Row: ...\n_Row2: TypeAlias = int", []),
        ("Row: TypeAlias = int", ["Row"]),
        ("Row = dict[str, int]\nBoth = int | None", ["Row", "Both"]),
        ("ROWS = table[0]\nrow = table[0]\nLIMIT: Final = 3\nOther = Row", []),
    ],
)
def test_names_are_found(source: str, names: list[str]) -> None:
    assert list(defined_names(source)) == names


def test_every_public_class_and_type_alias_has_a_unique_name() -> None:
    files = defaultdict(list)
    for file in modules():
        for name in defined_names(file.read_text(encoding="utf-8")):
            files[name].append(file.relative_to(ROOT).as_posix())
    assert len(files) > 100  # the modules were found
    assert {name: where for name, where in files.items() if len(where) > 1} == {}


def test_exempt_folders_exist() -> None:
    assert all((ROOT / folder).is_dir() for folder in EXEMPT)
