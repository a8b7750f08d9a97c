"""Labels of faults and benign events: those of the simulator, and what is wrong with other files."""

import pytest

from pipeline.backtest.labels import LabelledEpisode, Labels, read_labels
from publisher.simulate.writer import EpisodeLabel, write_labels
from telemetry.errors import ConfigError

SECOND = 1_000_000
LABELS = [
    EpisodeLabel("b", "temp", "drift", "fault", "1970-01-01T00:01:00.000000Z", "1970-01-01T00:02:00.500000Z"),
    EpisodeLabel("a", "*", "silence", "fault", "1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:02.000000Z"),
    EpisodeLabel("c", "*", "front", "benign", "1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:03.000000Z"),
]
HEADER = "device,metric,kind,start,end\n"


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_what_the_simulator_writes_is_read(tmp_path, suffix):
    file = tmp_path / f"labels.{suffix}"
    write_labels(LABELS, file)
    assert read_labels([str(file)]) == Labels(
        (LabelledEpisode("a", "silence", SECOND, 2 * SECOND), LabelledEpisode("b", "drift", 60 * SECOND, 120_500_000)),
        (LabelledEpisode("c", "front", SECOND, 3 * SECOND),),
    )


def test_without_a_nature_all_are_faults_and_files_are_joined(tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + "a,temp,front,7,8\n")
    (tmp_path / "b.jsonl").write_text('{"device": "b", "kind": "spike", "start": "5", "end": "6"}\n')
    assert read_labels([str(tmp_path / name) for name in ("a.csv", "b.jsonl")]) == Labels(
        (LabelledEpisode("b", "spike", 5 * SECOND, 6 * SECOND), LabelledEpisode("a", "front", 7 * SECOND, 8 * SECOND))
    )


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("l.csv", "device,kind,start\n", "no column 'end', labels have device, kind, start and end"),
        ("l.csv", HEADER + "a,temp,spike,1,2\na,temp,,1,2\n", "line 3: no kind"),
        ("l.csv", HEADER + "a,temp,spike,1\n", "line 2: no end"),
        ("l.csv", HEADER + "a,temp,spike,2,1\n", "line 2: it ends before it starts"),
        ("l.csv", HEADER + "a,temp,spike,soon,1\n", "line 2: Invalid isoformat string: 'soon'"),
        ("l.csv", "nature," + HEADER + "good,a,temp,spike,1,2\n", "line 2: nature 'good' is neither fault nor benign"),
        ("l.jsonl", '{"device": "a"}\n', "line 1: no kind"),
        ("l.jsonl", "\n[]\n", "line 2: not an object"),
        ("l.jsonl", "\n{\n", "line 2: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("l.csv", b"\xff", "not UTF-8 text"),
        ("none.csv", None, "No such file or directory"),
    ],
)
def test_a_file_that_holds_no_labels(tmp_path, name, text, problem):
    file = tmp_path / name
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as raised:
        read_labels([str(file)])
    assert str(raised.value) == f"--labels {file}: {problem}"
