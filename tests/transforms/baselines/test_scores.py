"""The columnar detectors say what the plain ones say, which see one reading of one series at a time."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.rules.unusual import LearnedStuck, Unusual
from tests.support import learned_oracle
from tests.support.incidents import SECOND
from tests.support.learned_series import (
    DAY,
    HOUR,
    MINUTE,
    ColumnarDetector,
    Reading,
    condition_is_together,
    cut,
    some_series,
)

pytestmark = pytest.mark.filterwarnings("error")
ORACLES: dict[str, Callable[..., Any]] = {
    "jump": learned_oracle.JumpOracle,
    "level": learned_oracle.LevelOracle,
    "drift": learned_oracle.DriftOracle,
    "novel": learned_oracle.NovelOracle,
    "together": learned_oracle.TogetherOracle,
    "stuck": learned_oracle.StuckOracle,
}


@st.composite
def conditions(draw: st.DrawFn, kind: str) -> Unusual | LearnedStuck:
    """Return a condition that is over and over in and out of its limits."""
    half_life = draw(st.sampled_from([200 * SECOND, 30 * MINUTE, 2 * HOUR, DAY]))
    learn = draw(st.sampled_from([0, 0, HOUR]))
    if kind == "stuck":
        return LearnedStuck(learn, half_life)
    sensitivity = draw(st.sampled_from([1.0, 2.0, 4.0, 100.0]))
    return Unusual(
        kind,  # type: ignore[arg-type]
        sensitivity,
        draw(st.sampled_from([0.5, sensitivity])),
        learn,
        half_life,
        direction=draw(st.sampled_from(["both", "up", "down"])) if kind in ("jump", "level", "drift") else "both",
        season=draw(st.sampled_from([None, "hour"])) if kind == "level" else None,
        span_us=draw(st.sampled_from([0, HOUR, DAY])) if kind == "novel" else 0,
        metrics=("temp", "humidity") if kind == "together" else (),
    )


def of_oracle(condition: Unusual | LearnedStuck, gap: int | None, readings: list[Reading]) -> dict[Any, Any]:
    """Return the answers by slot and time."""
    kind = condition.kind if isinstance(condition, Unusual) else "stuck"
    oracles: dict[int, Any] = {}
    found = {}
    for slot, time, value, second in readings:
        oracle = oracles.setdefault(slot, ORACLES[kind](condition, gap))
        found[slot, time] = oracle.see(time, (value, second) if kind == "together" else value)
    return found


@pytest.mark.parametrize("kind", ORACLES)
def test_columns_and_single_readings_give_the_same(kind: str) -> None:
    @settings(max_examples=100)
    @given(
        conditions(kind),
        st.integers(0, 2**32).map(some_series),
        st.sampled_from([None, 10 * MINUTE]),
        st.lists(st.floats(0, 1), max_size=4),
    )
    def check(condition: Unusual | LearnedStuck, readings: list[Reading], gap: int | None, cuts: list[float]) -> None:
        if not condition_is_together(condition):
            readings = [one for one in readings if not math.isnan(one[2])]
        if not readings:
            return
        times = [one[1] for one in readings]
        first, last = min(times), max(times)
        moments = [first + int(part * (last - first)) for part in cuts]
        detector = ColumnarDetector(condition, gap)
        expected = of_oracle(condition, gap, readings)
        for part in cut(readings, moments):
            for one, found in zip(part, detector.see(part), strict=True):
                # Scores of values that are what is expected are differences of equal numbers: all digits may differ.
                assert [*found] == pytest.approx([*expected[one[0], one[1]]], rel=1e-9, abs=1e-12, nan_ok=True), one

    check()
