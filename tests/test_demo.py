"""Run the demonstration: it ends, notices when something is missing, and prints commands that work."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import main
from demo.ledger import check_ledger, check_usable, results_table
from demo.next_steps import next_steps
from demo.steps import ensure_empty
from publisher.broker import Broker
from telemetry.errors import NothingUsableError
from tests.support import needs
from tests.support.installed import installed_environment
from tests.support.listening import Listener, Watched
from tests.support.pages import read_page
from tests.support.pubsub_fixtures import clients
from tests.support.sources import ROOT

pytestmark = pytest.mark.xdist_group("demo")  # they share one run


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[Listener]]:
    """Return a folder in which the demonstration ran on rows some of which are bad, and the sockets it listened on."""
    folder = tmp_path_factory.mktemp("demo")
    rows = [f"{1_594_512_000 + 5 * n},device-{n % 3},{20 + n % 13}.5" for n in range(3_000)]
    rows[100:100] = ["not a row", "soon,device-1,21.5"]
    (folder / "telemetry.csv").write_text("ts,device,temp\n" + "\n".join(rows) + "\n")
    with Watched(["-m", "demo", "--csv", folder / "telemetry.csv", "--output", folder / "out"]) as run:
        assert run.to_the_end() == 0
    return folder, run.seen


@pytest.fixture
def demo(watched: tuple[Path, set[Listener]]) -> Path:
    """Return the folder."""
    return watched[0]


@needs.PROC.mark
def test_it_listens_on_loopback_only(watched: tuple[Path, set[Listener]]) -> None:
    (broker,) = watched[1]
    assert broker.is_private


def test_it_leaves_results_a_picture_and_a_report(demo: Path) -> None:
    summary = json.loads((demo / "out" / "summary.json").read_text())
    assert (summary["rows_decoded"], summary["dead_letters"]) == (3_000, {"bad_timestamp": 1, "not_json": 1})
    assert summary["anomalies"] == {"temp-high": sum(20.5 + n % 13 > 30 for n in range(3_000))}
    assert (demo / "out" / "temperature.png").read_bytes().startswith(b"\x89PNG")
    page = (demo / "out" / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<dt>Readings decoded</dt><dd>3,000</dd>" in page


def ledger_of(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in results.glob("ledger/*/*/*") for line in file.read_text().splitlines()]


def test_the_ledger_check(demo: Path, tmp_path: Path) -> None:
    job = json.loads((demo / "out" / "summary.json").read_text())
    (run_id,) = {row["run_id"] for row in ledger_of(demo / "out" / "results")} - {""}
    published = {"run_id": run_id, "rows_read": 3_002, "rows_published": 3_002, "messages": 7}
    results = tmp_path / "results"
    shutil.copytree(demo / "out" / "results", results)
    assert check_ledger(published, results) == []
    table = results_table(published, job, results, Path("picture.png"), Path("page.html"), 9.5).splitlines()
    lines = [tuple(re.split(r" {2,}", line.strip(), maxsplit=1)) for line in table]
    assert {("rows decoded", "3,000"), ("dead letters", "2"), ("report", "page.html")} < set(lines)
    incidents = [(rule, f"{number:,}") for rule, number in job["incidents"].items()]
    assert ("temp-high", "3") in incidents
    place = lines.index(("incidents", f"{sum(job['incidents'].values()):,}"))
    assert lines[place + 1 : place + 2 + len(incidents)] == [*incidents, ("windows", "250 (750 aggregates)")]

    assert check_ledger(published | {"rows_read": 3_003}, results) == ["3,002 of 3,003 rows published"]
    assert check_ledger(published | {"rows_published": 3_003, "rows_read": 3_003}, results) == [
        f"rows of {published['run_id']}, decoded or rejected or duplicates, of those published: "
        "3,002 of 3,003, 1 missing",
        "rows of total, decoded or rejected or duplicates, of those published: 3,002 of 3,003, 1 missing",
    ]
    for kind, problem in (("anomalies", "anomalies: 0 of"), ("dead_letters", "dead letters, bad_timestamp: 0 of 1")):
        shutil.rmtree(results / kind)
        assert any(text.startswith(problem) for text in check_ledger(published, results))


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("soon,a,20", "demo: error: no row was usable; telemetry replay says why in the line above\n"),
        ("nothing", "demo: error: no row was usable; telemetry replay says why in the line above\n"),
    ],
)
def test_rows_that_cannot_be_used(row: str, line: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    csv = tmp_path / "telemetry.csv"
    csv.write_text(f"ts,device,temp\n{row}\n{row}\n", encoding="utf-8")
    assert main(["--csv", str(csv), "--output", str(tmp_path / "out")]) == 3
    err = capfd.readouterr().err
    assert err.endswith(line)
    assert "telemetry replay: error: no row was usable; the commonest reason is " in err
    assert "(2 rows), for example " in err


def test_a_job_that_could_use_no_row(demo: Path) -> None:
    results = demo / "out" / "results"
    check_usable({"rows_decoded": 1, "dead_letters": {"not_json": 1}}, results)
    expected = "no row was usable; the commonest reason is not_json (4 rows), for example not a row"
    with pytest.raises(NothingUsableError, match=f"^{re.escape(expected)}$"):
        check_usable({"rows_decoded": 0, "dead_letters": {"bad_timestamp": 1, "not_json": 4}}, results)


def test_results_of_an_earlier_demonstration_are_deleted(demo: Path) -> None:
    folder = demo / "out"
    kept = demo / "copy"
    shutil.copytree(folder, kept)
    assert (kept / "results" / ".state").is_dir()
    assert ensure_empty(kept) == kept / "results"
    assert not (kept / "results").exists()


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--csv", str(tmp_path / "none.csv")]) == 2
    assert capsys.readouterr().err == f"demo: error: --csv {tmp_path / 'none.csv'}: no such file\n"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "precious.txt").touch()
    assert main(["--output", str(tmp_path)]) == 2
    assert "its results hold 'precious.txt', which no job has written" in capsys.readouterr().err
    assert (tmp_path / "results" / "precious.txt").exists()


def test_no_server_at_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    (tmp_path / "rows.csv").write_text("ts,device,temp\n1,a,31\n")
    assert main(["--csv", str(tmp_path / "rows.csv"), "--output", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("demo: error: PUBSUB_EMULATOR_HOST 127.0.0.1:1: Pub/Sub does not answer")


def test_a_foreign_file_is_read_as_a_proposed_feed_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    lines = [f"13.07.2020 {10 + n // 60}:{n % 60:02}:00;{20 + n % 7},5;{40 + n % 5}" for n in range(600)]
    (tmp_path / "own.csv").write_text("Zeit;Wert;Feuchte (%)\n" + "\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    assert main(["--csv", str(tmp_path / "own.csv"), "--output", str(out)]) == 0
    printed = capfd.readouterr().out
    assert f"read as a proposed feed says: {out / 'feed.yaml'}" in printed
    assert "question: In which zone were times such as 13.07.2020 10:00:00 written down?" in printed
    assert "\nledger check passed: every row is accounted for\n" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["rows_decoded"], summary["dead_letters"]) == (600, {})
    assert (out / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert "Wert" in (out / "report.html").read_text(encoding="utf-8")


def test_the_emulator_is_used_and_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Broker() as broker, clients(broker.address) as pubsub:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        (tmp_path / "rows.csv").write_text("ts,device,temp\n1594512000,a,31\n")
        assert main(["--csv", str(tmp_path / "rows.csv"), "--output", str(tmp_path)]) == 0
        assert list(pubsub.requests.list_topics(project="projects/demo")) == []
        assert list(pubsub.subscriber.list_subscriptions(project="projects/demo")) == []


# `make demo`, as a reader gives it, and the commands it prints.


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what `make demo` prints in an environment whose packages need not be installed first."""
    venv = installed_environment(tmp_path_factory)
    for stamp in (".created", ".runtime"):
        (venv / stamp).touch()
    env = {name: value for name, value in os.environ.items() if name != "PUBSUB_EMULATOR_HOST"}
    out = tmp_path_factory.mktemp("make") / "demo"
    command = ["make", "demo", f"VENV={venv}", f"OUT={out}"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def table_of(text: str) -> dict[str, str]:
    """Return the lines of the table by their names."""
    lines = text.split("rows read", 1)[1].split("\n\n", 1)[0].splitlines()
    return dict(re.split(r" {2,}", line.strip(), maxsplit=1) for line in (f"rows read {lines[0]}", *lines[1:]))


def test_the_table_is_that_of_the_readme(printed: str) -> None:
    told, found = table_of(read_page("README.md")), table_of(printed)
    assert list(found) == list(told)
    varies = {"files written", "elapsed", "rows/s", "chart", "report"}
    assert {name: found[name] for name in found.keys() - varies} == {name: told[name] for name in told.keys() - varies}
    assert "\nledger check passed: every row is accounted for\n" in printed


def test_the_commands_it_prints_work(printed: str) -> None:
    check, explore, live = (shlex.split(line) for line in printed.splitlines() if line.startswith("    "))
    env = os.environ | {"BROWSER": "echo opened %s"}
    checked = subprocess.run(check, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (
        0, "ledger check passed: every row is accounted for"
    )  # fmt: skip
    opened = subprocess.run(explore, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    address = re.search(r"opened file://(\S+report\.html)", opened.stdout)
    assert address, opened.stdout + opened.stderr
    assert Path(address[1]).is_file()
    with subprocess.Popen([*live, "--port", "0"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        assert "http://127.0.0.1:" in served.stdout.readline()
        served.send_signal(signal.SIGINT)
        assert served.wait(timeout=60) == 0


def test_commands_name_the_interpreter_from_where_the_reader_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    page = tmp_path / "a report.html"
    lines = next_steps(Path("out/my results"), page).splitlines()
    assert lines[1] == "    .venv/bin/python -m telemetry reconcile --output 'out/my results'"
    assert lines[3] == f"    .venv/bin/python -m webbrowser {page.as_uri()}"
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert "    /usr/bin/python3 -m telemetry serve --results out" in next_steps(Path("out"), page)
