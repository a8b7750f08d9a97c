import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.batches import MINUTE
from transforms.windows.pane_state import UNKNOWN_US, PaneState, decode_pane_state, encode_pane_state

MICROS = st.integers(-(2**62), 2**62)


def ends(*starts: int) -> dict[int, int]:
    """Return the ends of windows of a minute by their starts."""
    return {start: start + MINUTE for start in starts}


@given(
    st.builds(
        PaneState,
        watermark_us=MICROS,
        panes=st.dictionaries(MICROS, st.integers(0, 1_000)),
        unreported=st.sets(MICROS),
        awaiting_end=st.sets(MICROS),
        table_count=st.integers(0, 100),
        early_is_set=st.booleans(),
        hour_buckets=st.sets(MICROS),
    )
)
def test_bytes_and_back(pane_state):
    assert decode_pane_state(encode_pane_state(pane_state)) == pane_state


def test_nothing_known_is_a_new_state():
    assert decode_pane_state(None) == PaneState(UNKNOWN_US, {}, set(), set(), set(), 0, False)
    assert decode_pane_state(None).panes is not decode_pane_state(None).panes


@given(st.lists(st.one_of(st.none(), MICROS)))
def test_the_watermark_never_goes_back(told):
    pane_state = PaneState()
    for watermark_us in told:
        pane_state.advance(watermark_us)
    assert pane_state.watermark_us == max([UNKNOWN_US, *(moment for moment in told if moment is not None)])


def test_a_window_is_opened_once():
    pane_state = PaneState()
    assert pane_state.admit(ends(0, MINUTE)) == ([0, MINUTE], [])
    assert pane_state.admit(ends(MINUTE, 2 * MINUTE)) == ([2 * MINUTE], [])
    assert pane_state.panes == {0: 0, MINUTE: 0, 2 * MINUTE: 0}
    assert pane_state.unreported == pane_state.awaiting_end == {0, MINUTE, 2 * MINUTE}


@pytest.mark.parametrize(
    ("watermark_us", "expected"),
    [(MINUTE - 1, ([0], [])), (MINUTE, ([], [0])), (MINUTE + 1, ([], [0]))],
)
def test_a_window_that_opens_is_late_once_the_watermark_is_at_its_end(watermark_us, expected):
    pane_state = PaneState(watermark_us)
    assert pane_state.admit(ends(0)) == expected
    assert pane_state.unreported == {0}


def test_a_window_that_was_open_is_late_once_its_end_was_reported():
    pane_state = PaneState()
    pane_state.admit(ends(0))
    pane_state.advance(MINUTE)
    assert pane_state.admit(ends(0)) == ([], [])
    pane_state.awaiting_end.discard(0)
    assert pane_state.report(0) == 0
    assert pane_state.admit(ends(0, MINUTE)) == ([MINUTE], [0])


def test_panes_of_each_window_are_numbered_from_0():
    pane_state = PaneState()
    pane_state.admit(ends(0, MINUTE))
    assert [pane_state.report(0), pane_state.report(0), pane_state.report(MINUTE), pane_state.report(0)] == [0, 1, 0, 2]
    assert pane_state.panes == {0: 3, MINUTE: 1}


def test_a_report_takes_what_was_unreported():
    pane_state = PaneState()
    pane_state.admit(ends(0, MINUTE))
    pane_state.report(0)
    assert pane_state.unreported == {MINUTE}
    pane_state.admit(ends(0))
    assert pane_state.unreported == {0, MINUTE}


def test_the_numbers_go_on_after_bytes_and_back():
    pane_state = PaneState()
    pane_state.admit(ends(0))
    pane_state.report(0)
    again = decode_pane_state(encode_pane_state(pane_state))
    again.admit(ends(0))
    assert again.report(0) == 1


def test_an_hour_bucket_that_is_closed_is_forgotten_but_for_the_watermark():
    pane_state = PaneState()
    pane_state.admit(ends(0, 59 * MINUTE, 60 * MINUTE))
    pane_state.report(60 * MINUTE)
    pane_state.advance(71 * MINUTE)
    pane_state.table_count, pane_state.early_is_set, pane_state.hour_buckets = 3, True, {0, 60 * MINUTE}
    pane_state.close(0, 60 * MINUTE)
    assert pane_state == PaneState(71 * MINUTE, {60 * MINUTE: 1}, set(), {60 * MINUTE}, {60 * MINUTE}, 3, True)
    pane_state.close(60 * MINUTE, 120 * MINUTE)
    assert pane_state == PaneState(71 * MINUTE, {}, set(), set(), set(), 3, True)


def test_states_do_not_share_their_windows():
    first, second = PaneState(), PaneState()
    first.admit(ends(0))
    assert second == PaneState()
