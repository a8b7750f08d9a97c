"""Read and set the state that the local stream runner keeps for its steps.

The runner keeps keyed state in memory only, in the encoding of the states' coders. Between two events of a TestStream
nothing is being processed, and that state is all there is: a copy of it, with the clock and the watermark, is a
snapshot of the stream.

Upstream: no issue is known. The runner would have to write its state to a place that the caller names.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from apache_beam.runners.direct.evaluation_context import DirectUnmergedState, EvaluationContext
from apache_beam.transforms.core import ParDo
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import get_dofn_specs
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp

from pipeline.beam_patches.patch import replaced
from pipeline.local.state.snapshots import KeyState, StepStates, TimerState
from telemetry.errors import ConfigError

_WINDOW: Final = GlobalWindow()
_PREFIX: Final = "ts-"  # of the names of timers


class RunnerState:
    """Access to the state of the one pipeline that runs.

    Attributes:
        to_restore: states that the steps begin with.
    """

    def __init__(self, folder: str, to_restore: StepStates) -> None:
        """Prepare; the runner attaches itself when it starts. `folder` is where the states come from."""
        self.to_restore = to_restore
        self._folder = folder
        self._context: Any = None

    def attach(self, context: EvaluationContext) -> None:
        """Restore the states into a runner that starts.

        Raises:
            ConfigError: if a step that has state does not exist any more.
        """
        self._context = context
        steps = {transform.full_label: keys for transform, keys in context._transform_keyed_states.items()}
        for label, states in self.to_restore.items():
            if label not in steps:
                problem = f"keeps the step {label!r}, which this job does not have; end the job that wrote it with its "
                raise ConfigError("--state", self._folder, f"{problem}own flags and --drain, or name another folder")
            for state in states:
                steps[label][state.key] = _restored(state)

    def clock_s(self) -> float:
        """Return the runner's clock, seconds since the epoch; 0 before it starts."""
        return 0.0 if self._context is None else float(self._context._watermark_manager._clock.time())

    def take(self) -> StepStates:
        """Return a copy of the states of all steps; to be called while no other step runs."""
        taken = {}
        for transform, keys in self._context._transform_keyed_states.items():
            states = (_taken(key, state) for key, state in keys.items() if isinstance(key, bytes))
            if found := tuple(state for state in states if state is not None):
                taken[transform.full_label] = found
        return taken

    def set_timers(self, name: str) -> None:
        """Make a timer of processing time due now, for each key of the steps that declare one of this name."""
        due = Timestamp.of(self.clock_s())
        for transform, keys in self._context._transform_keyed_states.items():
            for full_name in _timers_of(transform.transform, name):
                for key, state in keys.items():
                    if isinstance(key, bytes) and state.state:
                        state.set_timer(_WINDOW, f"user/{full_name}", TimeDomain.REAL_TIME, due)

    def clear(self) -> None:
        """Forget the states of all steps, so that the end of the stream fires no timer."""
        for keys in self._context._transform_keyed_states.values():
            for key in [key for key in keys if isinstance(key, bytes)]:
                del keys[key]


@contextlib.contextmanager
def patch(states: RunnerState) -> Iterator[None]:
    """Attach the runner that starts within a block to `states`."""
    plain: Any = EvaluationContext.__init__

    def init(context: EvaluationContext, *args: Any, **options: Any) -> None:
        plain(context, *args, **options)
        states.attach(context)

    with replaced(EvaluationContext, "__init__", init):
        yield


def _timers_of(transform: Any, name: str) -> list[str]:
    """Return the names that Beam gives to the timers of this name that the DoFn of a transform declares."""
    specs = get_dofn_specs(transform.fn)[1] if isinstance(transform, ParDo) else ()
    return [spec.name for spec in specs if spec.name.removeprefix(_PREFIX) == name]


def _taken(key: bytes, state: Any) -> KeyState | None:
    """Return a copy of the state of a key; None if it is empty."""
    timers = [
        TimerState(name, domain, tag, Timestamp.of(fires).micros)  # a DoFn may set a float
        for (name, domain, tag), fires in state.timers.get(_WINDOW, {}).items()
    ]
    values = {tag: tuple(values) for tag, values in state.state.get(_WINDOW, {}).items() if values}
    return KeyState(key, tuple(timers), values) if timers or values else None


def _restored(state: KeyState) -> DirectUnmergedState:
    restored = DirectUnmergedState()
    for timer in state.timers:
        restored.set_timer(_WINDOW, timer.name, timer.domain, Timestamp(micros=timer.fires_us), timer.tag)
    for tag, values in state.values.items():
        restored.state[_WINDOW][tag] = list(values)
    return restored
