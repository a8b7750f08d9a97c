"""Mistakes in the command line: one line, the flag, the value, exit code 2, and nothing has run."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.arguments import build_parser, spell_out
from pipeline.config import make_config
from telemetry.errors import ConfigError
from tests.support.jobs import config_of

SUBSCRIPTION = "projects/p/subscriptions/abc"
TOPIC = "projects/p/topics/abc"
FLAGS = ["--input", "rows.csv", "--output", "out"]
BIGQUERY = ["--input", "rows.csv", "--bigquery", "a-project:telemetry"]
MISTAKES = [
    ([], "--input: nothing to read, give --input, --subscription or --topic"),
    (
        ["--input", "x.csv"],
        "--output: nowhere to write to, give --output, --bigquery, --alerts-topic, --alerts-webhook or --print",
    ),
    (["--input", "x.csv", "--topic", "projects/p/topics/abc"], "--input and --topic: only one of them can be read"),
    (["--subscription", "abc"], "--subscription abc: must read projects/PROJECT/subscriptions/NAME"),
    (
        ["--subscription", "projects/p/subscriptions/s"],
        "--subscription projects/p/subscriptions/s: must read projects/PROJECT/subscriptions/NAME, NAME of 3 to ",
    ),
    (["--topic", SUBSCRIPTION], f"--topic {SUBSCRIPTION}: must read projects/PROJECT/topics/NAME"),
    ([*FLAGS, "--window", "60"], "--window 60: not a duration, write it like 500ms, 60s, 10m, 2h or 1d"),
    ([*FLAGS, "--window", "0s"], "--window 0s: must be at least 1ms"),
    ([*FLAGS, "--window", "-5s"], "--window: expected one argument"),
    ([*FLAGS, "--slide", "7s"], "--slide 7s: must divide the window of 60s"),
    ([*FLAGS, "--slide", "2m"], "--slide 2m: must divide the window of 60s"),
    (
        [*FLAGS, "--window-zone", "Europe/Rom"],
        "--window-zone Europe/Rom: is no zone of the IANA database; did you mean Europe/Rome?",
    ),
    ([*FLAGS, "--window-zone", "Q"], "--window-zone Q: is no zone of the IANA database such as Europe/Rome"),
    ([*FLAGS, "--window-zone", "+24:00"], "--window-zone +24:00: is no zone of the IANA database"),
    (
        [*FLAGS, "--window-zone", "Europe/Rome", "--window", "7h"],
        "--window 7h: must divide a day, or be a whole number of days, with --window-zone",
    ),
    (
        [*FLAGS, "--window-zone", "Europe/Rome", "--window", "36h"],
        "--window 36h: must divide a day, or be a whole number of days, with --window-zone",
    ),
    (
        [*FLAGS, "--window-zone", "Europe/Rome", "--window", "3d", "--slide", "36h"],
        "--slide 36h: must divide a day, or be a whole number of days, with --window-zone",
    ),
    ([*FLAGS, "--allowed-lateness", "ten"], "--allowed-lateness ten: not a duration"),
    ([*FLAGS, "--early-firing", "0.1ms"], "--early-firing 0.1ms: must be at least 1ms"),
    ([*FLAGS, "--watermark-lag", "soon"], "--watermark-lag soon: not a duration"),
    ([*FLAGS, "--flush-interval", "0s"], "--flush-interval 0s: must be at least 1ms"),
    ([*FLAGS, "--stop-after-idle", "5"], "--stop-after-idle 5: not a duration"),
    ([*FLAGS, "--file-format", "csv"], "--file-format csv: must be jsonl or parquet"),
    (["--input", "x.csv", "--print", "--archive"], "--archive: needs --output or --bigquery, to keep the readings in"),
    ([*FLAGS, "--archive", "--metrics", "temp,line"], "--metrics temp,line: 'line' cannot be a column of the archived"),
    ([*BIGQUERY, "--archive", "--metrics", "temp,a-b"], "--metrics temp,a-b: 'a-b' cannot be a column of the archived"),
    ([*FLAGS, "--bigquery", "dataset"], "--bigquery dataset: must read PROJECT:DATASET"),
    ([*FLAGS, "--bigquery", "project:data-set"], "--bigquery project:data-set: must read PROJECT:DATASET"),
    ([*FLAGS, "--bigquery-endpoint", "http://x:1"], "--bigquery-endpoint http://x:1: needs --bigquery, the dataset"),
    ([*BIGQUERY, "--bigquery-endpoint", "x:1"], "--bigquery-endpoint x:1: must read http://HOST:PORT or https://HOST"),
    (
        [*BIGQUERY, "--bigquery-method", "file_loads"],
        "--bigquery-method file_loads: must be one of streaming_inserts, ",
    ),
    (
        [*BIGQUERY, "--bigquery-endpoint", "http://x:1", "--bigquery-method", "storage_write_api"],
        "--bigquery-method storage_write_api: only streaming_inserts can be sent to a --bigquery-endpoint",
    ),
    ([*FLAGS, "--alerts-topic", "alerts"], "--alerts-topic alerts: must read projects/PROJECT/topics/NAME"),
    (["--input", "x.csv", "--alerts-topic", TOPIC], f"--alerts-topic {TOPIC}: dead letters would have no place, give "),
    ([*FLAGS, "--alerts", "all"], "--alerts all: must be incidents or readings"),
    ([*FLAGS, "--print", "all"], "--print all: must be incidents or readings"),
    (
        ["--input", "x.csv", "--alerts-webhook", "http://joe:secret@a/"],
        "--alerts-webhook: dead letters would have no place, give --output, --bigquery or --dead-letter-topic, too",
    ),
    (
        [*FLAGS, "--alerts-webhook", "a:9093/api/v2/alerts"],
        "--alerts-webhook a:9093/api/v2/alerts: must begin with http",
    ),
    ([*FLAGS, "--alerts-webhook", "http:///x"], "--alerts-webhook http:///x: names no host"),
    (
        [*FLAGS, "--alerts-webhook", "http://a/${NOT_SET}"],
        "--alerts-webhook http://a/${NOT_SET}: the variable NOT_SET ",
    ),
    (
        [*FLAGS, "--alerts-webhook-form", "slack"],
        "--alerts-webhook-form slack: must be one of auto, alertmanager, webhook",
    ),
    (
        [*FLAGS, "--alerts-webhook", "http://a/", "--alerts-webhook-template", "/nonexistent"],
        "--alerts-webhook-template /nonexistent: cannot be read: No such file or directory",
    ),
    ([*FLAGS, "--alerts-webhook-template", "t.json"], "--alerts-webhook-template t.json: needs --alerts-webhook"),
    ([*FLAGS, "--alerts-patience", "long"], "--alerts-patience long: not a duration"),
    ([*FLAGS, "--dead-letter-topic", "dead"], "--dead-letter-topic dead: must read projects/PROJECT/topics/NAME"),
    (
        ["--topic", TOPIC, "--output", "out", "--dead-letter-topic", TOPIC],
        f"--dead-letter-topic {TOPIC}: is the topic that is read",
    ),
    ([*FLAGS, "--dedup", "10m"], "--dedup 10m: needs --subscription or --topic: files are read once"),
    (["--topic", TOPIC, "--output", "out", "--dedup", "ever"], "--dedup ever: not a duration"),
    ([*FLAGS, "--dedup-readings", "ever"], "--dedup-readings ever: not a duration"),
    ([*FLAGS, "--dedup-readings", "0s"], "--dedup-readings 0s: must be at least 1ms"),
    ([*FLAGS, "--shards", "0"], "--shards 0: must be a number from 1 to 10000"),
    ([*FLAGS, "--shards", "²"], "--shards ²: must be a number from 1 to 10000"),
    ([*FLAGS, "--metrics", "temp,,co"], "--metrics temp,,co: '' cannot be a metric"),
    ([*FLAGS, "--metrics", "temp,ts"], "--metrics temp,ts: 'ts' cannot be a metric"),
    ([*FLAGS, "--metrics", "temp,temp"], "--metrics temp,temp: 'temp' is listed twice"),
    ([*FLAGS, "--metrics", '"temp'], '--metrics "temp: no list of names: unexpected end of data'),
    ([*FLAGS, "--metrics", "a\tb"], "--metrics a\tb: 'a\\tb' cannot be a metric"),
    ([*FLAGS, "--feed", "/nonexistent.yaml"], "--feed /nonexistent.yaml: No such file or directory"),
    (
        [*FLAGS, "--time-zone", "Europe/Rom"],
        "--time-zone Europe/Rom: 'Europe/Rom' is no zone of the IANA database; did you mean Europe/Rome?",
    ),
    ([*FLAGS, "--delimiter", ";;"], "--delimiter ;;: must be one character, tab or space"),
    ([*FLAGS, "--device", "x", "--device-column", "y"], "--device x: cannot be combined with --device-column"),
    ([*FLAGS, "--rules", "/nonexistent.yaml"], "--rules /nonexistent.yaml: No such file or directory"),
    ([*FLAGS, "--earliest-time", "soon"], "--earliest-time soon: not a time"),
    ([*FLAGS, "--earliest-time", "-1"], "--earliest-time -1: "),
    ([*FLAGS, "--clock-skew", "1"], "--clock-skew 1: not a duration"),
    ([*FLAGS, "--verbose=yes"], "--verbose yes: must be true or false"),
]


@pytest.mark.parametrize(("flags", "problem"), MISTAKES)
def test_a_mistake_is_one_line(flags: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"pipeline: error: {problem}")


LATER_MISTAKES = [
    (["--windw", "5s"], "--windw: unknown flag, did you mean --window?"),
    (["--num_workers", "many"], "--num_workers: invalid int value: 'many'"),
    (["spare"], "spare: not expected here"),
    (["--summary", "/"], "--summary /: is a folder"),
    (["--runner", "NoSuchRunner"], "--runner NoSuchRunner: is no runner that Beam has here"),
    (["--runner", "no.such.Runner"], "--runner no.such.Runner: is no runner that Beam has here"),
    (
        ["--bigquery", "a-project:telemetry", "--bigquery-method", "storage_write_api"],
        "--bigquery-method storage_write_api: needs Beam's Java services, which only a remote --runner has; "
        "locally: streaming_inserts",
    ),
    (
        ["--bigquery", "a-project:telemetry", "--bigquery-endpoint", "http://127.0.0.1:1"],
        "--bigquery a-project:telemetry: BigQuery does not answer (http://127.0.0.1:1)",
    ),
    (["--summary", "/nonexistent/summary.json"], "--summary /nonexistent/summary.json: its folder does not exist"),
]


@pytest.mark.parametrize(("flags", "problem"), LATER_MISTAKES)
def test_a_flag_that_neither_the_job_nor_beam_knows(
    flags: list[str], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("ts,device,temp\n1,a,31\n")
    assert main(["--input", str(source), "--output", str(tmp_path / "out"), *flags]) == 2
    assert capsys.readouterr().err.splitlines() == [f"pipeline: error: {problem}"]
    assert not list(tmp_path.glob("out/*"))


def test_java_services_that_cannot_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Java must be installed on this system to use this transform/runner.")

    monkeypatch.setattr("apache_beam.utils.subprocess_server.JavaJarServer.local_jar", refuse)
    monkeypatch.setattr("pipeline.preflight.check_destinations", lambda *_, **__: None)
    source = tmp_path / "rows.csv"
    source.write_text("ts,device,temp\n1,a,31\n")
    flags = ["--bigquery", "a-project:telemetry", "--bigquery-method", "storage_write_api_at_least_once"]
    assert main(["--input", str(source), "--runner", "PortableRunner", *flags]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "pipeline: error: --bigquery-method storage_write_api_at_least_once: Beam's Java services, which it needs, "
        "cannot be started here: Java must be installed on this system to use this transform/runner."
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("none.csv", None, "no such file"),
        ("rows.log", b"x", "not one of .csv, .tsv, .txt, .dat, .jsonl, .ndjson, .json, plain or packed ("),
        ("rows.csv", b"time,device\n", "no column ts; did you mean `time`? use --feed or --time-column time"),
        ("rows.csv", b"ts,device,ts\n", "2 columns are called ts; one must be"),
        ("rows.csv", b"\xff\n", "its header is not UTF-8; say its encoding in --feed"),
        ("rows.csv", b"", "is empty; a CSV file begins with a header"),
        ("rows.csv.gz", b"not gzip at all", "no columns ts and device, it has: not gzip at all; use --feed"),
        ("rows.csv.gz", b"\x1f\x8b\x08 gzip up to here", "cannot be read: "),
    ],
)
def test_an_input_that_cannot_be_read(
    name: str, content: bytes | None, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["--input", str(path), "--output", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --input {path}: {problem}")


def test_an_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "rows.csv").write_text("ts,device\n")
    out = tmp_path / "file" / "out"
    assert main(["--input", str(tmp_path / "rows.csv"), "--output", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --output {out}: cannot be written: ")


def test_an_output_on_a_filesystem_that_beam_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv").write_text("ts,device\n")
    assert main(["--input", str(tmp_path / "rows.csv"), "--output", "foo://bucket/out"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "pipeline: error: --output foo://bucket/out: cannot be written: Beam has no filesystem for foo://"
    )


def test_nobody_at_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    assert main(["--subscription", SUBSCRIPTION, "--output", str(tmp_path / "out")]) == 2
    expected = f"--subscription {SUBSCRIPTION}: Pub/Sub does not answer (PUBSUB_EMULATOR_HOST, or the network)"
    assert capsys.readouterr().err == f"pipeline: error: {expected}\n"


def test_beam_options_are_understood(tmp_path: Path) -> None:
    config = config_of(*FLAGS, "--runner", "DirectRunner", "--job_name", "x")
    assert config.beam_args == ("--runner", "DirectRunner", "--job_name", "x")


def test_flags_become_the_configuration() -> None:
    config = config_of(
        *("--subscription", SUBSCRIPTION, "--output", "gs://bucket/out", "--file-format", "parquet", "--print"),
        *("--window", "10m", "--slide", "5m", "--allowed-lateness", "1h", "--early-firing", "500ms"),
        *("--watermark-lag", "1.5s", "--flush-interval", "2s", "--shards", "3", "--stop-after-idle", "5s"),
        *("--metrics", "temp, vibration", "--summary", "s.json", "--verbose"),
    )
    assert config.streaming
    assert (config.windows.size_us, config.windows.slide_us) == (600_000_000, 300_000_000)
    assert (config.windows.allowed_lateness_us, config.windows.early_us) == (3_600_000_000, 500_000)
    assert (config.watermark_lag_us, config.flush_us, config.stop_after_idle_us) == (1_500_000, 2_000_000, 5_000_000)
    assert (config.metrics, config.shards, config.file_format) == (("temp", "vibration"), 3, "parquet")
    assert (config.printed, config.verbose, config.summary) == ("incidents", True, "s.json")
    defaults = config_of(*FLAGS)
    assert (defaults.windows.size_us, defaults.windows.slide_us) == (60_000_000, 60_000_000)
    assert (defaults.windows.early_us, defaults.stop_after_idle_us, defaults.streaming) == (None, None, False)
    assert defaults.printed is None
    assert config_of(*FLAGS, "--print", "readings").printed == "readings"


@pytest.mark.parametrize(("window", "slide"), [("1d", ""), ("12h", "2h"), ("90s", ""), ("7d", "1d"), ("2d", "6h")])
def test_windows_of_a_zone(window: str, slide: str) -> None:
    flags = [*FLAGS, "--window", window, *(["--slide", slide] if slide else [])]
    local, utc = config_of(*flags, "--window-zone", "Europe/Rome").windows, config_of(*flags).windows
    assert (local.zone, utc.zone) == ("Europe/Rome", "")
    assert replace(local, zone="") == utc


def test_flags_are_not_abbreviated() -> None:
    args, rest = build_parser().parse_known_args([*FLAGS, "--wind", "5s"])
    assert make_config(args, rest).beam_args == ("--wind", "5s")


def test_an_error_names_flag_and_value() -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(*FLAGS, "--shards", "many")
    assert (caught.value.flag, caught.value.value) == ("--shards", "many")


def test_help_is_grouped_complete_and_quick() -> None:
    """Nobody waits for Beam to be loaded to read about a flag."""
    program = "import sys; from pipeline.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    program += "sys.exit('apache_beam' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for group in ("input (exactly one)", "detection", "windows", "output (at least one)", "running"):
        assert f"\n{group}:\n" in done.stdout
    for action in build_parser()._actions:
        assert action.help
        assert action.option_strings[-1] in done.stdout


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        (["--allowed_lateness=5m", "--window", "1m"], ["--allowed-lateness=5m", "--window", "1m"]),
        (["--archive=true", "--verbose=FALSE"], ["--archive"]),
        (["--append=false", "--file_format=a=b"], ["--file-format=a=b"]),
        (["--temp_location=gs://a_b/c-d", "--num-workers=2"], ["--temp_location=gs://a_b/c-d", "--num-workers=2"]),
        (["--output", "--archive=x_y", "a_b"], None),
        (["a_b=c", "-x_y"], ["a_b=c", "-x_y"]),
    ],
)
def test_the_spelling_of_a_template_s_launcher_is_understood(given: list[str], spelled: list[str] | None) -> None:
    if spelled is None:
        with pytest.raises(ConfigError, match="--archive x_y: must be true or false"):
            spell_out(given)
    else:
        assert spell_out(given) == spelled
