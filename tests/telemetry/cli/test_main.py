"""The command `telemetry`: its subcommands, their help, and one line for each mistake."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry import __version__
from telemetry.cli.exit_codes import EXIT_CODES
from telemetry.cli.groups import Group, build_command_parser
from telemetry.cli.main import SUBCOMMANDS, TELEMETRY, main
from tests.support.command_parsers import GROUPS

ROOT = Path(__file__).parents[3]
COMMANDS = [(TELEMETRY, name) for name, entry in SUBCOMMANDS.items() if not entry.own_main]
COMMANDS += [(group, name) for group in GROUPS.values() for name in group.commands]
HELPS = [[name] for name in SUBCOMMANDS] + [[group, name] for group, found in GROUPS.items() for name in found.commands]


def show(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(args)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_subcommands_are_those_of_the_design(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(SUBCOMMANDS) == [
        *("explore", "replay", "bridge", "simulate", "broker", "reprocess", "run", "reconcile", "tables", "rules"),
        *("feed", "suggest", "shelve", "backtest", "render", "report", "serve", "template", "completion"),
    ]
    shown = show(capsys, "--help")
    for name, entry in SUBCOMMANDS.items():
        assert re.search(rf"^    {name} +{re.escape(entry.summary)}$", shown, re.MULTILINE), name


def test_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    shown = show(capsys, "--help").splitlines()
    assert shown[-len(EXIT_CODES) - 1 :] == ["exit codes:", *(f"  {code:<7}  {text}" for code, text in EXIT_CODES)]
    assert [code for code, _ in EXIT_CODES] == ["0", "1", "2", "3", "128 + N"]


def test_version_is_defined_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(capsys, "--version") == f"telemetry {__version__}\n"
    assert __version__ == "0.2.0"


@pytest.mark.parametrize("args", HELPS, ids=" ".join)
def test_every_help_names_the_command_as_it_was_typed(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    shown = show(capsys, *args, "--help")
    assert shown.startswith(f"usage: telemetry {' '.join(args)} ")
    if args[-1] not in GROUPS:
        examples = shown.partition("\nexamples:\n")[2].splitlines()
        assert examples
        assert f"telemetry {' '.join(args)}" in examples[0]


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("pipeline", []),
        ("pipeline", ["reconcile"]),
        ("pipeline", ["tables"]),
        ("pipeline", ["rules", "check"]),
        ("publisher", ["replay"]),
        ("plotting", ["render"]),
        ("templates", ["build"]),
    ],
)
def test_modules_are_still_programs_of_their_own(
    module: str, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module(f"{module}.__main__").main([*args, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: {' '.join(['python -m', module, *args])} ")


@pytest.mark.parametrize(("group", "name"), COMMANDS, ids=lambda part: part if isinstance(part, str) else "")
def test_examples_are_understood(group: Group, name: str) -> None:
    parser = build_command_parser(group, name)
    module = importlib.import_module(group.commands[name].module)
    for line in module.EXAMPLES.strip().replace("\\\n", " ").splitlines():
        words = shlex.split(line.partition("%(prog)s")[2].split("|")[0].split(">")[0])
        parser.check_flags(words)
        parser.parse_args(words)


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "telemetry: error: COMMAND: missing, see telemetry --help"),
        (["rnu"], "telemetry: error: rnu: unknown command, did you mean run?"),
        (["xyzzy"], "telemetry: error: xyzzy: unknown command"),
        (["--verson"], "telemetry: error: --verson: unknown flag, did you mean --version?"),
        (["-x"], "telemetry: error: -x: unknown flag"),
        (["run"], "telemetry run: error: --input: nothing to read, give --input, --subscription or --topic"),
        (
            ["run", "--input", "x.csv", "--output", "r", "--window", "60"],
            "telemetry run: error: --window 60: not a duration, write it like 500ms, 60s, 10m, 2h or 1d",
        ),
        (["run", "--inptu", "x.csv"], "telemetry run: error: --inptu: unknown flag, did you mean --input?"),
        (
            ["run", "--input", "x.csv", "--output", "r", "--temp-locaton=x"],
            "telemetry run: error: --temp-locaton=x: unknown flag, did you mean --temp_location?",
        ),
        (["render", "--outptu=x.png"], "telemetry render: error: --outptu=x.png: unknown flag, did you mean --output?"),
        (["render"], "telemetry render: error: the following arguments are required: --output"),
        (["replay", "x.csv"], "telemetry replay: error: the following arguments are required: --topic"),
        (["explore", "nowhere.csv"], "telemetry explore: error: INPUT nowhere.csv: cannot be read"),
        (["tables", "--print-sql"], "telemetry tables: error: --bigquery: is needed: PROJECT:DATASET"),
        (["rules"], "telemetry rules: error: COMMAND: missing, see telemetry rules --help"),
        (["rules", "chekc"], "telemetry rules: error: chekc: unknown command, did you mean check?"),
        (["rules", "check"], "telemetry rules check: error: the following arguments are required: FILE"),
        (["rules", "check", "x.yaml"], "telemetry rules check: error: FILE x.yaml: No such file or directory"),
        (["template"], "telemetry template: error: COMMAND: missing, see telemetry template --help"),
        (["template", "biuld"], "telemetry template: error: biuld: unknown command, did you mean build?"),
        (["template", "spec"], "telemetry template spec: error: the following arguments are required: --image"),
        (["completion", "fish"], "telemetry completion: error: SHELL: invalid choice: 'fish'"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_under_the_name_as_typed(
    args: list[str], line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(line)


def test_the_help_imports_no_subcommand_and_no_package_but_pythons_own() -> None:
    program = (
        "import sys\nbefore = set(sys.modules)\nfrom telemetry.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "sys.stderr.write(repr(sorted(names - set(sys.stdlib_module_names))))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stderr == "['telemetry']"


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "telemetry", "--version"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == f"telemetry {__version__}\n"
