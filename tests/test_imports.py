"""Who may import whom: read from the source of every file, and tried in fresh processes."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BEAM = {
    *("account", "aggregate", "archive", "counters", "decode", "dedup", "detect"),
    *("insert", "insertapi", "keep", "publish", "show", "sinks", "write"),
}
"""Modules of `transforms` that import Beam; all others are pure."""
LAZY = {"storage"}
"""Modules of `transforms` that load Beam only when they are given a path in a bucket."""
PACKAGES = ("transforms", "publisher", "pipeline", "plotting", "templates", "demo", "benchmarks", "tests")
MAY_USE = {
    "transforms": {"transforms"},
    "publisher": {"publisher", "transforms"},
    "pipeline": {"pipeline", "transforms"},
    "plotting": {"plotting", "transforms"},
    "templates": {"templates", "pipeline", "transforms"},
    "demo": set(PACKAGES) - {"benchmarks", "tests"},
    "benchmarks": set(PACKAGES) - {"demo", "tests"},
}
"""Which of our own packages each may import."""


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules(*packages: str) -> list[str]:
    return [module_of(path) for package in packages for path in sources(package)]


def top(name: str) -> str:
    return name.partition(".")[0]


def runs_beam(name: str) -> bool:
    """Whether a module of `transforms`, or something in it, imports Beam."""
    package, _, rest = name.partition(".")
    return package == "transforms" and top(rest) in BEAM


def may_load_beam(name: str) -> bool:
    return runs_beam(name) or name in {f"transforms.{module}" for module in LAZY}


def imports_of(path: Path) -> Iterator[str]:
    """Full names of what a file imports, inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offences(package: str, forbidden: Callable[[str, str], bool]) -> dict[str, set[str]]:
    """What each module of a package imports although `forbidden(module, imported)`; nothing where all is well."""
    found = {
        module_of(path): {name for name in imports_of(path) if forbidden(module_of(path), name)}
        for path in sources(package)
    }
    return {module: names for module, names in found.items() if names}


each_package = pytest.mark.parametrize("package", list(MAY_USE))


@each_package
def test_packages_import_one_way(package):
    assert offences(package, lambda _, name: top(name) in PACKAGES and top(name) not in MAY_USE[package]) == {}


@each_package
def test_beam_is_imported_only_where_it_runs(package):
    if package not in ("pipeline", "demo", "benchmarks"):
        assert offences(package, lambda module, name: top(name) == "apache_beam" and not may_load_beam(module)) == {}


@each_package
def test_what_imports_no_beam_uses_no_module_that_does(package):
    if package in ("transforms", "publisher", "plotting"):
        assert offences(package, lambda module, name: runs_beam(name) and not runs_beam(module)) == {}


@each_package
def test_matplotlib_is_imported_only_by_plotting(package):
    if package != "plotting":
        assert offences(package, lambda _, name: top(name) in ("matplotlib", "mpl_toolkits")) == {}


def test_an_import_inside_a_function_is_seen(tmp_path):
    file = tmp_path / "one.py"
    file.write_text("import os.path\ndef f():\n    from transforms import counters\n    import apache_beam as beam\n")
    assert set(imports_of(file)) == {"os.path", "transforms.counters", "apache_beam"}


@pytest.mark.parametrize("package", ["transforms", "publisher", "plotting"])
def test_only_the_pipeline_builds_a_beam_pipeline(package):
    for path in sources(package):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Attribute) and call.attr == "Pipeline"], path


def test_every_module_that_may_import_beam_does():
    found = {path.stem for path in sources("transforms") if any(n.startswith("apache_beam") for n in imports_of(path))}
    assert found == BEAM | LAZY


IMPORT_ALL = """
import importlib, sys
forbidden, *modules = sys.argv[1:]
for module in modules:
    importlib.import_module(module)
    if forbidden in sys.modules:
        sys.exit(f"{module} loads {forbidden}")
"""


def import_all(forbidden: str, names: list[str]) -> str:
    """Import modules one by one in a fresh process; returns which of them loaded what is forbidden, or ""."""
    command = [sys.executable, "-c", IMPORT_ALL, forbidden, *names]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0 or " loads " in ran.stderr, ran.stderr
    return ran.stderr.strip() if ran.returncode else ""


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([name for name in modules("transforms") if not runs_beam(name)], id="pure transforms"),
        pytest.param(modules("publisher"), id="publisher"),
        pytest.param(modules("plotting"), id="plotting"),
        pytest.param(["pipeline", "pipeline.config", "pipeline.__main__"], id="command line of the pipeline"),
    ],
)
def test_what_needs_no_beam_does_not_load_it(names):
    assert len(names) > 2
    assert import_all("apache_beam", names) == ""


def test_matplotlib_is_not_loaded_by_the_job_or_the_publisher():
    assert import_all("matplotlib", modules("pipeline", "transforms", "publisher")) == ""


def test_the_client_of_bigquery_is_not_loaded_before_a_dataset_is_named():
    names = [*modules("plotting"), "pipeline", "pipeline.config", "pipeline.reconcile", "pipeline.tables"]
    assert import_all("google.cloud.bigquery", names) == ""


def test_a_module_that_loads_beam_is_found():
    assert import_all("apache_beam", ["transforms.records", "transforms.counters"]) == (
        "transforms.counters loads apache_beam"
    )
