"""The state of the runner's steps is copied and restored whole."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from apache_beam.runners.direct.evaluation_context import DirectUnmergedState
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp

from pipeline.beam_patches.keep_state import RunnerState
from pipeline.local.state.snapshots import KeyState, StepStates, TimerState

WINDOW = GlobalWindow()


@dataclass(frozen=True)
class LabelledStep:
    """Stands for an applied transform, of which only the label counts here."""

    full_label: str


def attached(to_restore: StepStates, keys: dict[Any, DirectUnmergedState]) -> RunnerState:
    states = RunnerState("state", to_restore)
    context: Any = SimpleNamespace(_transform_keyed_states={LabelledStep("Gather"): keys})
    states.attach(context)
    return states


def test_a_timer_counts_whether_a_step_set_it_as_a_float_or_as_a_timestamp() -> None:
    state = DirectUnmergedState()
    state.set_timer(WINDOW, "float", TimeDomain.REAL_TIME, 1_594_512_000.25)
    state.set_timer(WINDOW, "timestamp", TimeDomain.WATERMARK, Timestamp(micros=7), "tag")
    taken = attached({}, {b"key": state}).take()
    timers = (
        TimerState("float", TimeDomain.REAL_TIME, "", 1_594_512_000_250_000),
        TimerState("timestamp", TimeDomain.WATERMARK, "tag", 7),
    )
    assert taken == {"Gather": (KeyState(b"key", timers, {}),)}
    keys: dict[Any, DirectUnmergedState] = {}
    assert attached(taken, keys).take() == taken
