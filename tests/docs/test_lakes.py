"""Execute the statements of the page on lakes over results of the real job, and compare what they find."""

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.__main__ import PIPELINE
from pipeline.arguments import build_parser
from telemetry.cli.groups import build_command_parser
from telemetry.feed.default_feed import DEFAULT_METRICS
from telemetry.model.kinds import KINDS
from telemetry.model.messages import Message
from telemetry.rules.parse import load_rules
from tests.support import needs, oracle
from tests.support.generated_tables import SCHEMAS
from tests.support.given_incidents import OPEN, TRANSITIONS, incidents_given
from tests.support.jobs import Events, ndjson, records, run_events, run_job
from tests.support.pages import read_page
from tests.support.readings import frame

PAGE: Final = read_page("docs/lakes.md")
TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
STORED: Final = [name for name, kind in KINDS.items() if not kind.optional]
FORMATS: Final = ("jsonl", "parquet")
HOUR_S: Final = 3_600
START_US: Final = 1_594_512_000_000_000
"""`make emulators` brings DuckDB into an environment of its own."""


# Blocks of code, each with what is said about its execution in the line above it.


@dataclass(frozen=True, slots=True)
class Block:
    """A statement of the page.

    Attributes:
        language: python or sql, as the fence has it.
        remark: the line above.
        text: the statement.
    """

    language: str
    remark: str
    text: str

    @property
    def title(self) -> str:
        """The comment in its first line."""
        return self.text.splitlines()[0].lstrip("-# ")


ALL_BLOCKS: Final = tuple(
    Block(language, remark, text)
    for remark, language, text in re.findall(r"^(.+)\n```(python|sql)\n((?:(?!```).*\n)*)```$", PAGE, re.MULTILINE)
)
REMARKS: Final = {
    "*Executed by the tests, on both formats.*": FORMATS,
    "*Executed by the tests, on Parquet.*": ("parquet",),
    "*Executed by the tests, on JSON lines.*": ("jsonl",),
}
IN_DUCKDB: Final = {
    "*Executed by the tests, on Parquet, where `make emulators` has brought DuckDB.*": ("parquet",),
    "*Executed by the tests, on JSON lines, where `make emulators` has brought DuckDB.*": ("jsonl",),
}
NOT_HERE: Final = "*Not executed here: written after the documentation of "


def blocks(remarks: Mapping[str, Sequence[str]], *languages: str) -> list[Any]:
    """Each statement that is said to be executed, with each format it is executed on."""
    return [
        pytest.param(block, file_format, id=f"{block.title}, {file_format}")
        for block in ALL_BLOCKS
        if block.language in languages
        for file_format in remarks.get(block.remark, ())
    ]


def test_every_statement_says_whether_it_is_executed() -> None:
    assert len(ALL_BLOCKS) == len(re.findall(r"^```(?:python|sql)$", PAGE, re.MULTILINE))
    for block in ALL_BLOCKS:
        remark = block.remark
        assert remark in REMARKS | IN_DUCKDB or (remark.startswith(NOT_HERE) and remark.endswith(".*")), block


def test_remarks_stand_above_statements() -> None:
    remarks = re.findall(r"^\*(?:Executed by|Not executed).*$", PAGE, re.MULTILINE)
    assert len(remarks) == len(ALL_BLOCKS) + PAGE.count("*Executed by the tests against an emulator.*")


# Results, of files and of a stream that brings late readings, with records that are stored twice.


def late_stream(output: Path, rows: pd.DataFrame, *flags: object) -> None:
    """Every tenth reading comes after its window has been reported, and one line is none."""
    late = rows.iloc[::10]
    events = Events()
    events.message(Message(ndjson(records(rows.drop(late.index))) + b"\nsoon", {}, "m1"), START_US)
    for number in range(2):
        events.watermark(START_US + (number + 1) * HOUR_S * 1_000_000)
        begin = START_US / 1e6 + number * HOUR_S
        part = late[(late.ts >= begin) & (late.ts < begin + HOUR_S)]
        events.message(Message(ndjson(records(part)), {}, f"late{number}"), START_US + number * HOUR_S * 1_000_000)
    run_events(events, "--output", output, "--allowed-lateness", "2h", "--flush-interval", "1ms", *flags)


def store_again(folder: Path) -> None:
    """Leave what a bundle leaves that was done twice, with other neighbours: the same records in another file."""
    for kind in ("anomalies", "incidents", "ledger", "aggregates"):
        file = min((folder / kind).glob("date=2*/hour=*/*.*"))
        shutil.copy(file, file.with_name(f"again-{file.name}"))


@pytest.fixture(scope="module", params=["files", "stream"])
def roots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each format, in which the results lie in `results`."""
    root: Path = tmp_path_factory.mktemp(request.param)
    source = root / "rows.csv"
    frame().to_csv(source, index=False)
    with source.open("a") as file:
        file.write("soon,d1,1,1,1,1,1\n")
    for file_format in FORMATS:
        output = root / file_format / "results"
        flags = ("--file-format", file_format, "--archive")
        with incidents_given():
            if request.param == "files":
                run_job("--input", source, "--output", output, *flags)
            else:
                late_stream(output, frame(), *flags)
    return root


@pytest.fixture(scope="module")
def twice(roots: Path) -> Path:
    """The same results, some records of which are stored twice."""
    target = roots.with_name(f"{roots.name}-twice")
    shutil.copytree(roots, target)
    for file_format in FORMATS:
        store_again(target / file_format / "results")
    return target


# The table of columns.


def test_files_lie_as_the_page_says(roots: Path) -> None:
    name = re.compile(
        r"(anomalies|incidents|rules|aggregates|dead_letters|ledger|readings)"
        r"/date=(\d{4}-\d\d-\d\d|__HIVE_DEFAULT_PARTITION__)/hour=(\d\d|__HIVE_DEFAULT_PARTITION__)"
        r"/\d{8}T\d{6}Z-\d+-[0-9a-f]{20}\.(jsonl|parquet)"
    )
    for file_format in FORMATS:
        folder = roots / file_format / "results"
        kinds = set()
        for path in (path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".jobs"):
            found = name.fullmatch(path.relative_to(folder).as_posix())
            assert found, path
            kinds.add(found[1])
            assert found[4] == ("parquet" if found[1] == "readings" else file_format)
            check_columns(path, SCHEMAS[found[1]])
        assert kinds == set(KINDS)


def check_columns(path: Path, schema: pa.Schema) -> None:
    if path.suffix == ".jsonl":
        for line in path.read_text(encoding="utf-8").splitlines():
            assert list(json.loads(line)) == schema.names
        return
    with pq.ParquetFile(path) as file:
        assert file.schema_arrow.equals(schema)
        group = file.metadata.row_group(0)
        assert {group.column(n).compression for n in range(group.num_columns)} == {"SNAPPY"}
        assert {
            group.column(n).physical_type for n in range(group.num_columns) if schema.field(n).type == TIMESTAMP
        } <= {"INT64"}


# Results of the statements.


def check_final(found: pd.DataFrame) -> None:
    """The last pane of every window, times as timestamps or RFC 3339."""
    for name in ("window_start", "window_end"):
        moments = pd.to_datetime(found[name], utc=True).astype("datetime64[us, UTC]")
        found = found.assign(**{name: moments.astype("int64")})
    oracle.assert_same_aggregates(found.sort_values(oracle.KEYS).reset_index(drop=True), oracle.aggregate(frame()))


def hot() -> int:
    return sum(oracle.hot(frame()).values())


def check_anomalies(found: pd.DataFrame) -> None:
    """Each anomaly once."""
    assert Counter(zip(found.device, found.value, strict=True)) == Counter(
        (device, value) for device, _, value in oracle.hot(frame()).elements()
    )


def check_incidents(found: pd.DataFrame) -> None:
    """The latest transition of each incident."""
    latest = {row.incident_id: (row.sequence, row.state) for row in TRANSITIONS}
    assert len(found) == len(latest)
    assert dict(zip(found.incident_id, zip(found.sequence, found.state, strict=True), strict=True)) == latest


def check_open_incidents(found: pd.DataFrame) -> None:
    """The latest transition of each incident that is open."""
    assert sorted(found.incident_id) == sorted(OPEN)
    assert set(found.state) == {"opened"}


def check_rules(found: pd.DataFrame) -> None:
    """The anomalies of each rule."""
    assert found.to_dict("records") == [{"rule_id": "temp-high", "anomalies": hot()}]


def check_ledger(found: pd.DataFrame) -> None:
    """The totals of the ledger."""
    sums = {(entry["item"], entry["detail"]): entry["total"] for entry in records(found)}
    (reason,) = (detail for item, detail in sums if item == "rows_rejected")
    assert reason in ("bad_timestamp", "not_json")
    assert sums == {
        ("rows_decoded", ""): len(frame()),
        ("rows_archived", ""): len(frame()),
        ("rows_rejected", reason): 1,
        ("dead_letters", reason): 1,
        ("anomalies", "temp-high"): hot(),
        ("incidents", "hot"): 4,
        ("incidents", "silent"): 2,
        ("rules", load_rules(None).version): 1,
        **{("values", metric): len(frame()) for metric in DEFAULT_METRICS},
    }


def check_hour(found: pd.DataFrame) -> None:
    """The readings of one hour."""
    ts = frame().ts - START_US / 1e6
    expected = frame()[(ts >= HOUR_S) & (ts < 2 * HOUR_S)]
    assert Counter(zip(found.device, found.temp, strict=True)) == Counter(
        zip(expected.device, expected.temp, strict=True)
    )


CHECKS: Final[dict[str, Callable[[pd.DataFrame], None]]] = {
    "final": check_final,
    "anomalies": check_anomalies,
    "incidents": check_incidents,
    "open incidents": check_open_incidents,
    "rules": check_rules,
    "ledger": check_ledger,
    "one_hour": check_hour,
}
"""Check of each statement, by its variable's name or the comment in its first line."""


def as_pandas(found: Any) -> pd.DataFrame:
    """Rows of any library."""
    if isinstance(found, pl.LazyFrame):
        found = found.collect()
    if isinstance(found, pl.DataFrame):
        return pd.DataFrame(found.to_dicts())
    return found.to_pandas() if isinstance(found, pa.Table) else found  # type: ignore[no-any-return]


@pytest.mark.parametrize(("block", "file_format"), blocks(REMARKS, "python"))
def test_python(block: Block, file_format: str, twice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(twice / file_format)
    names: dict[str, Any] = {}
    exec(compile(block.text, block.title, "exec"), names)
    results = names.keys() & CHECKS.keys()
    assert results
    for name in results:
        CHECKS[name](as_pandas(names[name]))


def polars_tables(file_format: str) -> dict[str, pl.LazyFrame]:
    if file_format == "parquet":
        return {kind: pl.scan_parquet(f"results/{kind}/**/*.parquet", hive_partitioning=True) for kind in STORED}
    return {
        kind: pl.scan_ndjson(
            f"results/{kind}/**/*.jsonl", infer_schema_length=None, schema_overrides=nullable_columns(kind)
        )
        for kind in STORED
    }


def nullable_columns(kind: str) -> dict[str, type[pl.DataType]]:
    """The types of the columns that may be null in the whole of a file, from which polars can infer none."""
    types = {pa.float64(): pl.Float64, pa.int64(): pl.Int64, pa.string(): pl.String, TIMESTAMP: pl.String}
    return {field.name: types[field.type] for field in SCHEMAS[kind] if field.nullable}


@pytest.mark.parametrize(("block", "file_format"), blocks(REMARKS, "sql"))
def test_sql(block: Block, file_format: str, twice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(twice / file_format)
    with pl.SQLContext(polars_tables(file_format)) as context:
        found = context.execute(block.text, eager=True)
    CHECKS[block.title](as_pandas(found))


DUCKDB_PROGRAM: Final = """
import json, sys
import duckdb
connection = duckdb.connect(config={"autoinstall_known_extensions": False})
connection.execute("SET TimeZone = 'UTC'")
found = connection.execute(sys.stdin.read())
names = [column[0] for column in found.description]
json.dump([dict(zip(names, row)) for row in found.fetchall()], sys.stdout, default=str)
"""


@pytest.mark.parametrize(("block", "file_format"), blocks(IN_DUCKDB, "sql"))
def test_duckdb(block: Block, file_format: str, twice: Path) -> None:
    python = needs.DUCKDB.path()
    done = subprocess.run(
        [str(python), "-I", "-c", DUCKDB_PROGRAM],
        input=block.text,
        cwd=twice / file_format,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    CHECKS[block.title](pd.DataFrame(json.loads(done.stdout)))


def test_each_kind_of_statement_is_executed() -> None:
    portable = {block.title for block in ALL_BLOCKS if block.language == "sql" and block.remark in REMARKS}
    assert portable == {"final", "anomalies", "ledger", "open incidents"}
    assert len(blocks(REMARKS, "python")) == 5
    assert len(blocks(IN_DUCKDB, "sql")) == 3


def test_without_the_statements_the_numbers_are_wrong(twice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results that the statements read contain every case the page warns of."""
    monkeypatch.chdir(twice / "parquet")
    anomalies, aggregates = (as_pandas(polars_tables("parquet")[kind]) for kind in ("anomalies", "aggregates"))
    assert len(anomalies) > hot()
    incidents = as_pandas(polars_tables("parquet")["incidents"])
    assert len(incidents) > len(TRANSITIONS)
    assert set(incidents.incident_id[incidents.state != "closed"]) > OPEN
    assert len(aggregates) > len(oracle.aggregate(frame()))
    if twice.name.startswith("stream"):
        assert set(aggregates.timing) == {"on_time", "late"}


# Flags.


def test_flags_exist() -> None:
    """Flags of the job in running text; Beam's own are written with the name of their service."""
    known = {flag for action in build_parser()._actions for flag in action.option_strings}
    known |= {flag for action in build_command_parser(PIPELINE, "tables")._actions for flag in action.option_strings}
    flags = set(re.findall(r"`(--[a-z][a-z-]*)\b", PAGE))
    assert {flag for flag in flags if not flag.startswith(("--s3", "--azure", "--blob"))} <= known
