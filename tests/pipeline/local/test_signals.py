"""Check that a signal which comes at a bad moment comes later."""

import os
import signal

import pytest

from pipeline.local.signals import signals_deferred
from telemetry.cli.commands import interruptible

NUMBERS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_delivered_at_the_end_of_the_block(number):
    reached = []
    with pytest.raises(KeyboardInterrupt), interruptible():
        with signals_deferred():
            os.kill(os.getpid(), number)
            reached.append("the end of the block")
        reached.append("what follows")
    assert reached == ["the end of the block"]


def test_handlers_are_as_before_afterwards():
    before = [signal.getsignal(number) for number in NUMBERS]
    with pytest.raises(ZeroDivisionError), signals_deferred():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in NUMBERS] == before
