"""A command that a stream gives to its runner is executed, or its failure is seen."""

from typing import Any

import pytest

from pipeline.sources.local_stream import LocalStream, StreamTiming
from telemetry.text.timestamps import ClockBounds


def test_a_command_that_fails_fails_again_for_the_runners_retry() -> None:
    puller: Any = None  # not asked
    stream = LocalStream(puller, ("temp",), StreamTiming(0, ClockBounds(), None, 0))
    done: list[int] = []

    def fail_twice() -> None:
        done.append(len(done))
        if len(done) < 3:
            raise OSError("no")

    stream._command(fail_twice)
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            stream.take(0)
    assert stream.take(0) is None
    assert stream.take(0) is None
    assert done == [0, 1, 2]
