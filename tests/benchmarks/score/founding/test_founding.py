"""Dropouts and excursions are found offline as defined, and incidents are scored by them."""

from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.score.founding.excursions import ExcursionSpan, TemperatureSeries, running_median
from benchmarks.score.founding.score import is_open, opens_in, score_series
from benchmarks.score.founding.section import score_founding
from pipeline.backtest.past_incidents import PastIncident
from telemetry.errors import ConfigError, NothingUsableError
from tests.support import needs

HOUR = 3_600_000_000


def series(*values: float, every_us: int = 1) -> TemperatureSeries:
    return TemperatureSeries(np.arange(len(values), dtype=np.int64) * every_us, np.array(values, np.float64))


def incident(opened: int, *told: int, closed: int | None = None, device: str = "a", metric: str = "temp"):
    return PastIncident("i", "r", "warning", device, metric, opened, told, closed, None, 1)


@given(st.lists(st.integers(-5, 5).map(float), max_size=40))
def test_the_running_median_is_that_of_seven_values(values):
    found = running_median(np.array(values)).tolist()
    assert len(found) == len(values)
    for place in range(3, len(values) - 3):
        assert found[place] == median(values[place - 3 : place + 4])


def test_the_ends_are_mirrored():
    assert running_median(np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))[0] == 2
    assert running_median(np.array([5.0])).tolist() == [5]


def test_readings_in_a_row_are_one_excursion_which_ends_with_the_next_reading():
    steady = series(20, 20, 20, 20, 6, 6.5, 20, 21, 20, 20, 21.1, 20, 20, 20, 9.9)
    assert steady.excursions() == [ExcursionSpan((4, 5), 6), ExcursionSpan((10,), 11), ExcursionSpan((14,), 14)]
    assert steady.dropouts_us.tolist() == [4, 5, 14]
    assert series().excursions() == []
    assert series(20, 20, 20, 20).excursions() == []


@pytest.mark.parametrize(
    ("given_incident", "open_at"),
    [
        (incident(2, 2, closed=5), [2, 3, 4]),
        (incident(1, 3, closed=5), [3, 4]),  # it opened after two readings (for)
        (incident(2, 2), [2, 3, 4, 5, 6]),
        (incident(2, 2, 5, closed=5), [2, 3, 4, 5]),  # it opened again at 5, and closed there
    ],
)
def test_an_incident_is_open_from_its_telling_to_before_its_closing(given_incident, open_at):
    assert [time for time in range(7) if is_open(given_incident, time)] == open_at


@pytest.mark.parametrize(
    ("opened", "told", "inside"), [(3, 3, False), (4, 4, True), (6, 6, True), (7, 7, False), (5, 9, True)]
)
def test_an_incident_belongs_to_an_excursion_until_the_reading_behind_it(opened, told, inside):
    assert opens_in(incident(opened, told), ExcursionSpan((4, 5), 6)) is inside


def test_a_score_counts_readings_excursions_and_what_comes_elsewhere():
    day = 24  # readings of an hour
    a = series(*[20.0] * 10, 6, 6.5, *[20.0] * 10, 8, *[20.0] * 2, every_us=HOUR)
    b = series(*[20.0] * (2 * day + 1), every_us=HOUR)
    found = score_series(
        "r",
        "temp",
        [
            incident(10 * HOUR, 10 * HOUR, closed=11 * HOUR),  # the first of two readings
            incident(23 * HOUR, 23 * HOUR, closed=24 * HOUR),  # the return from the second excursion
            incident(3 * HOUR, 3 * HOUR, closed=4 * HOUR),
            incident(22 * HOUR, 22 * HOUR, device="b"),  # at the time of an excursion of another device
        ],
        {"a": a, "b": b},
        {"a": a.excursions(), "b": b.excursions()},
    )
    assert found.to_json() == {
        "rule": "r",
        "metric": "temp",
        "incidents": 4,
        "dropout_rows_found": 1,
        "excursion_rows_found": 1,
        "excursions_found": 1,
        "elsewhere_per_day": {"a": pytest.approx(1.0), "b": pytest.approx(0.5)},
    }


def rules(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(f"version: 2\nrules:\n{text}")
    return path


@pytest.mark.loads_beam
def test_a_file_is_judged_by_rule_and_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    csv = tmp_path / "telemetry.csv"
    lines = [f"{3600 * hour},{device},{6 if device == 'a' and hour in (5, 6) else 20},{50 + hour}"
             for hour in range(25) for device in ("a", "b")]  # fmt: skip
    csv.write_text("\n".join(["ts,device,temp,humidity", *lines, "86400,a,5,1", "90000,c,,60"]) + "\n")
    text = "  - {id: low, metric: temp, below: 10}\n  - {id: wet, metric: humidity, above: 73}\n"
    found = score_founding(csv, rules(tmp_path, f"{text}  - {{id: silent, silence: {{for: 1d}}}}\n"))
    counts = {"dropout_rows_found": 0, "excursion_rows_found": 0, "excursions_found": 0}
    low = {"incidents": 1, "dropout_rows_found": 2, "excursion_rows_found": 2, "excursions_found": 1,
           "metric": "temp", "elsewhere_per_day": {"a": 0, "b": 0}}  # fmt: skip
    assert found == {
        "dropout_rows": 2,
        "excursion_rows": 2,
        "excursions": 1,
        "rules": [
            {"rule": "low", **low},
            {"rule": "wet", "metric": "humidity", "incidents": 2, **counts, "elsewhere_per_day": {"a": 1, "b": 1}},
            {"rule": "silent", "metric": "", "incidents": 0, **counts, "elsewhere_per_day": {"a": 0, "b": 0}},
            {"rule": "", **low},
        ],
    }
    printed = capsys.readouterr().out
    assert "| low | temp | 1 | 2 of 2 | 2 of 2 | 1 of 1 | 0.00 | 0.00 |" in printed
    assert "| silent | the device | 0 | 0 of 2 | 0 of 2 | 0 of 1 | 0.00 | 0.00 |" in printed


@pytest.mark.loads_beam
def test_what_cannot_be_used_is_reported(tmp_path: Path):
    low = rules(tmp_path, "  - {id: low, metric: temp, below: 10}\n")
    with pytest.raises(ConfigError, match=r"^CSV .*none\.csv: no such file$"):
        score_founding(tmp_path / "none.csv", low)
    empty = tmp_path / "empty.csv"
    empty.write_text("ts,device,temp\n")
    with pytest.raises(NothingUsableError):
        score_founding(empty, low)
    with pytest.raises(ConfigError, match=r"^--founding-rules .*: line 3: rule 'x': metric 'height' is not one of"):
        score_founding(empty, rules(tmp_path, "  - {id: x, metric: height, below: 10}\n"))


@pytest.mark.loads_beam
def test_a_bound_finds_every_dropout_of_the_real_telemetry(tmp_path: Path):
    csv = needs.data("telemetry_full.csv.gz")
    found = score_founding(csv, rules(tmp_path, "  - {id: low, metric: temp, below: 10}\n"))
    assert (found["dropout_rows"], found["excursion_rows"], found["excursions"]) == (232, 388, 386)
    low = found["rules"][0]
    assert (low["incidents"], low["dropout_rows_found"], low["excursions_found"]) == (231, 232, 231)
    assert set(low["elsewhere_per_day"].values()) == {0.0}
