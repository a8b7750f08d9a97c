"""Units of a job's feed: in its printed lines, in the sentences of incidents, and in the archive."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.__main__ import main
from telemetry.cli.main import main as telemetry
from telemetry.feed.default_feed import DEFAULT_CATALOG
from tests.support.jobs import EARLY, config_of

FEED = "version: 1\nmetrics: {NO2(GT): {unit: µg/m³, label: Nitrogen dioxide}, temp: {unit: K}}"
RULES = """
version: 2
rules:
- {id: leap, metric: NO2(GT), unusual: {kind: jump, learn: 5m, half_life: 5m}}
- {id: high, metric: NO2(GT), above: 300}
"""


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    values = [100 + number % 3 for number in range(100)]
    rows = "".join(f"{60 * number},a,{400 if number == 90 else value},290\n" for number, value in enumerate(values))
    (tmp_path / "rows.csv").write_text(f"ts,device,NO2(GT),temp\n{rows}")
    (tmp_path / "rules.yaml").write_text(RULES)
    out = ["--output", str(tmp_path / "out"), "--archive", "--print", "readings", "--metrics", "NO2(GT),temp"]
    return ["--input", str(tmp_path / "rows.csv"), *EARLY, "--rules", str(tmp_path / "rules.yaml"), *out]


def archived(out: Path) -> dict[str, str]:
    """Return the descriptions of the metric columns of archived readings."""
    schema = pq.read_schema(next((out / "readings").rglob("*.parquet")))
    return {name: schema.field(name).metadata[b"description"].decode() for name in ("NO2(GT)", "temp")}


def test_a_job_tells_units_of_its_feed(flags: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "feed.yaml").write_text(FEED)
    assert main([*flags, "--feed", str(tmp_path / "feed.yaml")]) == 0
    (line,) = capfd.readouterr().out.splitlines()
    assert line == "1970-01-01T01:30:00.000000Z  NO2(GT) 400 µg/m³ above 300  device a  (high, warning)"
    assert archived(tmp_path / "out") == {"NO2(GT)": "measured value, in µg/m³", "temp": "measured value, in K"}
    told = [json.loads(line) for path in (tmp_path / "out/incidents").rglob("*.jsonl") for line in path.open()]
    (why,) = {one["why"] for one in told if one["rule_id"] == "leap" and one["state"] == "opened"}
    assert why.startswith("400 µg/m³; 102.0 at the reading before; ")


def test_without_a_feed_they_are_those_of_the_founding_set(
    flags: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert config_of(*flags).catalog == DEFAULT_CATALOG
    assert main(flags) == 0
    assert capfd.readouterr().out.endswith("Z  NO2(GT) 400 above 300  device a  (high, warning)\n")
    assert archived(tmp_path / "out") == {"NO2(GT)": "measured value", "temp": "measured value, in °C"}


def test_suggested_bounds_end_where_a_percentage_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.minimum(98 + 2 * np.random.default_rng(1).standard_normal(3_000), 100)
    rows = "".join(f"{60 * number},a,{value}\n" for number, value in enumerate(values.tolist()))
    (tmp_path / "rows.csv").write_text(f"ts,device,load\n{rows}")
    said = {}
    for unit in ("%", "°C"):
        (tmp_path / "feed.yaml").write_text(f"version: 1\nmetrics: {{load: {{unit: '{unit}'}}}}")
        command = ["suggest", str(tmp_path / "rows.csv"), "--feed", str(tmp_path / "feed.yaml"), *EARLY]
        assert telemetry(command) == 0
        said[unit] = capsys.readouterr().out
    assert ", 100]" in said["%"]
    assert ", 100]" not in said["°C"]


def test_descriptions_of_tables_have_the_units_of_a_feed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "feed.yaml").write_text(FEED)
    command = ["tables", "--bigquery", "a-project:telemetry", "--print-sql", "--archive", "--metrics", "temp"]
    assert telemetry([*command, "--feed", str(tmp_path / "feed.yaml")]) == 0
    assert '`temp` FLOAT64 OPTIONS (description = "measured value, in K")' in capsys.readouterr().out
