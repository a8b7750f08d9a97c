"""Check the English of docstrings and comments where a rule can be stated: no sentence begins with "What"."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.support.sources import sources

PACKAGES = ("telemetry", "transforms", "pipeline", "publisher", "plotting", "templates", "demo", "benchmarks", "tests")
WHAT = re.compile(r"(?:^|[.!?:;] )What ")


def prose(text: str) -> Iterator[str]:
    """Yield the docstrings and comments of a source file, each on one line."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield " ".join(node.value.value.split())
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.lstrip("# ")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_sentence_begins_with_what(package):
    found = [
        f"{path.name}: {line[:80]}"
        for path in sources(package)
        for line in prose(path.read_text(encoding="utf-8"))
        if WHAT.search(line)
    ]
    assert found == []


def test_docstrings_and_comments_are_read():
    text = 'def f():\n    """Return it.\n\n    What else."""\n    return 1  # What for\n'
    assert [bool(WHAT.search(line)) for line in prose(text)] == [True, True]
