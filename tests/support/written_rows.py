"""Compare all that a job wrote with a plain evaluation of its rows."""

import base64
import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from telemetry.errors import NothingUsableError
from tests.support import oracle
from tests.support.jobs import imbalances, records
from tests.support.local_windows import LocalWindows
from tests.support.row_oracle import METRICS, Expected, Row, Rule, Windows


def flags_of(rules: list[Rule], windows: Windows, folder: Path) -> list[object]:
    """Write the rules into a folder and return the flags of a job."""
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "rules": [rule.document() for rule in rules]}))
    slide = ["--slide", f"{windows.slide}s"] if windows.slide != windows.size else []
    lateness = ["--allowed-lateness", f"{windows.lateness}s"]
    zone = ["--window-zone", windows.zone] if isinstance(windows, LocalWindows) else []
    return ["--rules", path, "--metrics", ",".join(METRICS), "--window", f"{windows.size}s", *slide, *lateness, *zone]


def records_of(output: Path, kind: str) -> list[dict[str, Any]]:
    """Return the records of one kind without their job, None where nothing is known."""
    return [
        {name: None if pd.isna(value) else value for name, value in one.items() if name != "job_id"}
        for one in records(oracle.read_output(output, kind))
    ]


def totals_of(output: Path) -> dict[tuple[str, str], int]:
    """Return the counts of the ledger by item and detail."""
    entries = {one["entry_id"]: one for one in records_of(output, "ledger")}
    totals: Counter[tuple[str, str]] = Counter()
    for one in entries.values():
        totals[one["item"], one["detail"]] += one["count"]
    return dict(totals)


def assert_written(output: Path, expected: Expected, windows: Windows) -> None:
    """Check all records of a job and its ledger."""
    found = sorted(records_of(output, "anomalies"), key=lambda one: (one["anomaly_id"], one["message_id"]))
    assert found == sorted(expected.anomalies, key=lambda one: (one["anomaly_id"], one["message_id"]))
    letters = [
        (one["reason"], one["message_id"], one["line"], base64.b64decode(one["payload"]))
        for one in records_of(output, "dead_letters")
    ]
    assert sorted(letters) == sorted(expected.dead_letters)
    aggregates = oracle.truth(oracle.read_output(output, "aggregates"))
    if expected.values:
        oracle.assert_same_aggregates(aggregates, expected.aggregates(windows))
    else:
        assert aggregates.empty
    totals = totals_of(output)
    assert [number for (item, _), number in totals.items() if item == "rules"] == [1]
    rest = {key: number for key, number in totals.items() if key[0] not in ("incidents", "rules")}
    assert rest == dict(expected.totals)
    assert imbalances(output) == []


def ending_of(rows: Sequence[Row]) -> contextlib.AbstractContextManager[object]:
    """Return what checks how a job on rows ends: with an error if none of them has a value."""
    if any(value is not None for row in rows for value in row.values):
        return contextlib.nullcontext()
    return pytest.raises(NothingUsableError, match=f"carries {' or '.join(METRICS)}")
