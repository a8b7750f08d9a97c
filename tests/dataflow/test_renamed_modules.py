"""Bytes of a running job do not depend on the names of packages, modules and classes: renamed code reads them."""

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import dataflow_golden

ROOT = Path(__file__).parents[2]
PACKAGES = {"transforms": "stages", "telemetry": "sensors"}
MODULES = {
    "aggregate_table": "statistics_table",
    "table_bytes": "statistics_bytes",
    "partial_aggregate": "batch_statistics",
    "pane_state": "pane_ledger",
    "late": "tardy",
    "key_memory": "known_keys",
    "reading_memory": "known_readings",
    "shard_readings": "divided_readings",
    "candidates": "suspects",
    "record_batch_bytes": "arrow_bytes",
    "versioned": "numbered",
    "packing": "packed",
    "messages": "envelopes",
}
CLASSES = {
    "AggregateTable": "StatisticsTable",
    "PartialAggregate": "BatchStatistics",
    "PossiblyLateRows": "TardyRows",
    "PaneState": "PaneLedger",
    "KeyMemory": "KnownKeys",
    "ReadingMemory": "KnownReadings",
    "ReadingBatch": "Readings",
    "Candidates": "Suspects",
    "Message": "Envelope",
    "_Columns": "_Table",
    "_Element": "_Wire",
    "_Rows": "_Lines",
}
PROGRAM = """
import base64, importlib, json, sys
answers = {}
for name, (module, encode, decode, text) in json.load(sys.stdin).items():
    codec = importlib.import_module(module)
    value = getattr(codec, decode)(base64.b64decode(text))
    answers[name] = [type(value).__qualname__, base64.b64encode(getattr(codec, encode)(value)).decode()]
ours = {name.partition(".")[0] for name in sys.modules} & {"transforms", "telemetry", "stages", "sensors"}
print(json.dumps([sorted(ours), answers]))
"""


def renamed(text: str) -> str:
    """Source with other names; those of Beam's own packages stay."""
    for old, new in PACKAGES.items():
        text = re.sub(rf"(?<![.\w]){old}(?=\.)", new, text)
    for old, new in (MODULES | CLASSES).items():
        text = re.sub(rf"(?<!\w){old}\b", new, text)
    return text


@pytest.fixture(scope="module")
def renamed_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the job with all names changed that an encoder could have written down."""
    folder = tmp_path_factory.mktemp("renamed")
    for package, name in PACKAGES.items():
        shutil.copytree(ROOT / package, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [*folder.rglob("*.py")]:
        path.write_text(renamed(path.read_text(encoding="utf-8")), encoding="utf-8")
        path.rename(path.with_stem(MODULES.get(path.stem, path.stem)))
    return folder


def test_a_job_whose_modules_have_other_names_reads_and_writes_the_same_bytes(renamed_packages: Path) -> None:
    kinds, samples = dataflow_golden.kinds(), dataflow_golden.frozen()["samples"]
    questions = {}
    for name, kind in kinds.items():
        functions = [renamed(function.__name__) for function in (kind.encode, kind.decode)]
        questions[name] = [renamed(kind.encode.__module__), *functions, samples[name][max(samples[name])]]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(questions),
        cwd=renamed_packages,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    packages, answers = json.loads(ran.stdout)
    assert packages == ["sensors", "stages"]
    classes = {name: answer[0] for name, answer in answers.items()}
    assert classes == {name: renamed(type(kind.example).__qualname__) for name, kind in kinds.items()}
    assert len(set(classes.values()) & set(CLASSES.values())) == 7
    for name, (_, text) in answers.items():
        assert dataflow_golden.same(kinds[name].decode(base64.b64decode(text)), kinds[name].example)
        assert not kinds[name].same_bytes or text == samples[name][max(samples[name])]


@pytest.mark.parametrize("name", sorted(dataflow_golden.kinds()))
def test_no_name_of_ours_is_in_the_bytes(name: str) -> None:
    (text,) = dataflow_golden.sample_of(dataflow_golden.kinds()[name]).values()
    content = base64.b64decode(text)
    assert not [word for word in (*PACKAGES, *CLASSES, "numpy", "pyarrow") if word.encode() in content]
