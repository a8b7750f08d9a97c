"""The project's own source files, as the tests of imports and of images look at them."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules(*packages: str) -> list[str]:
    return [module_of(path) for package in packages for path in sources(package)]


def folder_of(name: str) -> str:
    """Return the folder that holds a module, or a name in it: ``telemetry/text`` of ``telemetry.text.durations``."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        if path.is_dir():
            return path.relative_to(ROOT).as_posix()
        if path.with_suffix(".py").is_file():
            return path.parent.relative_to(ROOT).as_posix()
    raise ValueError(f"{name} is no module of this project")


def top(name: str) -> str:
    return name.partition(".")[0]


@functools.cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Return the full names of what a file imports, inside of functions too."""
    return tuple(_imports_in(path))


def _imports_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
