"""Compare the reference with the code: flags, records, reasons, counters, attributes, exit codes, variables."""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Final, get_args

import pytest

from telemetry.cli.main import main
from telemetry.feed.json_schema import feed_schema_text
from telemetry.feed.parse import parse_feed
from telemetry.model import messages
from telemetry.model.dead_letters import Reason
from telemetry.rules.bounds import Comparison
from telemetry.rules.json_schema import rules_schema_text
from telemetry.rules.parse import parse_rules
from telemetry.rules.rule import Severity
from tests.support.command_parsers import PARSERS
from tests.support.generated_tables import (
    FEED_FIELDS,
    FEED_SCHEMA,
    PAGES,
    RULE_FIELDS,
    RULE_TEST_FIELDS,
    RULES_SCHEMA,
    current_page,
)
from tests.support.installed import installed_environment
from tests.support.pages import read_page, section_of, table_rows
from tests.support.sources import ROOT, sources
from transforms import counters

PAGE: Final = "docs/reference.md"
PROGRAMS: Final = ("telemetry", "transforms", "pipeline", "publisher", "plotting", "templates", "demo")
OF_THE_SYSTEM: Final = {"PATH", "HOME"}


def names_in(title: str) -> list[str]:
    """The names in the first column of the first table of a section."""
    return [cells[0].strip("`") for cells in table_rows(section_of(PAGE, title))]


@pytest.mark.parametrize("page", PAGES)
def test_generated_tables_are_current(page: str) -> None:
    text = read_page(page)
    assert text == current_page(text), "make docs"


def test_each_command_has_a_section_with_its_flags() -> None:
    titles = re.findall(r"^### telemetry (.+)$", read_page(PAGE), re.MULTILINE)
    assert titles == list(PARSERS)
    assert re.findall(r"^<!-- generated: flags of (.+) -->$", read_page(PAGE), re.MULTILINE) == titles


def test_a_generated_table_shows_argument_default_and_meaning() -> None:
    page = current_page("<!-- generated: flags of replay -->\n<!-- end -->")
    assert "| `--rows-per-message N` | `1` | " in page
    assert "| `--topic projects/P/topics/T` | required | " in page
    assert "| `--speed N\\|max` | 1, " in page


def test_the_schema_of_rules_files_is_current() -> None:
    assert (ROOT / RULES_SCHEMA).read_text(encoding="utf-8") == rules_schema_text(), "make docs"


def test_feeds() -> None:
    assert (ROOT / FEED_SCHEMA).read_text(encoding="utf-8") == feed_schema_text(), "make docs"
    section = section_of(PAGE, "Feeds")
    assert re.findall("<!-- generated: (.+) -->", section) == list(FEED_FIELDS)
    (example,) = re.findall(r"```text\n(version.*?)```", section, re.DOTALL)
    assert list(parse_feed(example).metrics) == ["temp", "humidity"]


def test_rules() -> None:
    section = section_of(PAGE, "Rules")
    assert re.findall("<!-- generated: (.+) -->", section) == list(RULE_FIELDS)
    fields = table_rows(section.partition("<!-- generated: fields of a rule -->")[2])
    assert {f"`{name}`" for name in get_args(Comparison)} < {cells[0] for cells in fields}
    severity = next(cells[1] for cells in fields if cells[0] == "`severity`")
    assert set(re.findall("`(.+?)`", severity)) == set(get_args(Severity))
    assert "`warning` (default)" in severity
    (rule,) = parse_rules("{version: 1, rules: [{id: a, metric: temp, above: 1}]}").rules
    assert (rule.severity, rule.devices) == ("warning", ("*",))


def test_tests_of_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The example is run: with rules that agree it passes, and it fails as the page shows where they do not."""
    section = section_of(PAGE, "Tests of rules")
    assert re.findall("<!-- generated: fields of (.+) -->", section) == [
        name.removeprefix("fields of ") for name in RULE_TEST_FIELDS
    ]
    example, shown = re.findall(r"```(?:yaml|text)\n(.*?)```", section, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("rules.test.yaml").write_text(example)
    rules = "version: 2\nrules: [{id: temp-high, metric: temp, above: 30}]"
    Path("rules.yaml").write_text(rules)
    assert main(["rules", "test", "rules.test.yaml"]) == 0
    assert capsys.readouterr().out == "1 test in 1 file: 1 passed, 0 failed\n"
    Path("rules.test.yaml").write_text(example.replace("30.5x6", "30.5x7"))
    assert main(["rules", "test", "rules.test.yaml"]) == 1
    assert capsys.readouterr().out == shown


def test_attributes_of_messages() -> None:
    declared = (messages.EVENT_TIME, messages.MESSAGE_KEY, messages.ROWS, messages.RUN_ID, messages.TIME_SHIFT)
    assert names_in("Messages") == [*declared, messages.TIME_LAPSE, messages.CONTENT_ENCODING]


def test_reasons_and_stages() -> None:
    rows = table_rows(section_of(PAGE, "Reasons of dead letters"))
    assert [cells[0].strip("`") for cells in rows] == [reason.value for reason in Reason]
    assert {cells[1] for cells in rows} == {"decode", "aggregate", "bigquery", "alerts"}


def test_counters_are_all_declared_names() -> None:
    declared = {
        value
        for name, value in vars(counters).items()
        if name.isupper() and isinstance(value, str) and name != "NAMESPACE"
    }
    text = section_of(PAGE, "Counters")
    assert {name.partition("/")[0] for name in re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)} == declared


def environment_variables(paths: list[Path]) -> set[str]:
    """Names that the files read from the environment, directly or through a tuple of names."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    direct = re.findall(r"(?:environ(?:\.get|\.setdefault|\.pop)?|getenv)[\[(]\s*\"([A-Z][A-Z0-9_]+)\"", text)
    tuples = re.findall(r"^_\w*VARIABLES\b.*?= \((.*?)\)$", text, re.MULTILINE | re.DOTALL)
    return set(direct) | {name for content in tuples for name in re.findall('"([A-Z_0-9]+)"', content)}


def test_environment_variables() -> None:
    rows = table_rows(section_of(PAGE, "Environment variables"))
    ours = {cells[0].strip("`") for cells in rows if "this project" in cells[1]} | {"GRPC_VERBOSITY"}
    read = environment_variables([path for package in PROGRAMS for path in sources(package)]) - OF_THE_SYSTEM
    assert read == ours
    listed = {cells[0].strip("`") for cells in rows}
    in_tests = environment_variables([*sources("tests"), *sources("benchmarks")])
    assert {name for name in in_tests if name.startswith(("TELEMETRY_", "PEERS_"))} <= listed


def test_the_search_for_environment_variables_finds_each_form(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        'os.environ.get("ONE")\nos.environ["TWO"]\nos.getenv("THREE")\nos.environ.setdefault("FOUR", "x")\n'
        '_SOME_VARIABLES: Final = ("FIVE", "SIX")\n'
    )
    assert environment_variables([file]) == {"ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX"}


# Exit codes, of the installed command.


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed_environment(tmp_path_factory) / "bin" / "telemetry"


def run(program: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False, env=env)


def test_exit_code_0_1_and_2(program: Path, tmp_path: Path) -> None:
    assert run(program, tmp_path, "simulate", "--rows", "50", "--output", "t.csv").returncode == 0
    assert run(program, tmp_path, "run", "--input", "t.csv", "--output", "results").returncode == 0
    (ledger,) = (tmp_path / "results" / "aggregates").rglob("*.jsonl")
    ledger.write_text("")
    missing = run(program, tmp_path, "reconcile", "--output", "results")
    assert (missing.returncode, "missing" in missing.stdout + missing.stderr) == (1, True)
    wrong = run(program, tmp_path, "run", "--input", "t.csv", "--output", "x", "--window", "60")
    example = next(line for line in read_page(PAGE).splitlines() if line.startswith("telemetry run: error:"))
    assert (wrong.returncode, wrong.stderr.strip()) == (2, example)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_service_that_is_ended_exits_with_0(program: Path, tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        [program, "broker", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as broker:
        assert broker.stdout is not None
        assert "listening" in broker.stdout.readline()
        broker.send_signal(number)
        assert broker.wait(timeout=60) == 0
