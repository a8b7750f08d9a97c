import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.batches import MINUTE
from transforms.windows.pane_state import UNKNOWN_US, PaneState, decode_pane_state, encode_pane_state
from transforms.windows.window_spec import WindowSpec

SPEC = WindowSpec(MINUTE, MINUTE, 10 * MINUTE)
MICROS = st.integers(-(2**62), 2**62)


@given(
    st.builds(
        PaneState,
        watermark_us=MICROS,
        panes=st.dictionaries(MICROS, st.integers(0, 1_000)),
        unreported=st.sets(MICROS),
        parts=st.integers(0, 100),
        early_is_set=st.booleans(),
        stretches=st.sets(MICROS),
    )
)
def test_bytes_and_back(log):
    assert decode_pane_state(encode_pane_state(log)) == log


def test_nothing_known_is_a_new_ledger():
    assert decode_pane_state(None) == PaneState(UNKNOWN_US, {}, set(), 0, False)
    assert decode_pane_state(None).panes is not decode_pane_state(None).panes


@given(st.lists(st.one_of(st.none(), MICROS)))
def test_the_watermark_never_goes_back(told):
    log = PaneState()
    for watermark_us in told:
        log.advance(watermark_us)
    assert log.watermark_us == max([UNKNOWN_US, *(moment for moment in told if moment is not None)])


def test_a_window_is_opened_once():
    log = PaneState()
    assert log.admit([0, MINUTE], SPEC) == ([0, MINUTE], [])
    assert log.admit([MINUTE, 2 * MINUTE], SPEC) == ([2 * MINUTE], [])
    assert log.panes == {0: 0, MINUTE: 0, 2 * MINUTE: 0}
    assert log.unreported == {0, MINUTE, 2 * MINUTE}


@pytest.mark.parametrize(
    ("watermark_us", "expected"),
    [(MINUTE - 1, ([0], [])), (MINUTE, ([], [0])), (MINUTE + 1, ([], [0]))],
)
def test_a_window_is_late_once_the_watermark_is_at_its_end(watermark_us, expected):
    log = PaneState(watermark_us)
    assert log.admit([0], SPEC) == expected
    assert log.unreported == {0}


def test_a_window_that_was_open_is_late_afterwards():
    log = PaneState()
    log.admit([0], SPEC)
    log.advance(MINUTE)
    assert log.report(0) == 0
    assert log.admit([0, MINUTE], SPEC) == ([MINUTE], [0])


def test_panes_of_each_window_are_numbered_from_0():
    log = PaneState()
    log.admit([0, MINUTE], SPEC)
    assert [log.report(0), log.report(0), log.report(MINUTE), log.report(0)] == [0, 1, 0, 2]
    assert log.panes == {0: 3, MINUTE: 1}


def test_a_report_takes_what_was_unreported():
    log = PaneState()
    log.admit([0, MINUTE], SPEC)
    log.report(0)
    assert log.unreported == {MINUTE}
    log.admit([0], SPEC)
    assert log.unreported == {0, MINUTE}


def test_the_numbers_go_on_after_bytes_and_back():
    log = PaneState()
    log.admit([0], SPEC)
    log.report(0)
    again = decode_pane_state(encode_pane_state(log))
    again.admit([0], SPEC)
    assert again.report(0) == 1


def test_a_stretch_that_is_closed_is_forgotten_but_for_the_time():
    log = PaneState()
    log.admit([0, 59 * MINUTE, 60 * MINUTE], SPEC)
    log.report(60 * MINUTE)
    log.parts, log.early_is_set, log.stretches = 3, True, {0, 60 * MINUTE}
    log.close(0, 60 * MINUTE, 71 * MINUTE)
    assert log == PaneState(71 * MINUTE, {60 * MINUTE: 1}, set(), 3, True, {60 * MINUTE})
    log.close(60 * MINUTE, 120 * MINUTE, MINUTE)
    assert log == PaneState(71 * MINUTE, {}, set(), 3, True)


def test_ledgers_do_not_share_their_windows():
    first, second = PaneState(), PaneState()
    first.admit([0], SPEC)
    assert second == PaneState()
