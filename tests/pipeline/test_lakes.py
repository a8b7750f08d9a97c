"""The same results wherever they are written: local folders and three object stores, whole and in panes."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.__main__ import main
from publisher.__main__ import main as publish
from telemetry.model.messages import Message
from telemetry.retries import RetryPolicy
from telemetry.storage import buckets, files
from telemetry.storage.files import StorageError, exists, list_files, read_file, read_files, write_file
from tests.support import needs, oracle
from tests.support.emulators import (
    AmazonStorage,
    AzureStorage,
    GoogleStorage,
    Lake,
    Server,
    amazon_storage,
    azure_storage,
    google_storage,
    lake,
    start_server,
    use,
)
from tests.support.jobs import EARLY, Events, check, imbalances, ndjson, run_events, run_job
from tests.support.pubsub_fixtures import embedded_broker
from tests.support.readings import HOUR, frame

__all__ = ["amazon_storage", "azure_storage", "embedded_broker", "google_storage", "lake", "start_server"]
SUFFIXES = (".jsonl", ".parquet")
formats = pytest.mark.parametrize("file_format", ["jsonl", "parquet"])


def tree(root: str) -> dict[str, bytes]:
    """Every file below a folder by its relative path, finished or not."""
    return {path.removeprefix(root): content for path, content in read_files(list_files(root, ("",)))}


def fetched(root: str, folder: Path) -> Path:
    """A copy on this machine of what lies below a root, for readers that share nothing with the job."""
    for path, content in tree(root).items():
        target = folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def summary_of(*flags: object) -> int:
    command = [str(flag) for flag in flags]
    return main(command if command[0] == "reconcile" else [*EARLY, *command])


@formats
def test_the_same_files_on_every_filesystem(lake: Lake, file_format: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    frame().to_csv(source, index=False)
    flags = ["--file-format", file_format, "--archive"]
    run_job("--input", source, "--output", tmp_path / "here", *flags)
    assert summary_of("--input", source, "--output", lake.root, *flags) == 0
    found = tree(lake.root)
    assert found == tree(str(tmp_path / "here"))
    assert {path.split("/")[1] for path in found} == {
        "aggregates",
        "anomalies",
        "incidents",
        "ledger",
        "readings",
        "rules",
    }
    check(fetched(lake.root, tmp_path / "copy"), frame())
    assert summary_of("reconcile", "--output", lake.root) == 0


@formats
def test_a_late_pane_keeps_every_row(lake: Lake, file_format: str, tmp_path: Path) -> None:
    def stream(output: str) -> None:
        rows = frame()
        late = rows.iloc[::10]
        events = Events()
        on_time = rows.drop(late.index)
        start_us = 1_594_512_000_000_000
        events.message(Message(ndjson(on_time.to_dict("records")), {}, "m1"), start_us)  # type: ignore[arg-type]
        for number, hour in enumerate(range(2)):
            part = late[(late.ts >= 1_594_512_000 + hour * HOUR) & (late.ts < 1_594_512_000 + (hour + 1) * HOUR)]
            events.watermark(start_us + (hour + 1) * HOUR * 1_000_000)
            moment_us = start_us + hour * HOUR * 1_000_000
            events.message(Message(ndjson(part.to_dict("records")), {}, f"late{number}"), moment_us)  # type: ignore[arg-type]
        flags = ["--file-format", file_format, "--allowed-lateness", "2h", "--flush-interval", "1ms"]
        run_events(events, "--output", output, *flags)

    stream(lake.root)
    copy = fetched(lake.root, tmp_path / "copy")
    panes = oracle.read_output(copy, "aggregates")
    assert set(panes.timing) == {"on_time", "late"}
    check(copy, frame())
    first = panes[panes.pane_index == 0]
    assert len(first) == len(first.drop_duplicates(oracle.KEYS))
    assert len(panes[panes.pane_index > 0]) > 500
    assert imbalances(copy) == []


def test_files_by_path_on_every_filesystem(lake: Lake) -> None:
    names = ["b/date=2020-07-12/hour=00/2.jsonl", "b/1.parquet", "a.jsonl"]
    assert not exists(lake.root)
    for name in (*names, ".hidden.jsonl", "_tmp/3.jsonl", "b/4.txt"):
        write_file(files.join(lake.root, name), name.encode())
    assert exists(lake.root)
    found = list_files(lake.root, SUFFIXES)
    assert found == [files.join(lake.root, name) for name in sorted(names)]
    assert [content.decode() for _, content in read_files(found)] == sorted(names)
    write_file(found[0], b"again")
    assert read_file(found[0]) == b"again"
    files.delete_file(found[0])
    assert list_files(lake.root, SUFFIXES) == found[1:]
    with pytest.raises(StorageError, match=r"a\.jsonl"):
        read_file(found[0])
    assert list_files(files.join(lake.root, "none"), SUFFIXES) == []


@pytest.mark.parametrize("kind", [GoogleStorage, AzureStorage])
def test_a_server_killed_in_mid_run_loses_nothing(
    kind: type[GoogleStorage] | type[AzureStorage],
    start_server: Callable[[type[Server]], Server],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = start_server(kind)
    root = f"{kind.root}/out"
    source = tmp_path / "rows.csv"
    frame().to_csv(source, index=False)
    killed = threading.Thread(target=_kill_and_restart, args=(server, f"{root}/aggregates"))
    killed.start()
    assert summary_of("--input", source, "--output", root, "--shards", "8") == 0
    killed.join()
    copy = fetched(root, tmp_path / "copy")
    check(copy, frame())
    run_job("--input", source, "--output", tmp_path / "here", "--shards", "8")
    assert tree(root) == tree(str(tmp_path / "here"))


def test_a_server_killed_under_a_stream_loses_nothing(
    start_server: Callable[[type[Server]], Server],
    embedded_broker: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    server = start_server(GoogleStorage)
    root = f"{GoogleStorage.root}/out"
    source = tmp_path / "rows.csv"
    frame().to_csv(source, index=False)
    topic, subscription = "projects/lakes/topics/rows", "projects/lakes/subscriptions/rows"
    target = ["--topic", topic, "--create", "--subscription", subscription, "--speed", "max"]
    assert publish(["replay", str(source), *target, "--rows-per-message", "50"]) == 0
    (tmp_path / "published.json").write_text(capsys.readouterr().out)
    killer = threading.Thread(target=_kill_and_restart, args=(server, root))
    killer.start()
    flags = ["--output", root, "--file-format", "parquet", "--flush-interval", "50ms", "--archive"]
    assert summary_of("--subscription", subscription, "--stop-after-idle", "2s", *flags) == 0
    killer.join()
    check(fetched(root, tmp_path / "copy"), frame())
    assert summary_of("reconcile", "--output", root, "--published", tmp_path / "published.json") == 0


def _kill_and_restart(server: Server, folder: str) -> None:
    """Kill it as soon as the first file is there, and let writers fail for a second."""
    while not list_files(folder, SUFFIXES):
        time.sleep(0.01)
    server.kill()
    time.sleep(1.0)
    server.restart()


def test_a_server_that_stays_away_fails_the_job_in_one_line(
    start_server: Callable[[type[Server]], Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = start_server(AmazonStorage)
    source = tmp_path / "rows.csv"
    frame().to_csv(source, index=False)
    monkeypatch.setattr(buckets, "RETRIES", RetryPolicy(1.0, 0.25, 5.0))
    root = f"{AmazonStorage.root}/out"
    killer = threading.Thread(target=lambda: _kill_after_first(server, f"{root}/aggregates"))
    killer.start()
    assert summary_of("--input", source, "--output", root, "--shards", "8") == 1
    killer.join()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --output {root}: cannot be written: {root}/")
    server.restart()
    assert summary_of("--input", source, "--output", root, "--shards", "8") == 0  # everything is there to be read again
    check(fetched(root, tmp_path / "copy"), frame())


def _kill_after_first(server: Server, folder: str) -> None:
    while not list_files(folder, SUFFIXES):
        time.sleep(0.01)
    server.kill()


@pytest.mark.parametrize("lake", ["google_storage", "amazon_storage", "azure_storage"], indirect=True)
def test_a_bucket_that_is_not_there_is_found_before_the_job(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "rows.csv"
    frame().head(3).to_csv(source, index=False)
    missing = lake.root.rsplit("/", 2)[0] + "/nobodys/out"
    assert summary_of("--input", source, "--output", missing) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --output {missing}: cannot be written: ")


def test_inputs_and_charts_are_read_from_every_filesystem(lake: Lake, tmp_path: Path) -> None:
    from plotting.render import render

    source = files.join(lake.root, "in", "rows.csv")
    write_file(source, frame().to_csv(index=False).encode())
    assert summary_of("--input", source, "--output", files.join(lake.root, "out"), "--archive") == 0
    out = files.join(lake.root, "out")
    from_csv = render(out, tmp_path / "1.png", readings=[source])
    from_archive = render(out, tmp_path / "2.png", readings=[files.join(out, "readings")])
    assert (from_csv.points, from_csv.anomalies) == (from_archive.points, from_archive.anomalies)
    assert from_csv.points == len(frame())
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_rules_are_read_from_every_filesystem(lake: Lake, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    frame().to_csv(source, index=False)
    rules = files.join(lake.root, "rules.yaml")
    write_file(rules, b"version: 1\nrules:\n  - {id: warm, metric: temp, above: 25}\n")
    assert summary_of("--input", source, "--output", tmp_path / "out", "--rules", rules) == 0
    found = oracle.read_output(tmp_path / "out", "anomalies")
    assert (set(found.rule_id), len(found)) == ({"warm"}, int((frame().temp > 25).sum()))


def test_the_founding_data_set_in_a_bucket(
    google_storage: GoogleStorage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = needs.data("telemetry_2020-07-13.csv.gz")
    use(google_storage, monkeypatch)
    root = f"{google_storage.root}/founding"
    assert summary_of("--input", path, "--output", root, "--file-format", "parquet", "--archive") == 0
    assert summary_of("reconcile", "--output", root) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "archived readings 50,270 50,270" in lines
