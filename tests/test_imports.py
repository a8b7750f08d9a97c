"""Check who may import whom: read from the source of every file, and tried in fresh processes."""

import functools
import subprocess
import sys

import pytest

from tests.support.sources import ROOT, folder_of, imports_of, module_of, modules, sources, top

MAY_IMPORT = {
    "telemetry": ("telemetry/cli",),
    "telemetry/text": (),
    "telemetry/model": ("telemetry", "telemetry/text"),
    "telemetry/storage": ("telemetry", "telemetry/model"),
    "telemetry/feed/times": ("telemetry", "telemetry/text"),
    "telemetry/rules": ("telemetry", "telemetry/storage", "telemetry/text"),
    "telemetry/feed": ("telemetry", "telemetry/feed/*", "telemetry/model", "telemetry/storage", "telemetry/text"),
    "telemetry/feed/readings": (
        "telemetry",
        "telemetry/feed",
        "telemetry/feed/files",
        "telemetry/feed/formats",
        "telemetry/feed/times",
        "telemetry/model",
        "telemetry/text",
    ),
    "telemetry/feed/propose": (
        "telemetry/feed",
        "telemetry/feed/files",
        "telemetry/feed/formats",
        "telemetry/feed/readings",
        "telemetry/feed/times",
        "telemetry/model",
        "telemetry/text",
    ),
    "telemetry/feed/formats": ("telemetry", "telemetry/storage"),
    "telemetry/feed/files": (
        "telemetry",
        "telemetry/feed",
        "telemetry/feed/formats",
        "telemetry/feed/times",
        "telemetry/model",
        "telemetry/storage",
        "telemetry/text",
    ),
    "telemetry/bigquery": ("telemetry", "telemetry/model", "telemetry/storage"),
    "telemetry/pubsub": ("telemetry", "telemetry/model"),
    "telemetry/webhooks": ("telemetry", "telemetry/model", "telemetry/storage", "telemetry/text"),
    "telemetry/cli": ("telemetry", "telemetry/text"),
    "transforms": (),
    "transforms/shuffle": ("telemetry",),
    "transforms/decode": ("telemetry/*", "transforms", "transforms/shuffle"),
    "transforms/dedup": ("telemetry/*", "transforms", "transforms/decode", "transforms/shuffle"),
    "transforms/detect": ("telemetry/*", "transforms"),
    "transforms/series": ("telemetry",),
    "transforms/baselines": ("telemetry", "telemetry/rules", "transforms/series"),
    "transforms/incidents": (
        "telemetry/*",
        "transforms",
        "transforms/baselines",
        "transforms/series",
        "transforms/shuffle",
    ),
    "transforms/incidents/rule_tests": (
        "telemetry",
        "telemetry/rules",
        "telemetry/text",
        "transforms/incidents",
        "transforms/series",
    ),
    "transforms/windows": ("telemetry/*", "transforms", "transforms/decode", "transforms/shuffle"),
    "transforms/ledger": ("telemetry/*", "transforms", "transforms/decode", "transforms/windows"),
    "transforms/outputs": ("telemetry/*", "transforms", "transforms/shuffle"),
    "pipeline": ("telemetry/*", "transforms/*", "pipeline/*"),
    "publisher": ("telemetry/*", "publisher/*"),
    "publisher/replay/order": ("telemetry", "telemetry/text", "publisher"),
    "publisher/replay/chaos": ("telemetry", "telemetry/cli", "telemetry/model", "telemetry/text", "publisher/replay"),
    "plotting": ("telemetry/*", "plotting/*"),
    "plotting/style": ("telemetry/*",),
    "plotting/data": ("telemetry/*",),
    "plotting/draw": ("plotting/data", "plotting/style"),
    "plotting/backtest": (
        "telemetry/*",
        "transforms/decode",
        "transforms/incidents",
        "pipeline",
        "pipeline/backtest",
        "plotting/*",
    ),
    "templates": ("telemetry/*", "pipeline", "templates/*"),
    "demo": ("telemetry/*", "transforms/ledger"),
    "benchmarks": ("telemetry/*", "transforms/*", "pipeline/*", "publisher/*", "plotting/*", "benchmarks/*"),
}
"""Which of our folders the files of each folder may import, besides their own.

``folder/*`` allows everything below a folder, a bare name only the files that lie in it. A folder that has no line
follows the line of the folder that holds it.
"""
PACKAGES = tuple(folder for folder in MAY_IMPORT if "/" not in folder)
LOADS_BEAM = {"telemetry.storage.buckets"}
"""Modules outside of the job's packages that load Beam, and only when they are given a path in a bucket."""


def allowed(folder: str) -> tuple[str, ...]:
    while folder not in MAY_IMPORT:
        folder = folder.rpartition("/")[0]
    return MAY_IMPORT[folder]


def may_import(folder: str, imported: str) -> bool:
    return folder == imported or any(
        imported == entry or (entry.endswith("/*") and f"{imported}/".startswith(entry[:-1]))
        for entry in allowed(folder)
    )


def runs_beam(name: str) -> bool:
    """Whether a module of `transforms`, or something in it, imports Beam."""
    return top(name) == "transforms" and any(
        name == module or name.startswith(f"{module}.") for module in beam_modules("transforms")
    )


@functools.cache
def beam_modules(package: str) -> set[str]:
    return {module_of(path) for path in sources(package) if any(top(n) == "apache_beam" for n in imports_of(path))}


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_import_only_what_the_table_allows(package):
    forbidden = {}
    for path in sources(package):
        folder = folder_of(module_of(path))
        names = {name for name in imports_of(path) if top(name) in (*PACKAGES, "tests")}
        wrong = {name for name in names if top(name) == "tests" or not may_import(folder, folder_of(name))}
        if wrong:
            forbidden[module_of(path)] = wrong
    assert forbidden == {}


def test_the_table_lists_folders_that_exist():
    entries = {entry.removesuffix("/*") for entries in MAY_IMPORT.values() for entry in entries}
    assert [folder for folder in (*MAY_IMPORT, *entries) if not (ROOT / folder).is_dir()] == []


def test_the_table_allows_nothing_that_nobody_imports():
    used = {
        (folder_of(module_of(path)), folder_of(name))
        for package in PACKAGES
        for path in sources(package)
        for name in imports_of(path)
        if top(name) in PACKAGES
    }
    unused = {
        (folder, entry)
        for folder, entries in MAY_IMPORT.items()
        for entry in entries
        if not any(
            (user == folder or user.startswith(f"{folder}/"))
            and (imported == entry or (entry.endswith("/*") and f"{imported}/".startswith(entry[:-1])))
            for user, imported in used
        )
    }
    assert unused == set()


@pytest.mark.parametrize("package", ["telemetry", "publisher", "plotting", "templates"])
def test_beam_is_imported_only_where_it_runs(package):
    assert beam_modules(package) <= LOADS_BEAM


def test_pure_modules_of_the_transforms_use_no_module_that_imports_beam():
    offences = {
        module_of(path): [name for name in imports_of(path) if runs_beam(name)]
        for path in sources("transforms")
        if not runs_beam(module_of(path))
    }
    assert {module: names for module, names in offences.items() if names} == {}


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "plotting"])
def test_matplotlib_is_imported_only_by_plotting(package):
    found = {
        module_of(path)
        for path in sources(package)
        if any(top(name) in ("matplotlib", "mpl_toolkits") for name in imports_of(path))
    }
    assert found == set()


def test_an_import_inside_a_function_is_seen(tmp_path):
    file = tmp_path / "one.py"
    file.write_text("import os.path\ndef f():\n    from transforms import counters\n    import apache_beam as beam\n")
    assert set(imports_of(file)) == {"os.path", "transforms.counters", "apache_beam"}


@pytest.mark.parametrize(
    ("folder", "imported", "expected"),
    [
        ("telemetry/cli", "telemetry", True),
        ("telemetry/text", "telemetry/model", False),
        ("transforms/detect", "telemetry/rules", True),
        ("transforms/detect", "transforms/windows", False),
        ("publisher/replay", "publisher/broker", True),
        ("publisher/replay", "transforms", False),
        ("plotting/draw", "plotting/report", False),
        ("pipeline/local", "pipeline", True),
    ],
)
def test_an_entry_allows_what_it_says(folder, imported, expected):
    assert may_import(folder, imported) is expected


@pytest.mark.parametrize("package", ["telemetry", "transforms", "publisher", "plotting"])
def test_only_the_pipeline_builds_a_beam_pipeline(package):
    for path in sources(package):
        assert "beam.Pipeline(" not in path.read_text(encoding="utf-8"), path


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
        pytest.param(modules("telemetry"), id="telemetry"),
        pytest.param([name for name in modules("transforms") if not runs_beam(name)], id="pure transforms"),
        pytest.param(modules("publisher"), id="publisher"),
        pytest.param(modules("plotting"), id="plotting"),
        pytest.param(["pipeline", "pipeline.config", "pipeline.__main__"], id="command line of the pipeline"),
    ],
)
def test_modules_that_need_no_beam_do_not_load_it(names):
    assert len(names) > 2
    assert import_all("apache_beam", names) == ""


def test_matplotlib_is_not_loaded_by_the_job_or_the_publisher():
    assert import_all("matplotlib", modules("pipeline", "transforms", "telemetry", "publisher")) == ""


def test_the_client_of_bigquery_is_not_loaded_before_a_dataset_is_named():
    names = [*modules("plotting"), "pipeline", "pipeline.config", "pipeline.commands.reconcile"]
    assert import_all("google.cloud.bigquery", [*names, "pipeline.commands.tables"]) == ""


def test_a_module_that_loads_beam_is_found():
    assert import_all("apache_beam", ["telemetry.model.records", "transforms.counters"]) == (
        "transforms.counters loads apache_beam"
    )
