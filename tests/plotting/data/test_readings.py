import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from plotting.data.readings import read_readings
from telemetry.errors import ConfigError
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from tests.support.runs import write_csv


def micros(readings) -> Any:
    return readings.frame["time"].dt.tz_localize(None).to_numpy("M8[us]").astype(int).tolist()


def test_founding_rows_are_read_to_the_microsecond(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text('"ts","device","co","temp"\n"1.5945120943859746E9","b8:27","0.004","22.7"\n"10.5","x","1","-3"\n')
    readings = read_readings([file], "temp")
    assert micros(readings) == [1_594_512_094_385_975, 10_500_000]
    assert readings.frame["device"].tolist() == ["b8:27", "x"]
    assert readings.frame["value"].tolist() == [22.7, -3.0]
    assert readings.unreadable == 0


def zipped(content: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        file.writestr("rows.csv", content)
    return whole.getvalue()


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, "zstd", asbytes=True))


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "zst": zstd,
}


@pytest.mark.parametrize("end", PACKINGS)
@pytest.mark.parametrize("name", ["b.csv.{}", "b.csv"])
def test_packed_and_plain_files_are_joined_in_order(tmp_path, name, end):
    plain = write_csv(tmp_path / "a.csv", [(1, "a", 20)])
    packed = tmp_path / name.format(end)
    packed.write_bytes(PACKINGS[end](b"temp,device,ts\n21,b,2\n"))
    assert read_readings([plain, packed], "temp").frame["value"].tolist() == [20.0, 21.0]


@pytest.mark.parametrize(
    "row",
    [
        (1, "a", ""),
        (1, "a", "warm"),
        (1, "a", "nan"),
        (1, "a", "inf"),
        (1, "a", "1_0"),
        ("", "a", 20),
        ("soon", "a", 20),
        ("nan", "a", 20),
        (-1, "a", 20),
        ("1594512094385", "a", 20),
        (1, "", 20),
        (1, "a"),
    ],
)
def test_rows_that_cannot_be_read_are_counted_and_left_out(tmp_path, row):
    readings = read_readings([write_csv(tmp_path / "r.csv", [(1, "a", 20), row, (2, "a", 22)])], "temp")
    assert readings.frame["value"].tolist() == [20.0, 22.0]
    assert readings.unreadable == 1


def test_rfc_3339_times_and_padded_numbers_are_understood(tmp_path):
    rows = [("2020-07-12T00:00:01.5Z", "a", " 20 "), ("1970-01-01T01:00:00+01:00", "a", "+.5")]
    readings = read_readings([write_csv(tmp_path / "r.csv", rows)], "temp")
    assert micros(readings) == [1_594_512_001_500_000, 0]
    assert readings.frame["value"].tolist() == [20.0, 0.5]


def test_truth_values_are_numbers_only_for_metrics_that_are_truth_values(tmp_path):
    file = write_csv(
        tmp_path / "r.csv", [(1, "a", "true"), (2, "a", "False"), (3, "a", "1")], ("ts", "device", "light")
    )
    assert read_readings([file], "light").frame["value"].tolist() == [1.0, 0.0, 1.0]
    file = write_csv(tmp_path / "t.csv", [(1, "a", "true")])
    assert read_readings([file], "temp").unreadable == 1
    assert read_readings([file], "temp", MetricCatalog({"temp": MetricInfo(boolean=True)})).frame["value"].tolist() == [
        1.0
    ]


def test_a_header_alone_is_no_readings(tmp_path):
    readings = read_readings([write_csv(tmp_path / "r.csv", [])], "temp")
    assert (len(readings.frame), readings.unreadable) == (0, 0)


def damaged() -> bytes:
    """A gzip file whose deflated data are broken while its frame is whole."""
    packed = bytearray(gzip.compress(b"ts,device,temp\n" + b"1,a,2\n" * 9, mtime=0))
    packed[10] |= 0b110  # a block of the reserved type
    return bytes(packed)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("r.csv", None, "No such file"),
        ("r.csv", b"", "Empty CSV"),
        ("r.csv.gz", b"plain", "no column 'ts', it has plain"),
        pytest.param("r.csv.zip", zipped(b"ts")[:-9], "is a damaged zip", id="zip"),  # it has the time in it
        ("r.csv.gz", gzip.compress(b"ts,device,temp\n1,a,2\n", mtime=0)[:-9], "end"),
        ("r.csv.gz", damaged(), "rror"),
        ("r.csv", b"ts,device,temp,temp\n1,a,2,3\n", "2 columns 'temp'"),
        ("r.csv", b"ts,device,humidity\n1,a,2\n", "no column 'temp', it has ts, device, humidity"),
    ],
)
def test_files_that_are_not_readings_are_refused_in_one_line(tmp_path, name, content, problem):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as error:
        read_readings([tmp_path / name], "temp")
    assert str(error.value).startswith(f"--readings {tmp_path / name}: ")
    assert "\n" not in str(error.value)


def archive(folder, rows, columns=("device", "source_time", "temp")) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows, columns=list(columns))
    if "source_time" in frame:
        frame["source_time"] = pd.to_datetime(frame.source_time, unit="us", utc=True).astype("datetime64[us, UTC]")
    file: Path = folder / "part.parquet"
    frame.to_parquet(file)
    return file


def test_an_archive_is_read_like_the_csv_it_came_from(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("ts,device,temp\n1.5,a,20.5\n2.25,b,21.5\n3600,a,22.5\n")
    archive(tmp_path / "readings" / "date=1970-01-01" / "hour=00", [("a", 1_500_000, 20.5), ("b", 2_250_000, 21.5)])
    later = archive(tmp_path / "readings" / "date=1970-01-01" / "hour=01", [("a", 3_600_000_000, 22.5)])
    expected = read_readings([file], "temp")
    found = read_readings([tmp_path / "readings"], "temp")
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    assert read_readings([later], "temp").frame.value.tolist() == [22.5]


def test_a_reading_without_the_metric_is_not_unreadable(tmp_path):
    file = archive(tmp_path, [("a", 1, 20.5), ("a", 2, None)])
    readings = read_readings([file], "temp")
    assert (readings.frame.value.tolist(), readings.unreadable) == ([20.5], 0)


def test_folders_and_files_that_are_no_archive(tmp_path):
    with pytest.raises(ConfigError, match=r"--readings .*: no \.parquet file of an archive in it"):
        read_readings([tmp_path], "temp")
    file = archive(tmp_path, [("a", 1)], ("device", "temp"))
    with pytest.raises(ConfigError, match="no column 'source_time', it has device, temp"):
        read_readings([file], "temp")
    file.write_bytes(b"not Parquet")
    with pytest.raises(ConfigError, match=r"--readings .*part\.parquet"):
        read_readings([file], "temp")


def test_blocks_are_joined_as_if_the_file_were_read_at_once(tmp_path):
    odd = {
        3: ("2020-07-12T00:00:00Z", "a", 1),
        40: ("never", "b", 1),
        41: (41, "a", " 7.5 "),
        90: (90, "", 1),
        99: (1,),
    }
    rows = [odd.get(n, (n, f'"{"abc"[n % 3]}"', n / 8)) for n in range(200)]
    file = write_csv(tmp_path / "r.csv", rows)
    packed = tmp_path / "r.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    whole = read_readings([file], "temp")
    assert (len(whole.frame), whole.unreadable) == (197, 3)
    for size in (64, 100, 1000):
        for path in (file, packed):
            part = read_readings([path], "temp", block_bytes=size)
            pd.testing.assert_frame_equal(part.frame, whole.frame)
            assert part.unreadable == 3


def test_rows_are_held_as_20_bytes_whatever_else_the_file_says(tmp_path):
    count, filler = 200_000, "f" * 100
    file = tmp_path / "r.csv.gz"
    with gzip.open(file, "wt", compresslevel=1) as lines:
        lines.write("ts,device,note,temp\n")
        lines.writelines(f"{n},d{n % 20},{filler},{n % 50}\n" for n in range(count))
    default = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(default)  # counts from zero; what Arrow holds is not seen by tracemalloc
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        readings = read_readings([file], "temp", block_bytes=1 << 17)
        numpy_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(default)
    assert len(readings.frame) == count
    assert readings.frame.memory_usage(index=False).sum() <= 18 * count  # a byte for the device
    assert numpy_peak < 45 * count  # text 25 MB in all
    assert pool.max_memory() < 3_000_000
