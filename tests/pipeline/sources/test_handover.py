"""Numbers that are handed over to a runner: what it takes, what is done, and a command that fails."""

import pytest

from pipeline.sources.handover import Handover
from pipeline.sources.subscriber import Received
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message


def pull(name: str) -> Received:
    return Received(MessageBatch.of([Message(b"", message_id=name)]), [name])


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_pull_is_done_when_the_runner_takes_the_next_number() -> None:
    clock, done = Seconds(), []
    handover = Handover(lambda received, seconds: done.append((received.ack_ids, seconds)), clock)
    first, second = pull("a"), pull("b")
    assert (handover.add_pull(first, 7), handover.is_done, handover.needs_mark) == (0, False, False)
    assert handover.take(0) == handover.take(0) == (first.messages, 7), "a retry takes the same"
    assert (handover.needs_mark, done) == (True, [])
    assert handover.add_pull(second, 8) == 1
    clock.now = 2.5
    handover.take(1)
    assert done == [(["a"], 2.5)]
    clock.now = 3.0
    assert handover.add_mark() == 2
    assert not handover.needs_mark
    assert handover.take(2) is None
    assert done == [(["a"], 2.5), (["b"], 0.5)]
    assert handover.is_done


def test_the_source_waits_until_everything_is_taken() -> None:
    handover = Handover(lambda *_: None)
    assert handover.wait(0.0)
    handover.add_mark()
    assert not handover.wait(0.0)
    handover.take(0)
    assert handover.wait(0.0)
    handover.add_mark()
    handover.close()
    assert handover.wait(0.0), "a runner that has ended takes nothing any more"


def test_after_a_failure_nothing_is_done_and_closing_returns_it() -> None:
    done: list[Received] = []
    handover = Handover(lambda received, _: done.append(received))
    pulls = [pull("a"), pull("b")]
    for number, one in enumerate(pulls):
        handover.add_pull(one, 0)
        handover.take(number)
    handover.fail()
    assert handover.add_mark() == 2
    assert handover.take(2) is None
    assert [one.ack_ids for one in done] == [["a"]]
    assert [one.ack_ids for one in handover.close()] == [["b"]]
    assert handover.is_closed
    assert handover.close() == []


def test_a_command_that_fails_fails_again_for_the_runners_retry() -> None:
    handover = Handover(lambda *_: None)
    done: list[int] = []

    def fail_twice() -> None:
        done.append(len(done))
        if len(done) < 3:
            raise OSError("no")

    handover.add_command(fail_twice)
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            handover.take(0)
    assert handover.take(0) is None
    assert handover.take(0) is None
    assert done == [0, 1, 2]
