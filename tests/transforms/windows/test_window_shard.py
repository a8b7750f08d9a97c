"""The transitions of one key, and the law that the order of due timers does not matter."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from telemetry.model.reading_batch import ReadingBatch
from tests.support.batches import BY_MINUTE, MINUTE, Row, batch_of
from tests.support.keyed_state import Bag
from tests.support.local_windows import LocalWindows, local_us
from transforms.windows import window_shard
from transforms.windows.aggregate_table import COUNT, FIRST, LAST, MAX, MIN, AggregateTable, aggregate_batch
from transforms.windows.pane_state import PaneState, decode_pane_state, encode_pane_state
from transforms.windows.partial_aggregate import PartialAggregate, decode_partial, encode_partial, partial_aggregates
from transforms.windows.table_bytes import decode_table
from transforms.windows.window_shard import Arrived, Pane, WindowShard
from transforms.windows.window_spec import WindowSpec

HOUR = 60 * MINUTE
SPEC = WindowSpec(MINUTE, MINUTE, 2 * MINUTE)

Contents = dict[tuple[str, int], tuple[int, float, float, float, float]]
"""(number, min, max, first, last) of temp by device and start of the window."""
Report = tuple[str, int, int, int]
"""Timing, index, start of the window and number of readings of a pane."""


def contents_of(table: AggregateTable) -> Contents:
    temp = table.metrics.index("temp")
    return {
        (table.devices[table.device[n]], int(table.window_us[n])): (
            int(table.ints[COUNT, temp, n]),
            *table.floats[[MIN, MAX, FIRST, LAST], temp, n].tolist(),
        )
        for n in range(len(table))
    }


def plain_contents(rows: Sequence[tuple[Row, int]]) -> Contents:
    """The same from the definition, for readings and the window each is in."""
    groups: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row, window_us in rows:
        groups[row[0], window_us].append(row)
    found: Contents = {}
    for key, members in groups.items():
        values = [row[3] for row in members]
        first_us, last_us = min(row[1] for row in members), max(row[1] for row in members)
        first = min(row[3] for row in members if row[1] == first_us)
        found[key] = len(values), min(values), max(values), first, max(row[3] for row in members if row[1] == last_us)
    return found


def told_batch(rows: Sequence[Row], watermark_us: int | None) -> ReadingBatch:
    """One message of these rows, whose source tells this watermark."""
    batch = batch_of(rows)
    return replace(batch, messages=batch.messages.at(watermark_us))


@dataclass
class Key:
    """A key of a runner: its state as bytes between two transitions, its timers, and all that was emitted."""

    spec: WindowSpec = SPEC
    hour_bucket_us: int = HOUR
    pane_state: bytes | None = None
    tables: Bag = field(default_factory=Bag)
    ends: dict[int, int] = field(default_factory=dict)
    closes: dict[int, int] = field(default_factory=dict)
    early_is_set: bool = False
    panes: list[Pane] = field(default_factory=list)

    def state(self) -> PaneState:
        return decode_pane_state(self.pane_state)

    def arrive(self, partial: PartialAggregate) -> Arrived:
        shard = self._shard()
        arrived = shard.arrive(decode_partial(encode_partial(partial)))
        assert all(self.ends.get(start, due) == due for start, due in arrived.end_timers.items()), "a timer stays"
        self.ends |= arrived.end_timers
        self.closes |= arrived.close_timers
        self.early_is_set |= arrived.needs_early_timer
        self._keep(shard, arrived.panes)
        return arrived

    def arrive_rows(self, rows: Sequence[Row], watermark_us: int | None = None) -> list[Arrived]:
        batch = told_batch(rows, watermark_us)
        return [self.arrive(partial) for _, _, partial in partial_aggregates(batch, self.spec, 1, self.hour_bucket_us)]

    def fire(self, kind: str, tag: int = 0) -> None:
        shard = self._shard()
        if kind == "end":
            del self.ends[tag]
            panes = shard.end(tag)
        elif kind == "close":
            del self.closes[tag]
            panes = shard.close(tag)
        elif kind == "report":
            panes = shard.report_all()
        else:
            self.early_is_set = False
            panes = shard.early()
        self._keep(shard, panes)

    def due(self, watermark_us: int) -> list[tuple[str, int]]:
        """Timers that a runner may fire next, in any order."""
        timers = [("end", tag) for tag, at in self.ends.items() if at <= watermark_us]
        timers += [("close", tag) for tag, at in self.closes.items() if at <= watermark_us]
        return timers + ([("early", 0)] if self.early_is_set else [])

    def reports(self) -> list[Report]:
        return [
            (pane.timing, pane.index, int(pane.table.window_us[0]), int(pane.table.ints[COUNT, 1].sum()))
            for pane in self.panes
        ]

    def _shard(self) -> WindowShard:
        return WindowShard(self.spec, self.hour_bucket_us, self.state(), self.tables)

    def _keep(self, shard: WindowShard, panes: list[Pane]) -> None:
        self.panes += panes
        self.pane_state = encode_pane_state(shard.pane_state)
        assert shard.pane_state.table_count == len(self.tables.contents)


def at(minute: float, temp: float = 20.0, device: str = "a") -> Row:
    return device, round(minute * MINUTE), 50.0, temp


def test_a_window_is_reported_at_its_end():
    key = Key()
    (arrived,) = key.arrive_rows([at(0), at(0.5), at(1)])
    assert arrived == Arrived(
        rows_in_time=3, end_timers={0: MINUTE, MINUTE: 2 * MINUTE}, close_timers={0: HOUR + 3 * MINUTE}
    )
    key.fire("end", 0)
    assert key.reports() == [("on_time", 0, 0, 2)]
    assert key.state() == PaneState(MINUTE, {0: 1, MINUTE: 0}, {MINUTE}, {MINUTE}, {0}, 1)


def test_a_late_reading_repeats_its_window_at_once():
    key = Key()
    key.arrive_rows([at(0)])
    key.fire("end", 0)
    (arrived,) = key.arrive_rows([at(0.5), at(1.5)])
    assert (arrived.lateness_us, arrived.end_timers, arrived.close_timers) == ([0], {MINUTE: 2 * MINUTE}, {})
    assert key.reports() == [("on_time", 0, 0, 1), ("late", 1, 0, 2)]


def test_a_window_whose_first_reading_is_late_has_no_end():
    key = Key()
    (arrived,) = key.arrive_rows([at(0)], watermark_us=2 * MINUTE + 7_000)
    assert (arrived.lateness_us, arrived.end_timers) == ([MINUTE + 7_000], {})
    assert key.reports() == [("late", 0, 0, 1)]


def test_a_window_is_not_late_before_its_end_is_reported():
    """The source's watermark is known from a message before the runner fires the timer."""
    key = Key()
    key.arrive_rows([at(0)])
    (arrived,) = key.arrive_rows([at(0.5)], watermark_us=2 * MINUTE)
    assert (arrived.lateness_us, key.reports()) == ([], [])
    key.fire("end", 0)
    assert key.reports() == [("on_time", 0, 0, 2)]


def test_what_misses_its_window_is_a_dead_letter_and_its_values_are_missed():
    key = Key()
    (arrived,) = key.arrive_rows([at(0.5, 31.0), at(1.5)], watermark_us=3 * MINUTE)
    assert arrived.dead_letters is not None
    assert arrived.missed is not None
    assert arrived.dead_letters.column("reason").to_pylist() == ["too_late"]
    assert contents_of(arrived.missed.table) == {("a", 0): (1, 31.0, 31.0, 31.0, 31.0)}
    assert arrived.missed.message_ids == ("m",)
    assert key.reports() == [("late", 0, MINUTE, 1)]


def test_the_number_of_possibly_late_rows_that_are_in_time_is_told():
    key = Key()
    (arrived,) = key.arrive_rows([at(0.5), at(1.5), at(2.5)])  # the source tells no watermark: each may be late
    assert arrived.rows_in_time == 3
    key.fire("end", 2 * MINUTE)
    (arrived,) = key.arrive_rows([at(0.6), at(1.6), at(2.6)])
    assert (arrived.rows_in_time, len(arrived.dead_letters or ())) == (2, 1)


def test_early_panes_are_reported_only_when_something_is_new():
    key = Key(replace(SPEC, early_us=1))
    (arrived,) = key.arrive_rows([at(0)])
    assert arrived.needs_early_timer
    (arrived,) = key.arrive_rows([at(0.1)])
    assert not arrived.needs_early_timer, "it is set already"
    key.fire("early")
    (arrived,) = key.arrive_rows([at(1)])
    assert arrived.needs_early_timer
    key.fire("early")
    key.fire("end", 0)
    assert key.reports() == [("early", 0, 0, 2), ("early", 0, MINUTE, 1), ("on_time", 1, 0, 2)]


def test_without_early_firings_no_timer_is_asked_for():
    (arrived,) = Key().arrive_rows([at(0)])
    assert not arrived.needs_early_timer


def test_closing_before_an_end_reports_the_window_once():
    key = Key()
    key.arrive_rows([at(0), at(59)])
    key.fire("end", 0)
    key.fire("close", 0)
    assert key.reports() == [("on_time", 0, 0, 1), ("on_time", 0, 59 * MINUTE, 1)]
    key.fire("end", 59 * MINUTE)
    assert len(key.panes) == 2
    assert key.tables.contents == []
    assert key.state() == PaneState(HOUR + 3 * MINUTE)


def test_closing_before_an_end_reports_a_window_that_had_early_panes():
    key = Key(replace(SPEC, early_us=1))
    key.arrive_rows([at(0)])
    key.fire("early")
    key.fire("close", 0)
    key.fire("end", 0)
    assert key.reports() == [("early", 0, 0, 1), ("on_time", 1, 0, 1)]


def test_an_early_firing_after_the_closing_reports_nothing():
    key = Key(replace(SPEC, early_us=1))
    key.arrive_rows([at(0)])
    key.fire("close", 0)
    key.fire("early")
    assert key.reports() == [("on_time", 0, 0, 1)]


def test_ends_in_the_wrong_order_are_both_on_time():
    key = Key()
    key.arrive_rows([at(0), at(1)])
    key.fire("end", MINUTE)
    key.arrive_rows([at(0.5)])
    key.fire("end", 0)
    assert key.reports() == [("on_time", 0, MINUTE, 1), ("on_time", 0, 0, 2)]


def test_closing_an_hour_keeps_the_other_hours_of_the_key():
    key = Key()
    key.arrive_rows([at(0), at(168 * 60)])
    key.fire("close", 0)
    assert key.reports() == [("on_time", 0, 0, 1)]
    key.fire("end", 168 * HOUR)
    key.fire("close", 168 * HOUR)
    assert key.reports()[1:] == [("on_time", 0, 168 * HOUR, 1)]
    assert key.tables.contents == []


def test_arrivals_only_add_to_the_tables_until_there_are_too_many():
    key = Key()
    for n in range(window_shard.MAX_TABLES):
        key.arrive_rows([at(n)])
    assert (len(key.tables.contents), key.tables.reads) == (window_shard.MAX_TABLES, 0)
    key.arrive_rows([at(0.5)])
    assert (len(key.tables.contents), key.tables.reads) == (1, 1)
    assert len(decode_table(key.tables.contents[0])) == window_shard.MAX_TABLES
    key.fire("end", 0)
    assert key.reports() == [("on_time", 0, 0, 2)]


def test_a_window_that_takes_readings_after_the_report_of_all_is_reported_again():
    key = Key()
    key.arrive_rows([at(0), at(1)])
    key.fire("report")
    assert key.reports() == [("on_time", 0, 0, 1), ("on_time", 0, MINUTE, 1)]
    (arrived,) = key.arrive_rows([at(0.5)])
    assert (arrived.end_timers, arrived.lateness_us) == ({0: MINUTE}, [])
    key.fire("end", 0)
    key.fire("end", MINUTE)
    assert key.reports()[2:] == [("on_time", 1, 0, 2)], "with all its readings, and the other not again"
    key.arrive_rows([at(0.75)])
    assert key.reports()[3:] == [("late", 2, 0, 3)]


def test_a_report_of_all_without_new_readings_reports_nothing():
    key = Key()
    key.fire("report")
    key.arrive_rows([at(0)])
    key.fire("report")
    key.fire("report")
    assert key.reports() == [("on_time", 0, 0, 1)]


@pytest.mark.parametrize(("day", "hours"), [((3, 28), 23), ((10, 31), 25)])
def test_a_local_day_ends_by_the_clock(day, hours):
    key = Key(WindowSpec(24 * HOUR, 24 * HOUR, 2 * MINUTE, zone="Europe/Rome"), 24 * HOUR)
    midnight = local_us("Europe/Rome", 2021, *day)
    (arrived,) = key.arrive_rows([("a", midnight + HOUR, 50.0, 20.0)])
    assert arrived.end_timers == {midnight: midnight + hours * HOUR}
    key.fire("end", midnight)
    assert key.state().watermark_us == midnight + hours * HOUR
    (arrived,) = key.arrive_rows([("a", midnight + 2 * HOUR, 50.0, 20.0)], midnight + hours * HOUR + MINUTE)
    assert (arrived.lateness_us, key.reports()) == ([MINUTE], [("on_time", 0, midnight, 1), ("late", 1, midnight, 2)])
    (arrived,) = key.arrive_rows([("a", midnight + 3 * HOUR, 50.0, 20.0)], midnight + hours * HOUR + 2 * MINUTE)
    assert (arrived.dead_letters is not None, len(key.panes)) == (True, 2)


def test_an_hour_is_not_closed_before_the_windows_that_begin_in_it():
    """Where offsets are not whole hours, the long windows of a change begin in the middle of their hour bucket."""
    key = Key(WindowSpec(3 * HOUR, HOUR, MINUTE, zone="America/St_Johns"))
    midnight = local_us("America/St_Johns", 2021, 11, 7)
    for arrived in key.arrive_rows([("a", midnight + minutes * MINUTE, 50.0, 20.0) for minutes in range(0, 300, 30)]):
        (close_us,) = arrived.close_timers.values()
        assert max(arrived.end_timers.values()) + MINUTE <= close_us


@dataclass
class Story:
    """Readings of one key, and the panes it must have reported by the end."""

    accepted: list[tuple[Row, int]] = field(default_factory=list)
    missed: list[tuple[Row, int]] = field(default_factory=list)
    late_rows: int = 0
    rows: int = 0

    def arrive(self, key: Key, rows: Sequence[Row], watermark_us: int, *, tells: bool) -> None:
        """Let rows arrive while the runner's watermark is this; what is closed is told by the shard where it may be."""
        arrivals = key.arrive_rows(rows, watermark_us if tells else None)
        spec = key.spec
        windows = [(row, start) for row in rows for start in windows_of(row[1], spec)]
        refused = {start for _, start in windows if end_of(start, spec) + spec.allowed_lateness_us <= watermark_us}
        missed = {start for one in arrivals if one.missed for start in one.missed.table.window_us.tolist()}
        assert missed == refused if tells else missed <= refused, "a reading is never refused before"
        self.accepted += [one for one in windows if one[1] not in missed]
        self.missed += [one for one in windows if one[1] in missed]
        self.rows += len(rows)
        dead = sum(len(one.dead_letters) for one in arrivals if one.dead_letters is not None)
        assert dead == sum(1 for row in rows if missed & set(windows_of(row[1], spec)))
        self.late_rows += dead
        found = [contents_of(one.missed.table) for one in arrivals if one.missed is not None]
        assert {k: v for part in found for k, v in part.items()} == plain_contents(
            [one for one in windows if one[1] in missed]
        )


def plain_windows(spec: WindowSpec) -> LocalWindows:
    return LocalWindows(spec.size_us // 1_000_000, spec.slide_us // 1_000_000, 0, spec.zone)


def end_of(window_us: int, spec: WindowSpec) -> int:
    return plain_windows(spec).end(window_us) if spec.zone else window_us + spec.size_us


def windows_of(event_us: int, spec: WindowSpec) -> list[int]:
    if spec.zone:
        return list(plain_windows(spec).starts(event_us))
    bucket = event_us - event_us % spec.slide_us
    return [bucket - n * spec.slide_us for n in range(spec.size_us // spec.slide_us)]


def check_panes(panes: Sequence[Pane], *, reported_all: bool) -> None:
    """Of each window: panes in their order, one of them on time if it opened in time, none that repeats another.

    Windows that were reported before their end, with all others, have early panes and panes on time after that.
    """
    by_window: dict[int, list[Pane]] = defaultdict(list)
    for pane in panes:
        by_window[int(pane.table.window_us[0])].append(pane)
    for reported in by_window.values():
        timings = "".join(pane.timing[0] for pane in reported)
        assert [pane.index for pane in reported] == list(range(len(reported)))
        before_end = "eo" if reported_all else "e"
        assert timings.lstrip(before_end).removeprefix("o").strip("l") == "", timings
        assert "o" in timings or "e" not in timings, "an early pane is followed by one on time"
        numbers = [int(pane.table.ints[COUNT, 1].sum()) for pane in reported]
        for pane, before, number in zip(reported[1:], numbers, numbers[1:], strict=False):
            assert number > before or (number == before and pane.timing == "on_time"), "nothing is reported twice"


def check_all_reported(key: Key, story: Story) -> None:
    """Whoever reads the last pane of each window has every reading that arrived."""
    seen: Contents = {}
    for pane in key.panes:
        seen |= contents_of(pane.table)
    assert seen == plain_contents(story.accepted)
    assert key.state().awaiting_end == set()


SPECS = [
    WindowSpec(MINUTE, MINUTE, 0),
    WindowSpec(MINUTE, MINUTE, 2 * MINUTE, early_us=1),
    WindowSpec(3 * MINUTE, MINUTE, MINUTE, early_us=1),
]
DAYS = [
    WindowSpec(24 * HOUR, 24 * HOUR, 0, zone="Europe/Rome"),
    WindowSpec(24 * HOUR, 6 * HOUR, 3 * HOUR, early_us=1, zone="Europe/Rome"),
    WindowSpec(6 * HOUR, 6 * HOUR, HOUR, zone="Europe/Rome"),
    WindowSpec(3 * HOUR, HOUR, 0, zone="Europe/Rome"),
    WindowSpec(3 * HOUR, HOUR, 5 * HOUR, zone="America/St_Johns"),  # half an hour off: no window begins with its bucket
]
CHANGES = {"Europe/Rome": [(3, 28), (10, 31)], "America/St_Johns": [(3, 14), (11, 7)]}
"""Days of 2021 on which clocks are changed."""
ROWS = st.lists(
    st.builds(at, st.integers(0, 40).map(lambda n: n / 4), st.integers(18, 32).map(float), st.sampled_from("ab")),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=300)
@given(
    data=st.data(),
    spec=st.sampled_from(SPECS),
    tells=st.booleans(),
    reports=st.booleans(),
    hour_bucket_us=st.sampled_from([MINUTE, 3 * MINUTE, HOUR]),
    max_tables=st.sampled_from([1, 3, 16]),
)
def test_due_timers_in_any_order_give_the_plain_aggregates(data, spec, tells, reports, hour_bucket_us, max_tables):
    """A runner lets readings arrive, advances its watermark and fires timers that are due, as it likes."""
    check_any_order(data, Key(spec, hour_bucket_us), data.draw(st.lists(ROWS, max_size=6)), tells, reports, max_tables)


@settings(deadline=None, max_examples=100)
@given(
    data=st.data(),
    spec=st.sampled_from(DAYS),
    tells=st.booleans(),
    reports=st.booleans(),
    change=st.integers(0, 1),
    max_tables=st.sampled_from([1, 3, 16]),
)
def test_due_timers_in_any_order_give_the_plain_days(data, spec, tells, reports, change, max_tables):
    """The same over a day on which the clock is changed; of hours, the windows around the change."""
    scale = 60 if spec.size_us < 6 * HOUR else 360
    start_us = local_us(spec.zone, 2021, *CHANGES[spec.zone][change]) - (0 if scale == 60 else 24 * HOUR)
    drawn = data.draw(st.lists(ROWS, max_size=6))
    arrivals = [[(name, start_us + us * scale, *values) for name, us, *values in rows] for rows in drawn]
    key = Key(spec, max(HOUR, spec.slide_us))
    check_any_order(data, key, arrivals, tells, reports, max_tables, start_us, scale * MINUTE)


def check_any_order(
    data: st.DataObject,
    key: Key,
    arrivals: list[list[Row]],
    tells: bool,
    reports: bool,
    max_tables: int,
    watermark_us: int = 0,
    unit_us: int = MINUTE,
) -> None:
    """Let readings arrive at a key and timers fire in an order that is drawn, and check all that is reported."""
    story, fired = Story(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_shard, "MAX_TABLES", max_tables)
        while arrivals or key.due(2**62):
            actions: list[tuple[str, int]] = [*key.due(watermark_us if arrivals else 2**62)]
            if arrivals:
                actions += [("arrive", 0), ("advance", 1), ("advance", 4)]
                actions += [("report", 0)] if reports else []
            kind, tag = data.draw(st.sampled_from(actions))
            if kind == "arrive":
                story.arrive(key, arrivals.pop(), watermark_us, tells=tells)
            elif kind == "advance":
                watermark_us += tag * unit_us
            else:
                fired.append((kind, tag))
                key.fire(kind, tag)
                if kind == "report":
                    check_all_reported(key, story)
    closed = [tag for kind, tag in fired if kind == "close"]
    first_ends = {tag: n for n, (kind, tag) in enumerate(fired) if kind == "end"}
    if any(first_ends.get(tag, -1) > fired.index(("close", tag)) for tag in closed):
        event("an hour was closed before the end of its first window")
    check_panes(key.panes, reported_all=("report", 0) in fired)
    final: Contents = {}
    for pane in key.panes:
        final |= contents_of(pane.table)
    assert final == plain_contents(story.accepted)
    assert (key.tables.contents, key.state()) == ([], PaneState(key.state().watermark_us))


def test_the_plain_computation_is_that_of_a_table():
    rows = [at(0, 20.0), at(0.5, 31.0), at(0.5, 29.0, "b"), at(1, 18.0), at(1, 25.0)]
    expected = plain_contents([(row, row[1] - row[1] % MINUTE) for row in rows])
    assert contents_of(aggregate_batch(batch_of(rows), BY_MINUTE)) == expected
