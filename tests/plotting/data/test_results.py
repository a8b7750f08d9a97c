import pandas as pd
import pytest

from plotting.data.panels import TimeRange
from plotting.data.results import read_results
from plotting.report.run_numbers import count_run
from telemetry.errors import ConfigError
from telemetry.storage.result_store import FileStore
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_run

AGGREGATE_TYPES = {
    "device": "object",
    "metric": "object",
    "window_start": "datetime64[us, UTC]",
    "window_end": "datetime64[us, UTC]",
    "count": "int64",
    "mean": "float64",
    "stddev": "float64",
    "min": "float64",
    "max": "float64",
    "pane_index": "int64",
}


def types(frame) -> dict[str, str]:
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def test_the_highest_pane_of_a_window_wins_whichever_file_it_is_in(tmp_path):
    write(tmp_path, "aggregates", [window(mean=21.0, pane=2), window(minute=1, mean=25.0)], name="a")
    write(tmp_path, "aggregates", [window(mean=20.0, pane=0)], name="b")
    write(tmp_path, "aggregates", [window(mean=20.5, pane=1), window("b", mean=19.0)], name="c", hour="01")
    frame = read_results(tmp_path, "temp").aggregates
    assert frame[["device", "mean", "pane_index"]].to_numpy().tolist() == [
        ["a", 21.0, 2],
        ["a", 25.0, 0],
        ["b", 19.0, 0],
    ]
    assert frame["window_start"].tolist() == [pd.Timestamp(T0 + m * MINUTE, unit="us", tz="UTC") for m in (0, 1, 0)]


def test_a_window_of_two_jobs_holds_the_readings_of_both(tmp_path):
    """The first job was stopped in the middle of the window: its pane 5 is not the truth of the second job."""
    write(tmp_path, "aggregates", [window(mean=10.0, count=1, pane=4, job="j1")], name="a")
    write(tmp_path, "aggregates", [window(mean=20.0, count=39, pane=5, job="j1")], name="b")
    write(tmp_path, "aggregates", [window(mean=26.0, count=21, pane=0, job="j2")], name="c", kind="parquet")
    (row,) = read_results(tmp_path, "temp").aggregates.to_dict("records")
    assert (row["count"], row["min"], row["max"]) == (60, 19.0, 27.0)
    assert row["mean"] == pytest.approx((39 * 20 + 21 * 26) / 60)
    assert row["stddev"] == pytest.approx((0.25 + 39 / 60 * 2.1**2 + 21 / 60 * 3.9**2) ** 0.5)
    assert count_run(FileStore(str(tmp_path)), "temp", TimeRange(None, None)).values == 60


def test_windows_of_another_length_are_other_windows(tmp_path):
    import msgspec

    longer = msgspec.structs.replace(window(pane=0), window_end=T0 + 5 * MINUTE)
    write(tmp_path, "aggregates", [window(pane=3), longer])
    assert len(read_results(tmp_path, "temp").aggregates) == 2


def test_an_anomaly_delivered_twice_is_one(tmp_path):
    write(tmp_path, "anomalies", [anomaly(at=T0 + 5), anomaly(at=T0)], name="a")
    write(tmp_path, "anomalies", [anomaly(at=T0)], name="b", kind="parquet")
    frame = read_results(tmp_path, "temp").anomalies
    assert frame["anomaly_id"].tolist() == [f"temp-high/a/temp/{T0}", f"temp-high/a/temp/{T0 + 5}"]


def test_json_lines_and_parquet_give_the_same_frames(tmp_path):
    windows = [window("é" * 3, minute, 20.1 + minute) for minute in range(5)]
    anomalies = [anomaly(at=T0 + 1), anomaly("b", upper=40.0, threshold=-3.5, shift=7)]
    lines, parquet = (
        read_results(write_run(tmp_path / kind, windows, anomalies, kind), "temp") for kind in ("jsonl", "parquet")
    )
    pd.testing.assert_frame_equal(lines.aggregates, parquet.aggregates)
    pd.testing.assert_frame_equal(lines.anomalies, parquet.anomalies)
    assert types(lines.aggregates) == AGGREGATE_TYPES
    assert types(lines.anomalies)["source_time"] == "datetime64[us, UTC]"
    assert lines.anomalies["threshold_upper"].dropna().tolist() == [40.0]


def test_only_the_metric_asked_for_is_returned_but_all_are_named(tmp_path):
    write_run(tmp_path, [window(), window(metric="co", mean=0.5)], [anomaly(metric="humidity", value=99.0)])
    results = read_results(tmp_path, "co")
    assert results.aggregates["mean"].tolist() == [0.5]
    assert results.anomalies.empty
    assert results.metrics == ("co", "humidity", "temp")


def test_empty_outputs_are_empty_frames_of_the_same_types(tmp_path):
    write(tmp_path, "dead_letters", [])
    write(tmp_path, "aggregates", [], name="nothing")
    results = read_results(tmp_path, "temp")
    assert (len(results.aggregates), len(results.anomalies), results.metrics) == (0, 0, ())
    assert types(results.aggregates) == AGGREGATE_TYPES


@pytest.mark.parametrize("name", [".part", "_part"])
def test_hidden_and_temporary_files_are_not_results(tmp_path, name):
    write(tmp_path, "aggregates", [window()])
    write(tmp_path, "aggregates", [window(minute=9)], name=name).write_text("half a li")
    temporary = tmp_path / "aggregates" / f"{name}.d"
    temporary.mkdir()
    (temporary / "x.jsonl").write_text("half a li")
    assert len(read_results(tmp_path, "temp").aggregates) == 1


def test_a_missing_directory_and_one_without_results_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^--results .*nowhere: no such directory$"):
        read_results(tmp_path / "nowhere", "temp")
    (tmp_path / "aggregates").mkdir()
    with pytest.raises(ConfigError, match="no results in it"):
        read_results(tmp_path, "temp")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("content", [b'{"device": 5', b'{"device":{"a":1}}\n', b'{"other":"row"}\n'])
def test_a_file_that_is_none_of_the_job_is_named(tmp_path, kind, content):
    write(tmp_path, "aggregates", [window()], kind=kind, name="broken").write_bytes(content)
    with pytest.raises(ConfigError, match="job") as error:
        read_results(tmp_path, "temp")
    assert "\n" not in str(error.value)
