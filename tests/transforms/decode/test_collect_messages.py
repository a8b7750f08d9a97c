"""Check that the messages of a bundle leave it in batches of one source, in order, with their smallest timestamp."""

from itertools import groupby
from typing import Any

from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from telemetry.model.message_batch import MessageBatch, source_of
from telemetry.model.messages import Message
from tests.support.run_transform import run_transform, timed
from transforms.decode.codec import GROUP_BYTES
from transforms.decode.collect_messages import CollectMessages, _Collect

Stamped = tuple[Message, int]


def bundle(step: _Collect, stamped: list[Stamped]) -> list[tuple[MessageBatch, int]]:
    step.start_bundle()
    outputs = [out for message, us in stamped for out in step.process(message, Timestamp(micros=us))]
    outputs += step.finish_bundle()
    assert all(output.windows == (GlobalWindow(),) for output in outputs)
    return [(output.value, output.timestamp.micros) for output in outputs]


SIZES = st.integers(0, 5) | st.sampled_from([GROUP_BYTES // 2, GROUP_BYTES - 1, GROUP_BYTES])
PROPERTIES: list[dict[str, Any]] = [{}, {"portion": 4}, {"watermark_us": 5}, {"columns": ("ts", "device")}]


@st.composite
def bundles(draw: st.DrawFn) -> list[Stamped]:
    drawn = draw(st.lists(st.tuples(SIZES, st.sampled_from(PROPERTIES), st.integers(0, 9)), max_size=8))
    return [(replace(Message(bytes(size), {}, str(n)), **source), us) for n, (size, source, us) in enumerate(drawn)]


@given(bundles())
def test_messages_of_one_source_are_batches_of_about_a_megabyte(stamped: list[Stamped]) -> None:
    batches = bundle(_Collect(), stamped)
    assert [message for batch, _ in batches for message in batch] == [message for message, _ in stamped]
    rest = list(stamped)
    for batch, us in batches:
        times = [rest.pop(0)[1] for _ in batch]
        assert us == min(times)
        assert len({source_of(message) for message in batch}) == 1
        assert sum(len(message.payload) for message in list(batch)[:-1]) < GROUP_BYTES
    sources = len(list(groupby(message for message, _ in stamped)))
    full = sum(sum(len(message.payload) for message in batch) >= GROUP_BYTES for batch, _ in batches)
    assert len(batches) <= sources + full


def test_small_messages_are_one_batch() -> None:
    stamped = [(Message(b"x", {}, str(n)), 9 - n) for n in range(5)]
    ((batch, us),) = bundle(_Collect(), stamped)
    assert (len(batch), us) == (5, 5)


def test_nothing_is_left_of_a_bundle_that_failed() -> None:
    step = _Collect()
    step.start_bundle()
    assert list(step.process(Message(b"lost"), Timestamp(1))) == []
    ((batch, us),) = bundle(step, [(Message(b"again"), 7)])
    assert (list(batch), us) == ([Message(b"again")], 7)
    assert bundle(step, []) == []


def test_in_a_pipeline_every_message_comes_out_once() -> None:
    sent = [Message(b"x" * n, {"n": str(n)}, str(n), n) for n in range(20)]
    found = run_transform([timed(message, 1_000) for message in sent], CollectMessages(), Message)["main"]
    assert sorted((message for batch in found for message in batch), key=lambda message: len(message.payload)) == sent
