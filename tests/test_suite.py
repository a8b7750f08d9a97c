"""Check the tests themselves: what `make test-fast` selects, what skips say, and what a test may import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import fast, needs
from tests.support.sources import ROOT, imports_of

TESTS = ROOT / "tests"
MODULES = sorted(TESTS.rglob("*.py"))
TEST_MODULES = [path for path in MODULES if path.name.startswith("test_")]


def name(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def test_fast_collects_what_it_selects_and_loads_no_beam():
    """Every module is imported for its tests, with Beam refused."""
    command = [sys.executable, "-m", "pytest", "--fast", "--collect-only", "-qq", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    collected = {line.partition(":")[0].removeprefix("tests/") for line in done.stdout.splitlines()}
    assert collected - {""} == {name(path) for path in TEST_MODULES if fast.is_fast(path)}
    assert {"telemetry/text/test_durations.py", "transforms/windows/test_aggregate_table.py"} < collected
    assert not collected & {"pipeline/test_oracle.py", "publisher/test_conformance.py", "test_emulators.py"}


@pytest.mark.parametrize(
    ("source", "slow"),
    [
        ("import json\nfrom telemetry.text.durations import parse_duration\n", set()),
        ("def test_one():\n    import apache_beam\n", set()),  # `NoBeam` refuses it when it runs
        ("import apache_beam as beam\n", {"apache_beam"}),
        ("from tests.support.run_transform import run_transform\n", {"apache_beam"}),
        ("from publisher.broker import Broker\n", {"publisher.broker.Broker"}),
        ("from plotting.figures import make_figure\n", {"matplotlib"}),
        ("import http.server\n", {"http"}),
    ],
)
def test_a_module_is_slow_by_what_it_imports(source: str, slow: set[str]):
    path = TESTS / "test_none.py"
    assert set(fast.slow_among(path, fast.imported_by(source))) == slow


def test_what_was_not_proven_is_one_line():
    reasons = [needs.CHROMIUM.reason, needs.BIGQUERY.reason, f"{needs.TELEMETRY.reason}: no x.csv", needs.DUCKDB.reason]
    assert needs.not_proven(reasons) == (
        "not proven: results on the founding data set (TELEMETRY_DATA=folder); pages in a browser (apt-get install "
        "chromium); BigQuery, the queries in DuckDB (make emulators)"
    )
    assert needs.not_proven([]) == ""


def test_a_run_says_what_it_did_not_prove_before_the_summary(tmp_path: Path):
    (tmp_path / "test_one.py").write_text(
        "from tests.support import needs\ndef test_one():\n    needs.PEERS.skip('no x')\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-ra",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "test_one.py",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False
    )
    said, title, skipped, last = done.stdout.splitlines()[-4:]
    assert said == "not proven: the benchmarks' other tools (make peers)"
    assert "short test summary" in title
    assert skipped.endswith("needs the tools that the benchmarks compare with (make peers): no x")
    assert last.startswith("1 skipped")


@pytest.mark.parametrize("need", needs.NEEDS, ids=lambda need: need.name)
def test_a_need_is_told_apart_from_the_others(need: needs.Need):
    assert [other for other in needs.NEEDS if need.reason in other.reason] == [need]


def test_every_skip_says_what_enables_the_test():
    words = {"skip", "skipif", "importorskip"}
    skips = {
        f"{name(path)}:{node.lineno}"
        for path in MODULES
        if path != Path(needs.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in words
        and ast.unparse(node.func.value) in ("pytest", "pytest.mark")
    }  # fmt: skip
    assert skips == set()


def test_no_module_imports_a_test_module():
    """Helpers are in tests/support/."""
    found = {
        name(path): wrong
        for path in MODULES
        if (wrong := {one for one in imports_of(path) if one.startswith("tests.") and ".test_" in one})
    }
    assert found == {}


@pytest.mark.xdist_group("suite")
def test_tests_of_a_group_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """A release of pytest made pytest-xdist ignore groups: each process then started every server."""
    is_spread = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@suite") or not is_spread


def test_no_module_collects_results_in_a_list_of_its_own():
    """Pipelines return their outputs through `run_transform`."""
    assert [f"{name(path)}: {one}" for path in MODULES for one in empty_globals(path)] == []


def empty_globals(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.List | ast.Dict | ast.Call) and ast.unparse(value) in (
            "[]",
            "{}",
            "set()",
            "dict()",
            "list()",
        ):
            yield ast.unparse(node)
