"""Check pictures, reports and live views whose results or outputs are in object stores."""

from pathlib import Path

import pytest

from plotting.__main__ import main
from plotting.render import render
from plotting.serve.live_run import LiveRun
from plotting.serve.polling import ResultsPoller
from telemetry.storage.files import join, read_file, write_file
from telemetry.storage.result_store import FileStore
from tests.support.emulators import Lake, amazon_storage, azure_storage, google_storage, lake
from tests.support.runs import anomaly, window, write, write_run

__all__ = ["amazon_storage", "azure_storage", "google_storage", "lake"]


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", [window(minute=m) for m in range(4)], [anomaly()])


def test_a_picture_in_a_bucket_is_the_same_picture(lake: Lake, run, tmp_path, capsys):
    target = join(lake.root, "charts", "p.png")
    assert main(["render", "--results", str(run), "--figure", "overview", "--output", target]) == 0
    assert capsys.readouterr().out.startswith(f"{target}: 1 anomalies, 0 dead letters, 0 gaps, 1 device, ")
    render(run, tmp_path / "p.png", figure="overview")
    assert read_file(target) == (tmp_path / "p.png").read_bytes()


def upload(folder: Path, target: str) -> str:
    for file in folder.rglob("*.jsonl"):
        write_file(join(target, *file.relative_to(folder).parts), file.read_bytes())
    return target


def test_a_run_in_a_bucket_is_drawn_and_reported_into_the_bucket(lake: Lake, run, tmp_path, capsys):
    results = upload(run, join(lake.root, "a-run"))
    assert main(["render", "--results", results, "--output", str(tmp_path / "there.png")]) == 0
    render(run, tmp_path / "here.png")
    assert (tmp_path / "there.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    for source, target in ((results, join(lake.root, "pages", "r.html")), (run, tmp_path / "r.html")):
        assert main(["report", "--results", str(source), "--output", str(target)]) == 0
    page = read_file(join(lake.root, "pages", "r.html")).decode()
    assert page.replace(results, str(run)) == (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "r.html: 1 anomalies, 1 devices" in capsys.readouterr().out


def test_a_run_in_a_bucket_is_followed(lake: Lake, run, tmp_path):
    follower, live = ResultsPoller(FileStore(upload(run, join(lake.root, "live")))), LiveRun()

    def news() -> list[bool]:
        return [live.add(kind, table) for kind, table in follower.poll()]

    assert news() == [True, True, False, False]
    assert news() == [False, False, False, False]
    upload(write_run(tmp_path / "more", [window(minute=9)]), join(lake.root, "live", "later"))
    assert news() == [False, False, False, False]  # not the job's folder of aggregates
    write(tmp_path / "late", "aggregates", [window(minute=9)], name="late")
    upload(tmp_path / "late", join(lake.root, "live"))
    assert news() == [True, False, False, False]
    assert (live.windows, live.devices()) == (5, ["a"])


def test_a_bucket_that_nobody_can_write_to_is_one_line(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["render", "--results", str(run), "--output", "nowhere://bucket/p.png"]) == 2
    expected = "plotting: error: --output nowhere://bucket/p.png: cannot be written: Beam has no filesystem for nowhere"
    assert capsys.readouterr().err.startswith(expected)
    assert not (tmp_path / "nowhere:").exists()


def test_a_file_in_a_bucket_needs_a_picture_s_name_too(run, capsys):
    assert main(["render", "--results", str(run), "--output", "gs://bucket/p.gif"]) == 2
    assert "--output gs://bucket/p.gif: not a picture's name" in capsys.readouterr().err
