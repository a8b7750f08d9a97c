"""The step that holds windows, called as a runner calls it; streams are told in tests/pipeline/stories.yaml."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp

from tests.support.batches import MINUTE, Row, batch_of
from tests.support.counting import Tally, recorded
from tests.support.keyed_state import Bag, Timer, Value
from transforms.windows import stateful_windows
from transforms.windows.partial_aggregate import encode_partial, partial_aggregates
from transforms.windows.stateful_windows import DEAD_LETTERS, MISSED, StatefulWindows
from transforms.windows.window_spec import WindowSpec

HOUR = 60 * MINUTE
SPEC = WindowSpec(MINUTE, MINUTE, 2 * MINUTE, early_us=10_000_000)


@pytest.fixture
def tally() -> Iterator[Tally]:
    with recorded() as counted:
        yield counted


@dataclass
class Key:
    """One key of a runner that calls the step."""

    step: StatefulWindows = field(default_factory=lambda: StatefulWindows(SPEC, HOUR))
    pane_state: Value = field(default_factory=Value)
    tables: Bag = field(default_factory=Bag)
    end: Timer = field(default_factory=Timer)
    close: Timer = field(default_factory=Timer)
    early: Timer = field(default_factory=Timer)

    def arrive(self, rows: list[Row]) -> list[Any]:
        """Process the partial aggregates of rows; returns what the step yields."""
        timers = {"end": self.end, "close": self.close, "early": self.early}
        return [
            output
            for shard, bucket, partial in partial_aggregates(batch_of(rows), SPEC, 1, HOUR)
            for output in self.step.process(
                ((shard, bucket), encode_partial(partial)), Timestamp(1), self.tables, self.pane_state, **timers
            )
        ]

    def fire_end(self, tag: str) -> None:
        self.step.on_end(tag, Timestamp(micros=self.end.set_us.pop(tag)), self.tables, self.pane_state)

    def fire_close(self, tag: str) -> None:
        self.step.on_close(tag, Timestamp(micros=self.close.set_us.pop(tag)), self.tables, self.pane_state)


def row(minute: float, temp: float = 20.0) -> Row:
    return "a", round(minute * MINUTE), 50.0, temp


def panes_of(step: StatefulWindows) -> list[tuple[str, int, str, int, int]]:
    """(timing, pane, metric, minute of the window, count) of what the end of a bundle emits, and when it is."""
    found = []
    for emitted in step.finish_bundle():
        assert emitted.windows == (GlobalWindow(),)
        for record in emitted.value.to_pylist():
            minute = int(record["window_start"].timestamp()) // 60
            found.append((record["timing"], record["pane_index"], record["metric"], minute, record["count"]))
    return found


def test_an_arrival_sets_timers_and_emits_nothing() -> None:
    key = Key()
    key.step.start_bundle()
    assert key.arrive([row(0.5), row(61)]) == []
    assert key.end.set_us == {"0": MINUTE, str(61 * MINUTE): 62 * MINUTE}
    assert key.close.set_us == {"0": HOUR + 3 * MINUTE, str(HOUR): 2 * HOUR + 3 * MINUTE}
    assert list(key.early.set_us) == [""]
    assert panes_of(key.step) == []


def test_a_report_emits_the_open_windows_and_keeps_them(tally: Tally) -> None:
    key = Key()
    key.step.start_bundle()
    key.arrive([row(0.5), row(61)])
    key.step.on_report(Timestamp(2), key.tables, key.pane_state)
    panes = panes_of(key.step)
    assert [pane for pane in panes if pane[2] == "temp"] == [
        ("on_time", 0, "temp", 0, 1),
        ("on_time", 0, "temp", 61, 1),
    ]
    key.step.start_bundle()
    key.arrive([row(0.75)])
    key.fire_end("0")
    key.fire_end(str(61 * MINUTE))
    assert [pane for pane in panes_of(key.step) if pane[2] == "temp"] == [("on_time", 1, "temp", 0, 2)]
    assert tally.counts["panes"] == 3


@pytest.mark.parametrize("closed_first", [True, False])
def test_a_closing_timer_may_fire_before_the_end_timer_of_a_window(tally: Tally, closed_first: bool) -> None:
    key = Key()
    key.step.start_bundle()
    key.arrive([row(59), row(59.5)])
    first, second = (key.fire_close, "0"), (key.fire_end, str(59 * MINUTE))
    for fire, tag in (first, second) if closed_first else (second, first):
        fire(tag)
    assert panes_of(key.step) == [("on_time", 0, "humidity", 59, 2), ("on_time", 0, "temp", 59, 2)]
    assert key.tables.contents == []
    assert tally.counts == {"rows_aggregated": 2, "panes": 1, "aggregates": 2}


def test_panes_of_a_bundle_are_emitted_together_at_the_latest_of_their_times() -> None:
    key = Key()
    key.step.start_bundle()
    key.arrive([row(0), row(1), row(2)])
    for minute in (1, 0):
        key.fire_end(str(minute * MINUTE))
    (emitted,) = key.step.finish_bundle()
    assert emitted.timestamp == Timestamp(micros=2 * MINUTE)
    assert emitted.value.num_rows == 4


def test_what_is_too_late_is_yielded_and_counted(tally: Tally) -> None:
    key = Key()
    key.step.start_bundle()
    key.arrive([row(3)])
    key.fire_end(str(3 * MINUTE))
    dead, missed = key.arrive([row(0.5, 31.0), row(2)])
    assert isinstance(dead, beam.pvalue.TaggedOutput)
    assert (dead.tag, missed.tag) == (DEAD_LETTERS, MISSED)
    assert [record["reason"] for record in dead.value.to_pylist()] == ["too_late"]
    assert missed.value.message_ids == ("m",)
    panes = panes_of(key.step)
    assert [pane for pane in panes if pane[2] == "temp"] == [("on_time", 0, "temp", 3, 1), ("late", 0, "temp", 2, 1)]
    assert tally.counts == {"rows_aggregated": 2, "dead_letters/too_late": 1, "panes": 2, "aggregates": 4}
    assert tally.values == {"window_lateness_ms": [60_000]}


def test_a_bundle_that_fails_counts_nothing(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> pa.RecordBatch:
        raise ValueError("broken")

    key = Key()
    key.step.start_bundle()
    key.arrive([row(3)])
    key.fire_end(str(3 * MINUTE))
    key.arrive([row(0.5)])
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="broken"):
        patch.setattr(stateful_windows, "aggregates", fail)
        panes_of(key.step)
    assert tally.counts == {}
    key.step.start_bundle()
    assert panes_of(key.step) == []
    assert tally.counts == {}
