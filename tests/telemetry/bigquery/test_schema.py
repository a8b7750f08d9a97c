"""Tables and views: derived from the records, as SQL that says the same."""

import re

import pytest

from telemetry.bigquery.schema import (
    BigQueryTarget,
    TableSpec,
    create_sql,
    describe,
    sql_type,
    table_specs,
    unusable_columns,
)
from telemetry.feed.default_feed import DEFAULT_CATALOG, DEFAULT_METRICS
from telemetry.model.kinds import KINDS

TARGET = BigQueryTarget("a-project", "telemetry")


def specs(metrics: tuple[str, ...] = DEFAULT_METRICS, *, archive: bool = True) -> dict[str, TableSpec]:
    return {spec.kind: spec for spec in table_specs(metrics, archive=archive, catalog=DEFAULT_CATALOG)}


def test_there_is_a_table_for_each_kind_of_record():
    assert set(specs()) == set(KINDS)
    assert set(specs(archive=False)) == set(KINDS) - {"readings"}


def test_a_table_has_the_name_of_its_kind_unless_a_view_has_it():
    names = {kind: spec.name for kind, spec in specs().items()}
    assert names == {kind: kind for kind in KINDS} | {"incidents": "incident_transitions"}
    views = [view.name for kind in KINDS.values() for view in kind.views]
    assert len({*names.values(), *views}) == len(names) + len(views)
    assert {kind: TARGET.table_of(kind) for kind in names} == {kind: TARGET.table(name) for kind, name in names.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_partitioned_by_a_time_and_clustered_by_its_columns(kind):
    spec = specs()[kind]
    if kind == "ledger":  # a row of it that BigQuery finds too old must not be refused
        assert spec.partition == ""
    else:
        assert spec.partition == KINDS[kind].time_columns[0]
        assert sql_type(spec.schema.field(spec.partition)) == "TIMESTAMP"
    assert set(spec.cluster) <= set(spec.schema.names)
    assert all(describe(field) for field in spec.schema)
    assert spec.description.endswith(".")


def test_clusters_are_those_that_people_ask_by():
    found = {kind: spec.cluster for kind, spec in specs().items()}
    assert found["anomalies"] == ("device", "rule_id")
    assert found["aggregates"] == ("device", "metric")


def test_units_are_in_the_descriptions():
    schema = specs(("temp", "vibration"))["readings"].schema
    assert describe(schema.field("temp")) == "measured value, in °C"
    assert describe(schema.field("vibration")) == "measured value"


def test_names_that_cannot_be_columns():
    names = ("temp", "a-b", "1st", "hour", "Line", "message_id", "ä", "_ok9")
    assert unusable_columns(names, in_tables=True) == ["a-b", "1st", "hour", "Line", "message_id", "ä"]
    assert unusable_columns(names, in_tables=False) == ["hour", "Line", "message_id"]


def test_the_sql_says_what_the_tables_are():
    sql = create_sql(table_specs(("temp",), archive=True, catalog=DEFAULT_CATALOG), TARGET)
    statements = sql.split(";\n\n")
    made = re.findall(r"^CREATE (\w+) IF NOT EXISTS `a-project\.telemetry\.(\w+)`", sql, re.MULTILINE)
    assert made == [
        ("TABLE", "anomalies"), ("TABLE", "incident_transitions"), ("TABLE", "rules"), ("TABLE", "aggregates"),
        ("TABLE", "dead_letters"), ("TABLE", "ledger"), ("TABLE", "readings"), ("VIEW", "distinct_anomalies"),
        ("VIEW", "incidents"), ("VIEW", "open_incidents"), ("VIEW", "latest_aggregates"),
    ]  # fmt: skip
    by_name = dict(zip((name for _, name in made), statements, strict=True))
    readings = by_name["readings"]
    assert "PARTITION BY" not in by_name["ledger"]
    assert "`event_time` TIMESTAMP NOT NULL OPTIONS (description = " in readings
    assert '`temp` FLOAT64 OPTIONS (description = "measured value, in °C")' in readings
    assert "PARTITION BY TIMESTAMP_TRUNC(`event_time`, DAY)\nCLUSTER BY `device`\n" in readings
    assert "ORDER BY pane_index DESC) = 1;" not in readings
    window = "device, metric, window_start, window_end"
    assert f"PARTITION BY {window}, COALESCE(job_id, '') ORDER BY pane_index DESC) = 1" in by_name["latest_aggregates"]
    assert by_name["latest_aggregates"].rstrip().endswith(f"GROUP BY {window};")
    assert "`job_id` STRING OPTIONS" in by_name["aggregates"]
    assert "`stale` BOOL NOT NULL OPTIONS (description = " in by_name["incident_transitions"]
    kept = (
        "SELECT * FROM `a-project.telemetry.incident_transitions`\nWHERE TRUE\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY incident_id ORDER BY sequence DESC, job_id) = 1"
    )
    assert by_name["incidents"].endswith(f" AS\n{kept}")
    assert by_name["open_incidents"].endswith(f" AS\nSELECT * FROM (\n{kept}\n) AS kept\nWHERE state != 'closed'")


def test_a_target_is_written_as_its_flag():
    assert str(TARGET) == "a-project:telemetry"
    assert TARGET.table("anomalies") == "a-project.telemetry.anomalies"
