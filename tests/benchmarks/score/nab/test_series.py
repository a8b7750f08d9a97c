"""A folder of NAB is read as it is: rows in their order, windows by the first row of a time, halves by place."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks.score.nab.alarms import alarm_rows, blind_alarms
from benchmarks.score.nab.halves import halves
from benchmarks.score.nab.label_files import write_labels
from benchmarks.score.nab.series import WINDOWS_FILE, read_corpus
from telemetry.errors import ConfigError
from tests.support.nab import make_series, moment, write_corpus

REPEATED = ([(0, 1.0), (1, 2.0), (2, 3.0), (1, 4.0), (2, 5.0), (3, 6.0)], [(2, 3)])
"""At the end of summer time the times 1 and 2 come again."""


def test_rows_keep_their_order_and_windows_begin_at_the_first_row_of_a_time(tmp_path: Path):
    (series,) = read_corpus(write_corpus(tmp_path, {"real/one": REPEATED}))
    assert (series.name, series.category) == ("real/one", "real")
    assert series.timestamps == tuple(map(moment, (0, 1, 2, 1, 2, 3)))
    assert ((series.times_us - series.times_us[0]) // 300_000_000).tolist() == [0, 1, 2, 1, 2, 3]
    assert series.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert series.windows == ((2, 5),)
    rows, _ = REPEATED
    (series,) = read_corpus(write_corpus(tmp_path, {"real/one": (rows, [(0, 2)])}))
    assert series.windows == ((0, 2),)


def test_files_are_sorted_and_may_be_compressed(tmp_path: Path):
    folder = write_corpus(tmp_path, {"b/z": ([(0, 1.5)], []), "b/a": ([], []), "a/x": ([(0, 2.5)], [])})
    plain = folder / "b" / "z.csv"
    (folder / "b" / "z.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    corpus = read_corpus(folder)
    assert [(one.name, one.values.tolist()) for one in corpus] == [("a/x", [2.5]), ("b/a", []), ("b/z", [1.5])]


def test_naive_times_are_utc(tmp_path: Path):
    (series,) = read_corpus(write_corpus(tmp_path, {"a/x": ([(0, 2.5)], [])}))
    assert series.times_us.tolist() == [1_396_310_400_000_000]  # 2014-04-01T00:00:00Z


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        (WINDOWS_FILE, None, "cannot be read: No such file or directory"),
        (WINDOWS_FILE, "{", "is not a file of windows: "),
        (WINDOWS_FILE, "[]", "is not a file of windows: "),
        (WINDOWS_FILE, '{"a/x.csv": [["2014-04-01 00:00:00"]]}', "is not a file of windows: "),
        (WINDOWS_FILE, '{"a/x.csv": [], "a/y.csv": []}', "names a/y.csv, which is not in the folder"),
        (WINDOWS_FILE, "{}", f"{WINDOWS_FILE} does not name it"),
        (WINDOWS_FILE, '{"a/x.csv": [["2014-04-01 00:00:00", "2014-04-01 09:00:00"]]}', "names a time that is not in"),
        (WINDOWS_FILE, '{"a/x.csv": [["2014-04-01 00:05:00", "2014-04-01 00:00:00"]]}', "end before they begin"),
        (
            WINDOWS_FILE,
            '{"a/x.csv": [["2014-04-01 00:00:00", "2014-04-01 00:05:00"], '
            '["2014-04-01 00:05:00", "2014-04-01 00:10:00"]]}',
            "windows overlap",
        ),
        ("a/x.csv", "", "does not begin with timestamp,value"),
        ("a/x.csv", "timestamp,value\nyesterday,1\n", "line 2: "),
        ("a/x.csv", "timestamp,value\n2014-04-01 00:00:00+01:00,1\n", "line 2: "),
        ("a/x.csv", "timestamp,value\n2014-04-01 00:00:00,\n", "line 2: "),
        ("a/x.csv", "timestamp,value\n2014-04-01 00:00:00,nan\n", "line 2: the value nan is not finite"),
        ("a/x.csv.gz", "timestamp,value\n", "cannot be read: "),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, file: str, content: str | None, problem: str):
    folder = write_corpus(tmp_path, {"a/x": ([(0, 1.0), (1, 1.0), (2, 1.0)], [])})
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(ConfigError, match=r"^NAB_DATA ") as raised:
        read_corpus(folder)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_that_is_missing_or_empty_is_one_line(tmp_path: Path):
    with pytest.raises(ConfigError, match="is not a folder"):
        read_corpus(tmp_path / "none")
    (tmp_path / WINDOWS_FILE).write_text("{}")
    with pytest.raises(ConfigError, match="holds no series"):
        read_corpus(tmp_path)


def test_halves_alternate_within_each_folder():
    names = ["a/1", "a/2", "a/3", "b/1", "c/1", "c/2"]
    found = halves([make_series(1, name=name) for name in reversed(names)])
    assert {half: [one.name for one in some] for half, some in found.items()} == {
        "choosing": ["a/1", "a/3", "b/1", "c/1"],
        "reporting": ["a/2", "c/2"],
    }


def test_an_alarm_is_at_the_first_row_of_its_time_or_at_the_next_reading(tmp_path: Path):
    (series,) = read_corpus(write_corpus(tmp_path, {"a/x": REPEATED}))
    begin = int(series.times_us[0])
    step = 300_000_000

    def rows(*times_us: int) -> list[int]:
        return np.flatnonzero(alarm_rows(series, times_us)).tolist()

    assert rows() == []
    assert rows(begin, begin + 2 * step, begin + 2 * step) == [0, 2]
    assert rows(begin + 1) == [1]
    assert rows(begin + 2 * step + 1) == [5]
    assert rows(begin + 9 * step) == [5]
    assert alarm_rows(make_series(0), [begin]).tolist() == []


def test_blind_alarms_come_every_twentieth_of_the_rows():
    assert np.flatnonzero(blind_alarms(make_series(59))).tolist() == list(range(0, 59, 2))
    assert np.flatnonzero(blind_alarms(make_series(3))).tolist() == [0, 1, 2]
    assert blind_alarms(make_series(0)).tolist() == []


def test_label_files_have_every_row_in_its_order(tmp_path: Path):
    corpus = read_corpus(write_corpus(tmp_path / "data", {"real/one": REPEATED, "real/two": ([], [])}))
    alarms = {series.name: alarm_rows(series, series.times_us[1:2].tolist()) for series in corpus}
    write_labels(tmp_path / "labels", corpus, alarms)
    assert (tmp_path / "labels/real/one.csv").read_text() == (
        "timestamp,label\n2014-04-01 00:00:00,0\n2014-04-01 00:05:00,1\n2014-04-01 00:10:00,0\n"
        "2014-04-01 00:05:00,0\n2014-04-01 00:10:00,0\n2014-04-01 00:15:00,0\n"
    )
    assert (tmp_path / "labels/real/two.csv").read_text() == "timestamp,label\n"
