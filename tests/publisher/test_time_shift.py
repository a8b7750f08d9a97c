"""Time shifts between the passes of a loop."""

import numpy as np
import pytest

from publisher.json_lines import NO_TIME
from publisher.replay.time_shift import TimeShift


@pytest.mark.parametrize(
    ("times", "step"), [([0, 10_000, 20_000], 30_000), ([5], 1_000), ([NO_TIME], 0), ([0, 10], 1_010)]
)
def test_a_loop_moves_on_by_its_length_and_one_interval(times: list[int], step: int) -> None:
    time_shift = TimeShift(7)
    time_shift.observe(np.array(times, np.int64))
    time_shift.next_pass()
    assert time_shift.shift_us == 7 + step
    time_shift.next_pass()
    assert time_shift.shift_us == 7 + 2 * step
