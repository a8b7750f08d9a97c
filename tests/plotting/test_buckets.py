"""Pictures written to object stores; nothing of a picture is left where it cannot be."""

import pytest

from plotting.__main__ import main
from plotting.render import render
from tests.emulators import Lake, amazon_storage, azure_storage, google_storage, lake
from tests.plotting.runs import anomaly, window, write_run
from transforms.storage import join, read_file

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


def test_a_bucket_that_nobody_can_write_to_is_one_line(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["render", "--results", str(run), "--output", "nowhere://bucket/p.png"]) == 2
    expected = "plotting: error: --output nowhere://bucket/p.png: cannot be written: Beam has no filesystem for nowhere"
    assert capsys.readouterr().err.startswith(expected)
    assert not (tmp_path / "nowhere:").exists()


def test_a_file_in_a_bucket_needs_a_picture_s_name_too(run, capsys):
    assert main(["render", "--results", str(run), "--output", "gs://bucket/p.gif"]) == 2
    assert "--output gs://bucket/p.gif: not a picture's name" in capsys.readouterr().err
