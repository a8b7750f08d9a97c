"""Find when conditions begin and cease to hold: runs, hysteresis and delays of many series at once.

A reading is an opening candidate if it breaches and the unbroken run of breaching readings that it is in is at least
`for` old. It is a closing candidate if it clears and the unbroken run of clear readings that it is in is at least
`keep` old. The condition holds from an opening candidate until the next closing candidate. All of it is found by
running maxima over row numbers, without a loop over readings or series.
"""

from dataclasses import dataclass

import numpy as np

from telemetry.arrays import BoolArray, FloatArray, IntArray
from transforms.incidents.incident_state import BREACHING, CLEAR, IDLE, LATCH, StateColumns
from transforms.series.track import NONE_US, RowArray, Track, before, latest


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer of a condition for each row of a track.

    Attributes:
        track: the rows.
        breach: (N,) whether the row breaches.
        clear: (N,) whether it clears. A row that does neither lies between a bound and `clear`.
        renews: (N,) whether a breaching row begins a run even after a breaching row; None for never.
        onset_us: (N,) when an incident that opens at a row began, microseconds UTC; None for the start of its run.
        columns: columns of the rule that have changed, besides those of the latch; each (A,).
        score: (N,) how unusual the row is, by a condition that learns; None for other conditions.
        expected: (N,) the usual value, likewise.
        spread: (N,) the standard deviation of usual values, likewise.
    """

    track: Track
    breach: BoolArray
    clear: BoolArray
    renews: BoolArray | None = None
    onset_us: IntArray | None = None
    columns: StateColumns | None = None
    score: FloatArray | None = None
    expected: FloatArray | None = None
    spread: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Delays:
    """Times of a rule, in microseconds.

    Attributes:
        for_us: how long a series must breach.
        keep_us: how long it must be clear.
        gap_us: (S,) longest time between breaching rows of one run for each series; None without a limit.
    """

    for_us: int
    keep_us: int
    gap_us: IntArray | None


@dataclass(frozen=True, slots=True)
class Spells:
    """K spells of rows during which the condition of a series holds, sorted by series and row.

    Attributes:
        series: (K,) number of the series in the track.
        first: (K,) first row; for one that goes on from before, the first row of the series.
        end: (K,) the row that closes it, or the row after the last one of the series.
        opens: (K,) whether it begins here.
        closes: (K,) whether it ends here.
        run: (K,) first row of the track that is counted: where its run began.
        carried: (K,) whether readings from before the track are counted, too.
        onset_us: (K,) when it began, microseconds UTC; of no meaning for one that goes on.
    """

    series: RowArray
    first: RowArray
    end: RowArray
    opens: BoolArray
    closes: BoolArray
    run: RowArray
    carried: BoolArray
    onset_us: IntArray


@dataclass(frozen=True, slots=True)
class Latched:
    """Result of `hold`.

    Attributes:
        judged: what was judged.
        candidate: (N,) whether each row is an opening candidate.
        breaches: (N + 1,) number of breaching rows before each row.
        last_breach: (N,) latest breaching row, it or one before; -1 if there is none.
        spells: when the condition holds.
        before: columns of the latch of the S series before the rows.
        after: the same after the rows, without `worst`.
        run: (S,) first row that `readings` of `after` counts; -1 if it counts none.
        carried: (S,) whether `readings` of `after` counts readings from before the rows, too.
    """

    judged: Judged
    candidate: BoolArray
    breaches: IntArray
    last_breach: RowArray
    spells: Spells
    before: StateColumns
    after: StateColumns
    run: RowArray
    carried: BoolArray


def hold(judged: Judged, delays: Delays, columns: StateColumns) -> Latched:
    """Return when the condition of each series holds.

    Args:
        judged: rows of S series.
        delays: of the rule.
        columns: the latch's columns of all series of the rule, as far as it has them.
    """
    track, breach, clear = judged.track, judged.breach, judged.clear
    slots = track.slots
    if _is_quiet(breach, slots, columns):
        return _nothing(judged)
    old = {name: columns[name][slots] if name in columns else np.full(len(slots), LATCH[name]) for name in LATCH}
    goes_on = before(breach, track, old["phase"] == BREACHING)
    if judged.renews is not None:
        goes_on &= ~judged.renews
    if delays.gap_us is not None:
        elapsed = track.time_us - before(track.time_us, track, old["breached_us"])
        goes_on &= elapsed <= delays.gap_us[track.series]
    run = latest(breach & ~goes_on)
    heads = track.heads
    run_in_track = run >= heads
    since_us = np.where(run_in_track, track.time_us[run], old["since_us"][track.series])
    candidate = breach & (track.time_us - since_us >= delays.for_us) if delays.for_us else breach
    closing, clear_since_us = _closing(judged, delays.keep_us, old)
    mark = np.where(candidate, 2 * np.arange(len(track)) + 1, np.where(closing, 2 * np.arange(len(track)), -1))
    mark = np.maximum.accumulate(mark)
    holds = np.where(mark >> 1 >= heads, mark & 1 == 1, old["open"][track.series])
    last_breach = latest(breach)
    breaches = np.concatenate([[0], np.cumsum(breach)])
    spells = _spells(judged, holds, old, run, run_in_track, since_us)
    last = track.ends - 1
    is_open, breaching = holds[last], breach[last]
    goes_clear = is_open & clear[last] & (delays.keep_us > 0)
    # An open series counts from the start of its latest spell, a pending one from the start of its run.
    counted_run = np.where(breaching, np.maximum(run[last], track.starts), -1)
    counts_carried = breaching & ~run_in_track[last]
    unclosed = ~spells.closes
    counted_run[spells.series[unclosed]] = spells.run[unclosed]
    counts_carried[spells.series[unclosed]] = spells.carried[unclosed]
    counts = counted_run >= 0
    readings = np.where(counts, breaches[track.ends] - breaches[counted_run], 0)
    in_track = last_breach[last] >= track.starts
    breached_us = np.where(in_track, track.time_us[last_breach[last]], old["breached_us"])
    after: StateColumns = {
        "since_us": np.where(breaching, since_us[last], np.where(goes_clear, clear_since_us[last], NONE_US)),
        "breached_us": np.where(counts, breached_us, NONE_US),
        "readings": (readings + np.where(counts_carried, old["readings"], 0)).astype(np.int32),
        "phase": np.where(breaching, BREACHING, np.where(goes_clear, CLEAR, IDLE)).astype(np.uint8),
        "open": is_open,
    }
    return Latched(judged, candidate, breaches, last_breach, spells, old, after, counted_run, counts_carried)


def _is_quiet(breach: BoolArray, slots: RowArray, columns: StateColumns) -> bool:
    """Return whether no row breaches, and no series was open or in a run that matters: most of the time it is so."""
    if breach.any() or columns["open"][slots].any():
        return False
    return "phase" not in columns or not columns["phase"][slots].any()


def _nothing(judged: Judged) -> Latched:
    """Return that nothing holds, and nothing changes."""
    rows, series = len(judged.track), len(judged.track.starts)
    none, false = np.empty(0, np.intp), np.zeros(rows, np.bool_)
    empty = np.empty(0, np.bool_)
    spells = Spells(none, none, none, empty, empty, none, empty, np.empty(0, np.int64))
    breaches, before_all = np.zeros(rows + 1, np.int64), np.full(rows, -1)
    no_run = np.full(series, -1)
    return Latched(judged, false, breaches, before_all, spells, {}, {}, no_run, np.zeros(series, np.bool_))


def _closing(judged: Judged, keep_us: int, old: StateColumns) -> tuple[BoolArray, IntArray]:
    """Return whether each row is a closing candidate, and since when its series is clear, microseconds UTC."""
    track, clear = judged.track, judged.clear
    if not keep_us:
        return clear, track.time_us
    begins = latest(clear & ~before(clear, track, old["phase"] == CLEAR))
    since_us = np.where(begins >= track.heads, track.time_us[begins], old["since_us"][track.series])
    return clear & (track.time_us - since_us >= keep_us), since_us


def _spells(
    judged: Judged, holds: BoolArray, old: StateColumns, run: RowArray, run_in_track: BoolArray, since_us: IntArray
) -> Spells:
    track = judged.track
    held = before(holds, track, old["open"])
    opening, closing = np.flatnonzero(holds & ~held), np.flatnonzero(held & ~holds)
    going_on, unclosed = track.starts[old["open"]], track.ends[holds[track.ends - 1]]
    first = np.concatenate([opening, going_on])
    opens = np.concatenate([np.ones(len(opening), np.bool_), np.zeros(len(going_on), np.bool_)])
    order = np.argsort(first)
    first, opens = first[order], opens[order]
    # The end of a series is the first row of the next one, and comes before that row's own closing.
    ends = np.concatenate([2 * closing, 2 * unclosed - 1])
    ends.sort()
    closes = ends % 2 == 0
    carried = ~opens | ~run_in_track[first]
    onset_us = since_us if judged.onset_us is None else judged.onset_us
    return Spells(
        series=track.series[first],
        first=first,
        end=(ends + 1) // 2,
        opens=opens,
        closes=closes,
        run=np.where(carried, track.heads[first], run[first]),
        carried=carried,
        onset_us=onset_us[first],
    )
