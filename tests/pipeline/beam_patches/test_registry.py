"""Check that each patch has a guard, a switch and a module, and that Beam has what it replaces."""

import importlib
import json
import logging
from pathlib import Path

import pytest
from apache_beam.runners.direct.executor import TransformExecutor

from pipeline.__main__ import main
from pipeline.beam_patches import patch as patch_module
from pipeline.beam_patches.patch import BeamPatch, beam_version, release_of, replaced
from pipeline.beam_patches.registry import (
    BLOCK_IMPORTS,
    COUNT_EVERY_BUNDLE,
    KEEP_STATE,
    PATCHES,
    REPORT_FAILED_BUNDLES,
    SWITCH,
    is_on,
    patched,
    switched_off,
    untested,
)
from pipeline.beam_patches.worker_processes import READERS
from pipeline.startup.block_imports import EXTRAS, unused
from telemetry.errors import ConfigError
from tests.support.jobs import EARLY, config_of

APPLIED = [patch for patch in PATCHES if patch is not BLOCK_IMPORTS]  # its module is in pipeline/startup


@pytest.fixture
def other_beam(monkeypatch):
    monkeypatch.setattr(patch_module, "beam_version", lambda: "2.99.0")


def test_every_patch_was_tested_with_the_beam_that_is_installed():
    assert release_of(beam_version()) == "2.77"
    assert all(is_on(patch) for patch in PATCHES)
    assert untested() == ""


def test_every_module_of_a_patch_is_registered_and_names_its_upstream_change():
    folder = Path(patch_module.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "patch", "registry"}
    assert modules == {patch.name.replace("-", "_") for patch in APPLIED}
    for name in modules:
        assert "\nUpstream: " in (importlib.import_module(f"pipeline.beam_patches.{name}").__doc__ or "")
    assert all(patch.purpose.endswith(".") and patch.without and patch.upstream.endswith(".") for patch in PATCHES)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        ("all", {patch.name for patch in PATCHES}),
        ("worker-processes", {"worker-processes"}),
        (" count-every-bundle , block-imports ,", {"count-every-bundle", "block-imports"}),
    ],
)
def test_the_switch_turns_patches_off(text, names, monkeypatch):
    monkeypatch.setenv(SWITCH, text)
    assert switched_off() == names
    assert {patch.name for patch in PATCHES if not is_on(patch)} == names


def test_a_switch_that_names_no_patch_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv(SWITCH, "worker-process")
    with pytest.raises(ConfigError, match="must be all, or some of block-imports, cache-dofn-signatures, "):
        switched_off()
    given = tmp_path / "rows.csv"
    given.write_text("ts,device,temp\n1,a,31\n")
    assert main(["--input", str(given), "--output", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: {SWITCH} worker-process: must be all, or some of ")


@pytest.mark.parametrize("patch", APPLIED, ids=lambda patch: patch.name)
def test_a_patch_changes_beam_for_the_duration_of_a_block(patch: BeamPatch, monkeypatch):
    changed = []
    setter = patch_module.replaced

    def recording(owner, name, value):
        changed.append((owner, name, getattr(owner, name)))  # fails if Beam has no such name
        return setter(owner, name, value)

    module = importlib.import_module(f"pipeline.beam_patches.{patch.name.replace('-', '_')}")
    monkeypatch.setattr(module, "replaced", recording)
    needed = {REPORT_FAILED_BUNDLES: (list,), KEEP_STATE: (None,)}
    arguments = needed.get(patch, ())
    with patched(patch, *arguments):
        assert changed
        assert all(getattr(owner, name) is not before for owner, name, before in changed)
    assert all(getattr(owner, name) is before for owner, name, before in changed)
    changed.clear()
    monkeypatch.setenv(SWITCH, patch.name)
    with patched(patch, *arguments):
        assert changed == []


@pytest.mark.usefixtures("other_beam")
def test_another_release_of_beam_is_left_alone():
    before = TransformExecutor.call
    with patched(COUNT_EVERY_BUNDLE):
        assert TransformExecutor.call is before
    assert unused(config_of("--input", "rows.csv", "--output", "out")) == ()


def test_imports_are_blocked_unless_the_switch_is_off(monkeypatch):
    config = config_of("--input", "rows.csv", "--output", "out")
    assert unused(config) == EXTRAS
    monkeypatch.setenv(SWITCH, "block-imports")
    assert unused(config) == ()


@pytest.mark.usefixtures("other_beam")
def test_a_job_on_another_release_of_beam_warns_and_has_the_same_results(tmp_path, capsys):
    given = tmp_path / "rows.csv"
    given.write_text("ts,device,temp\n1,a,31\n")
    flags = [*EARLY, "--input", str(given), "--output", str(tmp_path / "out"), "--log-format", "json"]
    assert main([*flags, "--direct_num_workers", "2"]) == 0
    first, second, *summary = capsys.readouterr().err.splitlines()
    assert json.loads(first)["severity"] == json.loads(second)["severity"] == "WARNING"
    assert json.loads(first)["message"].startswith("patches were not tested with Beam 2.")
    assert json.loads(second)["message"].startswith("the job runs in one process, not in 2: ")
    assert [line.split() for line in summary[:1]] == [["rows", "decoded", "1"]]
    assert len(list((tmp_path / "out" / "anomalies").rglob("*.jsonl"))) == 1
    logging.getLogger("pipeline.beam_patches").setLevel(logging.NOTSET)


def test_a_name_that_beam_does_not_have_is_not_replaced():
    with pytest.raises(AttributeError), replaced(TransformExecutor, "no_such_name", None):
        raise AssertionError
    assert not hasattr(TransformExecutor, "no_such_name")


def test_beam_has_the_readers_of_a_connection():
    assert all(callable(getattr(owner, name)) for owner, name in READERS)
