"""The rule for silent devices: in intervals where these are regular, else in time."""

import numpy as np

from pipeline.suggest.candidate import RuleCandidate
from pipeline.suggest.choose_silence import choose_silence
from tests.support.recordings import measured, noise, recording
from transforms.incidents.watched_rows import WatchedRows


def fields_of(*parts: WatchedRows) -> tuple[list[tuple[str, ...]], RuleCandidate]:
    (candidate,) = choose_silence(measured(*parts)).candidates
    return [form.fields for form in candidate.forms], candidate


def test_intervals_where_devices_are_regular():
    fields, candidate = fields_of(recording({"m": noise(500)}, 60, ("a", "b"), range(100, 130)))
    assert [text for (text,) in fields] == [
        *(f"silence: {{intervals: {number}}}" for number in (10, 15, 20, 50)),
        "silence: {for: 1h}",
    ]
    assert candidate.evidence == (
        "A device sends every 1m (median); 99 % of intervals are at most 1 usual ones, the longest 31 (31m).",
    )
    assert candidate.device_days == 2 * 499 / 1440


def test_a_time_where_they_are_not():
    gaps = [row for row in range(1_000) if row % 10 not in (0, 1, 2, 3)]
    fields, candidate = fields_of(recording({"m": noise(1_000)}, 60, ("a",), gaps))
    assert [text for (text,) in fields] == ["silence: {for: 10m}", "silence: {for: 15m}"]
    assert "A time, as devices are irregular: 25 % of intervals are longer than 2.5 usual ones." in candidate.evidence


def test_too_few_readings():
    group = choose_silence(measured(recording({"m": noise(20)})))
    assert (group.candidates, group.unfit) == (
        (), ("silence left out: most devices sent too few readings to know how often they do (20 are needed).",),
    )  # fmt: skip
    assert choose_silence(measured(recording({"m": noise(21)}))).candidates
    assert not choose_silence(measured(recording({"m": np.ones(1)}))).candidates
