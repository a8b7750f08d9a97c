"""Make the tables of the pages that repeat what the code says, and put them into the pages between their markers."""

import argparse
import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa

from telemetry.bigquery.schema import describe, sql_type
from telemetry.cli.exit_codes import EXIT_CODES
from telemetry.feed import feed
from telemetry.feed.default_feed import DEFAULT_CATALOG, DEFAULT_METRICS
from telemetry.feed.json_schema import described_fields, feed_schema_text
from telemetry.model.kinds import KINDS
from telemetry.model.records import LedgerEntry
from telemetry.rules import file_format
from telemetry.rules.json_schema import rules_schema_text
from telemetry.rules.parse import parse_rules
from telemetry.rules.unusual import LearnedStuck, Unusual
from telemetry.text.durations import format_duration
from tests.support.command_parsers import PARSERS
from tests.support.sources import ROOT
from transforms import counters
from transforms.baselines import drift, jump, learned_stuck, level, novel, together
from transforms.baselines.weights import block_length_us
from transforms.incidents.rule_tests import file_format as test_format
from transforms.incidents.rule_tests import notation

PAGES: Final = ("docs/architecture.md", "docs/detection.md", "docs/reference.md", "docs/rules.md")
RULES_SCHEMA: Final = "docs/rules.schema.json"
"""A copy of the schema of rules files, for editors."""
RULE_FIELDS: Final[dict[str, type[msgspec.Struct]]] = {
    "fields of a rules file": file_format.FileFields,
    "fields of a rule": file_format.RuleFields,
    "fields of rate": file_format.RateFields,
    "fields of stuck": file_format.StuckFields,
    "fields of unusual": file_format.UnusualFields,
    "fields of silence": file_format.SilenceFields,
    "fields of window": file_format.WindowFields,
    "fields of incidents": file_format.IncidentFields,
    "fields of flapping": file_format.FlappingFields,
}
FEED_SCHEMA: Final = "docs/feed.schema.json"
"""A copy of the schema of feed files, for editors."""
FEED_FIELDS: Final[dict[str, type[msgspec.Struct]]] = {
    "fields of a feed": feed.Feed,
    "fields of csv": feed.CsvFields,
    "fields of time": feed.TimeFields,
    "fields of device": feed.DeviceFields,
    "fields of a metric": feed.MetricFields,
    "fields of long": feed.LongFields,
}
RULE_TEST_FIELDS: Final[dict[str, type[msgspec.Struct]]] = {
    "fields of a file of tests": test_format.RuleTestFileFields,
    "fields of a test": test_format.RuleTestFields,
    "fields of an expected incident": test_format.ExpectedFields,
}
_FIELDS: Final = RULE_FIELDS | RULE_TEST_FIELDS
SCHEMAS: Final = {name: kind.schema(DEFAULT_METRICS, DEFAULT_CATALOG) for name, kind in KINDS.items()}
_MARKED: Final = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
_TYPES: Final = {
    pa.string(): ("string", "string"),
    pa.float64(): ("number", "double"),
    pa.int64(): ("integer", "int64"),
    pa.bool_(): ("boolean", "boolean"),
    _TIMESTAMP: ("string, RFC 3339", "timestamp (µs, UTC)"),
}


def current_page(text: str) -> str:
    """Return a page with all of its generated tables made anew."""
    return _MARKED.sub(lambda found: f"{found[1]}{_generated(found[2])}\n{found[3]}", text)


def _generated(name: str) -> str:
    if name.startswith("file "):
        return file_block(ROOT / "docs" / name.removeprefix("file "))
    if name.startswith("flags of "):
        return flags_table(PARSERS[name.removeprefix("flags of ")]())
    if name in FEED_FIELDS:
        return feed_fields_table(FEED_FIELDS[name])
    return rule_fields_table(_FIELDS[name]) if name in _FIELDS else _TABLES[name]()


def file_block(path: Path) -> str:
    """Return a file as a block of code."""
    return f"```{path.suffix.removeprefix('.')}\n{path.read_text(encoding='utf-8')}```"


def import_rules() -> dict[str, tuple[str, ...]]:
    """Return the table of the test that checks the imports."""
    tree = ast.parse((ROOT / "tests" / "test_imports.py").read_text(encoding="utf-8"))
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and any(getattr(t, "id", "") == "MAY_IMPORT" for t in targets):
            assert node.value is not None, "a table has a value"
            rules: dict[str, tuple[str, ...]] = ast.literal_eval(node.value)
            return rules
    raise AssertionError("tests/test_imports.py has no table MAY_IMPORT")


def rooms_table() -> str:
    """Return the folders with their purpose, which is the first line of the package, and what they may import."""
    rows = []
    for folder, entries in import_rules().items():
        module = ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8"))
        purpose = (ast.get_docstring(module) or "").splitlines()[0]
        rows.append((f"`{folder}`", purpose, ", ".join(f"`{entry}`" for entry in entries) or "nothing of ours"))
    return table(("folder", "purpose", "may import"), rows)


def flags_table(parser: argparse.ArgumentParser) -> str:
    """Return the positional arguments and flags of a parser, in its order, with defaults and help."""
    return table(("argument", "default", "meaning"), (_flag(action) for action in _arguments(parser)))


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if action.help != argparse.SUPPRESS and action.dest not in ("help", "version"):
            yield action


def _flag(action: argparse.Action) -> tuple[str, str, str]:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None and action.metavar is None:
        metavar = "|".join(map(str, action.choices))
    value = "" if action.nargs == 0 else f" [{metavar}]" if action.nargs == "?" else f" {metavar}"
    name = f"{action.option_strings[-1]}{value}" if action.option_strings else metavar
    meaning = (action.help or "") % _values(action)
    told = re.search(r" \(default: ([^()]*)\)$", meaning)
    default = told[1] if told else action.default if action.default not in (None, argparse.SUPPRESS) else ""
    if action.required and action.option_strings:
        default = "required"
    elif default and (not told or default == str(action.default)):
        default = f"`{default}`"
    return f"`{name}`", str(default or ""), meaning.removesuffix(told[0]) if told else meaning


def _values(action: argparse.Action) -> dict[str, Any]:
    return vars(action) | {"prog": "telemetry"}


def fields_table() -> str:
    """Return the columns of every kind of record: types in each format, whether null, description with unit."""
    rows = [
        (kind, f"`{field.name}`", *_types(field), "yes" if field.nullable else "", describe(field))
        for kind, schema in SCHEMAS.items()
        for field in schema
    ]
    return table(("kind", "column", "JSON lines", "Parquet", "BigQuery", "null", "meaning"), rows)


def _types(field: pa.Field) -> tuple[str, str, str]:
    return (*_TYPES[field.type], sql_type(field))


def kinds_table() -> str:
    """Return each kind of record: what it is, its table, the columns that date it, and those that identify it."""
    return table(
        ("kind", "description", "table in BigQuery", "dated by", "identified by"),
        (
            (
                f"`{kind.name}`",
                kind.description,
                f"`{kind.table_name}`",
                _names(kind.time_columns),
                _names(kind.identity),
            )
            for kind in KINDS.values()
        ),
    )


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def rule_fields_table(fields: type[msgspec.Struct]) -> str:
    """Return fields of a rules file, or of a file of rule tests, with their meaning."""
    return table(("field", "value"), [(f"`{name}`", meaning) for name, meaning in file_format.described_fields(fields)])


def feed_fields_table(fields: type[msgspec.Struct]) -> str:
    """Return fields of a feed file with their meaning."""
    return table(("field", "value"), [(f"`{name}`", meaning) for name, meaning in described_fields(fields)])


def learned_defaults_table() -> str:
    """Return what each kind of rule that learns has where its fields are not written, and the length of its blocks."""
    return table(
        ("kind", "sensitivity", "clear", "learn", "half_life", "keep", "block"),
        [_learned_defaults(name, block_us) for name, block_us in _LEARNED_BLOCKS.items()],
    )


def _learned_defaults(kind: str, block_us: Callable[[int], int]) -> tuple[str, ...]:
    about = "metrics: [a, b]" if kind == "together" else ""
    unusual = f"unusual: {{kind: {kind}, {about}}}" if kind != "stuck" else "stuck: learned"
    metric = "" if about else "metric: a, "
    (rule,) = parse_rules(f"{{version: 2, rules: [{{id: r, {metric}{unusual}}}]}}").rules
    condition = rule.condition
    assert isinstance(condition, Unusual | LearnedStuck), "it learns"
    limits = ("1", "at the next other value")
    if isinstance(condition, Unusual):
        limits = (f"{condition.sensitivity:g}", f"{condition.clear:g}")
    times = (condition.learn_us, condition.half_life_us, rule.keep_us, block_us(condition.half_life_us))
    return (f"`{kind}`", *limits, *(format_duration(time_us) if time_us else "" for time_us in times))


_LEARNED_BLOCKS: Final[dict[str, Callable[[int], int]]] = {
    "jump": lambda half_life_us: block_length_us(half_life_us, jump._PARTS),
    "level": lambda half_life_us: block_length_us(half_life_us, level._PARTS),
    "drift": lambda half_life_us: block_length_us(half_life_us, drift.FASTER),
    "novel": lambda _: novel._BLOCK_US,
    "together": lambda half_life_us: block_length_us(half_life_us, together._PARTS),
    "stuck": lambda half_life_us: block_length_us(half_life_us, learned_stuck._PARTS),
}
"""Length of the blocks of each kind that learns, for a half-life."""


def described(docstring: str, number: int = 0) -> list[tuple[str, str]]:
    """Return the rows of one of the tables in a docstring: names in double backticks, and their meaning."""
    bodies = [body for body in re.split(r"^ *=+ +=+$", docstring, flags=re.MULTILINE) if re.match(r"\s*``", body)]
    rows: list[tuple[str, str]] = []
    for line in bodies[number].splitlines():
        found = re.match(r" *``(.+?)`` +(.*)", line)
        if found:
            rows.append((f"`{found[1]}`", found[2]))
        elif rows and line.strip(" ="):
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
    return rows


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)


_TABLES: Final[dict[str, Callable[[], str]]] = {
    "rooms": rooms_table,
    "kinds": kinds_table,
    "defaults of rules that learn": learned_defaults_table,
    "exit codes": lambda: table(("code", "meaning"), EXIT_CODES),
    "fields of records": fields_table,
    "items of the ledger": lambda: table(("item", "count"), described(LedgerEntry.__doc__ or "")),
    "notation of series": lambda: table(("part", "readings"), described(notation.__doc__ or "")),
    "counters": lambda: table(("counter", "counts"), described(counters.__doc__ or "")),
    "distributions": lambda: table(("distribution", "value"), described(counters.__doc__ or "", 1)),
    "sets of texts": lambda: table(("set", "texts"), described(counters.__doc__ or "", 2)),
}


def write_pages() -> None:
    """Make the generated tables of all pages anew, and the schemas of rules and feed files."""
    (ROOT / RULES_SCHEMA).write_text(rules_schema_text(), encoding="utf-8")
    (ROOT / FEED_SCHEMA).write_text(feed_schema_text(), encoding="utf-8")
    for page in PAGES:
        path: Path = ROOT / page
        path.write_text(current_page(path.read_text(encoding="utf-8")), encoding="utf-8")
