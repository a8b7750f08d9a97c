"""Check that a cached signature is the one that Beam would find."""

import gc
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.runners.direct import transform_evaluator
from apache_beam.transforms import core, userstate
from apache_beam.transforms.timeutil import TimeDomain

from pipeline.beam_patches.cache_dofn_signatures import PLACES
from pipeline.beam_patches.cache_dofn_signatures import patch as cache_dofn_signatures


class Plain(beam.DoFn):
    def process(self, element, window=beam.DoFn.WindowParam, timestamp=beam.DoFn.TimestampParam):
        yield element


class Stateful(beam.DoFn):
    STATE = userstate.ReadModifyWriteStateSpec("state", VarIntCoder())
    TIMER = userstate.TimerSpec("timer", TimeDomain.WATERMARK)

    def process(self, element, state=beam.DoFn.StateParam(STATE), timer=beam.DoFn.TimerParam(TIMER)):
        yield element

    @userstate.on_timer(TIMER)
    def fire(self, state=beam.DoFn.StateParam(STATE)):
        yield 1


class OwnMethod(beam.DoFn):
    """Gets its method with the object, so that its class says nothing."""

    def __init__(self, method: Any) -> None:
        self.process = method


def plain_function(element, other=3):
    return element


DOFNS = [Plain(), Stateful(), core.CallableWrapperDoFn(plain_function), core.CallableWrapperDoFn(lambda x, y=1: x)]


def found() -> list[Any]:
    """Return what Beam finds out, each twice, so that the second time is from memory."""
    answers = []
    for dofn in [*DOFNS, *DOFNS]:
        for get in (userstate.get_dofn_specs, transform_evaluator.get_dofn_specs):
            answers.append(get(dofn))
        answers.append(userstate.is_stateful_dofn(dofn))
        for name in ("process", "start_bundle", "finish_bundle", "setup", "teardown"):
            answers.append(core.get_function_arguments(dofn, name))
            answers.append(core.get_function_args_defaults(getattr(type(dofn), name)))
    answers += [core.get_function_args_defaults(subject) for subject in (plain_function, plain_function, len, len)]
    return answers


def test_every_answer_is_that_of_beam():
    before = found()
    with cache_dofn_signatures():
        assert found() == before
    assert userstate.get_dofn_specs(Stateful()) == ({Stateful.STATE}, {Stateful.TIMER})


def test_an_object_with_methods_of_its_own_is_asked_itself():
    with cache_dofn_signatures():
        assert userstate.get_dofn_specs(OwnMethod(Plain().process)) == (set(), set())
        state, timer = userstate.get_dofn_specs(OwnMethod(Stateful().process))
        assert (state, timer) == ({Stateful.STATE}, {Stateful.TIMER})


def test_it_is_asked_once_and_nobody_can_change_the_answer(monkeypatch):
    asked = []

    def counting(dofn):
        asked.append(dofn)
        return {1}, {2}

    monkeypatch.setattr(userstate, "get_dofn_specs", counting)
    with cache_dofn_signatures():
        userstate.get_dofn_specs(Plain())[0].clear()
        assert userstate.get_dofn_specs(Plain()) == ({1}, {2})
        assert len(asked) == 1
    assert userstate.get_dofn_specs is counting


def test_functions_that_are_gone_are_forgotten():
    with cache_dofn_signatures():
        function = eval("lambda a, b=2: a")
        assert core.get_function_args_defaults(function) == (["a", "b"], [2])
        (cell,) = [c for c in core.get_function_args_defaults.__closure__ if hasattr(c.cell_contents, "keyrefs")]
        assert len(cell.cell_contents) == 1
        del function
        gc.collect()
        assert len(cell.cell_contents) == 0


def test_beam_has_the_functions_where_they_are_looked_for():
    assert [getattr(module, name).__name__ for module, name in PLACES] == [name for _, name in PLACES]


@pytest.mark.parametrize("failing", [False, True])
def test_beam_is_as_before_afterwards(failing):
    before = [getattr(module, name) for module, name in PLACES]
    with pytest.raises(ZeroDivisionError) if failing else cache_dofn_signatures():
        if failing:
            with cache_dofn_signatures():
                raise ZeroDivisionError
    assert [getattr(module, name) for module, name in PLACES] == before
