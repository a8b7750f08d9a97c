"""The whole graph against plain pandas: whatever the order, the split, the format and the source."""

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from telemetry.model.messages import Message
from tests.support import needs, oracle
from tests.support.jobs import Events, check, cut, ndjson, records, run_events, run_job
from tests.support.readings import readings

SLOW = settings(  # an example is a whole job; shrinking one would take minutes
    max_examples=8,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
LATENESS_US = 600_000_000


@SLOW
@given(data=st.data(), frame=readings(), file_format=st.sampled_from(["jsonl", "parquet"]))
def test_files_equal_the_oracle(data: st.DataObject, frame: pd.DataFrame, file_format: str, tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    order = data.draw(st.permutations(range(len(frame))))
    parts = cut(records(frame.iloc[list(order)]), data.draw(st.lists(st.integers(1, 60), max_size=3)))
    for number, part in enumerate(parts):
        if data.draw(st.booleans()):
            (folder / f"{number}.jsonl").write_bytes(ndjson(part) + b"\n" * data.draw(st.integers(0, 1)))
        else:
            pd.DataFrame(part).to_csv(folder / f"{number}.csv", index=False)
    slide, shards = data.draw(st.sampled_from([None, 20, 30])), data.draw(st.sampled_from([1, 3]))
    flags = ["--slide", f"{slide}s"] if slide else []
    out = folder / "out"
    summary = run_job(
        "--input", folder / "*.*", "--output", out, "--file-format", file_format, "--shards", shards, *flags
    )
    assert summary["rows_decoded"] == summary["rows_aggregated"] == len(frame)
    assert summary["dead_letters"] == {}
    check(out, frame, slide)


@SLOW
@given(data=st.data(), frame=readings())
def test_stream_in_any_order_equals_the_oracle(data: st.DataObject, frame: pd.DataFrame, tmp_path: Path) -> None:
    """Rows in any order, messages of any size, a watermark as far ahead as the lateness allows."""
    order = data.draw(st.permutations(range(len(frame))))
    messages = cut(records(frame.iloc[list(order)]), data.draw(st.lists(st.integers(1, 40), max_size=8)))
    slide = data.draw(st.sampled_from([None, 20]))
    slide_us = (slide or 60) * 1_000_000
    early = data.draw(st.booleans())
    events = Events()
    ahead = data.draw(st.sampled_from([0, 60_000_000, LATENESS_US + 1]))
    for number, rows in enumerate(messages):
        first = min(round(row["ts"] * 1e6) for row in rows)
        events.message(Message(ndjson(rows), {}, f"m{number}"), first)
        left = [round(row["ts"] * 1e6) for later in messages[number + 1 :] for row in later]
        if left:
            # A row's earliest bucket ends a slide after its start; just before it closes, the row is still in time.
            earliest = min(moment - moment % slide_us + slide_us for moment in left)
            events.watermark(earliest + LATENESS_US - 1 - ahead)
        if early:
            events.clock(4_000_000_000)
    out = Path(tempfile.mkdtemp(dir=tmp_path))
    flags = ["--early-firing", "1s"] if early else []
    flags += ["--slide", f"{slide}s"] if slide else []
    run_events(
        events, "--output", out, "--flush-interval", "1ms", "--shards", data.draw(st.sampled_from([1, 3])), *flags
    )
    assert oracle.read_output(out, "dead_letters").empty
    check(out, frame, slide)


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_real_day_equals_the_oracle(file_format: str, tmp_path: Path) -> None:
    path = needs.data("telemetry_2020-07-13.csv.gz")
    frame = pd.read_csv(path, float_precision="round_trip")
    summary = run_job("--input", path, "--output", tmp_path / "out", "--file-format", file_format)
    assert summary["rows_decoded"] == len(frame) == 50_270
    check(tmp_path / "out", frame)


def test_published_rows_equal_the_oracle(tmp_path: Path) -> None:
    """The first rows exactly as they were published: quoted, ts in scientific notation."""
    path = needs.data("telemetry_first_10000.csv")
    run_job("--input", path, "--output", tmp_path / "out", "--window", "10m", "--slide", "5m")
    found = oracle.truth(oracle.read_output(tmp_path / "out", "aggregates"))
    oracle.assert_same_aggregates(found, oracle.aggregate(pd.read_csv(path, float_precision="round_trip"), 600, 300))


def test_full_set_has_the_known_anomalies(tmp_path: Path) -> None:
    path = needs.data("telemetry_full.csv.gz")
    summary = run_job("--input", path, "--output", tmp_path / "out")
    assert summary["rows_decoded"] == summary["rows_aggregated"] == 405_184
    assert summary["anomalies"] == {"temp-high": 2_335}
    anomalies = oracle.read_output(tmp_path / "out", "anomalies")
    assert set(anomalies.device) == {"1c:bf:ce:15:ec:4d"}
    assert anomalies.anomaly_id.is_unique
    check(tmp_path / "out", pd.read_csv(path, float_precision="round_trip"))
