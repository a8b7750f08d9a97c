import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.batches import MINUTE
from transforms.ledger import UNKNOWN_US, Ledger, decode_ledger, encode_ledger
from transforms.windows import WindowSpec

SPEC = WindowSpec(MINUTE, MINUTE, 10 * MINUTE)
MICROS = st.integers(-(2**62), 2**62)


@given(
    st.builds(
        Ledger,
        watermark_us=MICROS,
        panes=st.dictionaries(MICROS, st.integers(0, 1_000)),
        unreported=st.sets(MICROS),
        parts=st.integers(0, 100),
        early_is_set=st.booleans(),
    )
)
def test_bytes_and_back(ledger):
    assert decode_ledger(encode_ledger(ledger)) == ledger


def test_nothing_known_is_a_new_ledger():
    assert decode_ledger(None) == Ledger(UNKNOWN_US, {}, set(), 0, False)
    assert decode_ledger(None).panes is not decode_ledger(None).panes


@given(st.lists(st.one_of(st.none(), MICROS)))
def test_the_watermark_never_goes_back(told):
    ledger = Ledger()
    for watermark_us in told:
        ledger.advance(watermark_us)
    assert ledger.watermark_us == max([UNKNOWN_US, *(moment for moment in told if moment is not None)])


def test_a_window_is_opened_once():
    ledger = Ledger()
    assert ledger.admit([0, MINUTE], SPEC) == ([0, MINUTE], [])
    assert ledger.admit([MINUTE, 2 * MINUTE], SPEC) == ([2 * MINUTE], [])
    assert ledger.panes == {0: 0, MINUTE: 0, 2 * MINUTE: 0}
    assert ledger.unreported == {0, MINUTE, 2 * MINUTE}


@pytest.mark.parametrize(
    ("watermark_us", "expected"),
    [(MINUTE - 1, ([0], [])), (MINUTE, ([], [0])), (MINUTE + 1, ([], [0]))],
)
def test_a_window_is_late_once_the_watermark_is_at_its_end(watermark_us, expected):
    ledger = Ledger(watermark_us)
    assert ledger.admit([0], SPEC) == expected
    assert ledger.unreported == {0}


def test_a_window_that_was_open_is_late_afterwards():
    ledger = Ledger()
    ledger.admit([0], SPEC)
    ledger.advance(MINUTE)
    assert ledger.report(0) == 0
    assert ledger.admit([0, MINUTE], SPEC) == ([MINUTE], [0])


def test_panes_of_each_window_are_numbered_from_0():
    ledger = Ledger()
    ledger.admit([0, MINUTE], SPEC)
    assert [ledger.report(0), ledger.report(0), ledger.report(MINUTE), ledger.report(0)] == [0, 1, 0, 2]
    assert ledger.panes == {0: 3, MINUTE: 1}


def test_a_report_takes_what_was_unreported():
    ledger = Ledger()
    ledger.admit([0, MINUTE], SPEC)
    ledger.report(0)
    assert ledger.unreported == {MINUTE}
    ledger.admit([0], SPEC)
    assert ledger.unreported == {0, MINUTE}


def test_the_numbers_go_on_after_bytes_and_back():
    ledger = Ledger()
    ledger.admit([0], SPEC)
    ledger.report(0)
    again = decode_ledger(encode_ledger(ledger))
    again.admit([0], SPEC)
    assert again.report(0) == 1


def test_a_closed_key_knows_the_time_and_nothing_else():
    ledger = Ledger()
    ledger.admit([0, MINUTE], SPEC)
    ledger.report(0)
    ledger.parts, ledger.early_is_set = 3, True
    ledger.close(12 * MINUTE)
    assert ledger == Ledger(watermark_us=12 * MINUTE)
    ledger.close(MINUTE)
    assert ledger.watermark_us == 12 * MINUTE


def test_ledgers_do_not_share_their_windows():
    first, second = Ledger(), Ledger()
    first.admit([0], SPEC)
    assert second == Ledger()
