"""Find the test modules of ``make test-fast``, which run no pipeline, server, browser or program and draw no picture.

They are found from what they import, directly or through other modules of this project.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.support.sources import ROOT

SLOW: Final = ("apache_beam", "matplotlib", "subprocess", "tornado")
"""Packages of pipelines, pictures, programs and servers, wherever they are imported."""
SLOW_IN_TESTS: Final = ("http", "multiprocessing", "publisher.broker.Broker", "socket", "websockets")
"""Modules that a test imports to run a program or a server."""


def has_fast_tests(path: Path) -> bool:
    """Whether a file is a fast test module, or a folder holds one."""
    files = path.rglob("test_*.py") if path.is_dir() else [path] if path.match("test_*.py") else []
    return any(map(is_fast, files))


def is_fast(path: Path) -> bool:
    """Whether a test module imports nothing of `SLOW`, nor the tests' own modules anything of `SLOW_IN_TESTS`."""
    return not slow_imports(path)


def slow_imports(path: Path) -> set[str]:
    """Return the packages and modules because of which a test module is not fast."""
    return slow_among(path, imports(path))


def slow_among(path: Path, names: Iterable[str]) -> set[str]:
    """Return which of the names that a file imports, or of what these import in turn, are slow."""
    own = set(names)
    return {
        slow
        for file, imported in [(path, own), *((file, imports(file)) for file in files_reached(own))]
        for slow in ((*SLOW, *SLOW_IN_TESTS) if file.is_relative_to(ROOT / "tests") else SLOW)
        if any(f"{name}.".startswith(f"{slow}.") for name in imported)
    }


def files_reached(names: Iterable[str]) -> set[Path]:
    """Return our own files that are loaded when these names are imported."""
    found: set[Path] = set()
    waiting = [file for name in names for file in files_of(name)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [other for name in imports(file) for other in files_of(name)]
    return found


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the full names that a file imports when it is loaded."""
    return imported_by(path.read_text(encoding="utf-8"))


def imported_by(source: str) -> frozenset[str]:
    """Return the full names that a module imports when it is loaded: not those inside of functions."""
    return frozenset(_names(ast.parse(source).body))


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def files_of(name: str) -> tuple[Path, ...]:
    """Return our files that are loaded for an import of one of our modules, or of a name in it; none for others'."""
    parts = name.split(".")
    candidates = []
    for length in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:length])
        candidates += [place / "__init__.py", place.with_suffix(".py")]
    return tuple(path for path in candidates if path.is_file())
