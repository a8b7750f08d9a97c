"""Many open calls: streams and waiting Pulls never keep other calls from being answered."""

import queue
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1.types import StreamingPullRequest, StreamingPullResponse

from publisher.broker import Broker
from tests.support.pubsub_fixtures import clients

STREAMS = 300


@contextmanager
def _stream(channel: grpc.Channel, subscription: str) -> Iterator[grpc.Call]:
    requests: queue.Queue[StreamingPullRequest | None] = queue.Queue()
    requests.put(StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=60))
    open_stream = channel.stream_stream(
        "/google.pubsub.v1.Subscriber/StreamingPull",
        request_serializer=StreamingPullRequest.serialize,
        response_deserializer=StreamingPullResponse.deserialize,
    )
    call = open_stream(iter(requests.get, None), timeout=120)
    try:
        yield call
    finally:
        requests.put(None)
        call.cancel()


def test_three_hundred_streams_starve_no_other_call():
    with Broker() as broker, clients(broker.address) as pubsub, ExitStack() as stack:
        topic = pubsub.new_topic()
        streams = []
        for number in range(STREAMS):
            # Some streams a connection, as from many processes.
            if number % 50 == 0:
                own = [("grpc.use_local_subchannel_pool", 1)]
                channel = stack.enter_context(grpc.insecure_channel(broker.address, own))
            streams.append(stack.enter_context(_stream(channel, pubsub.new_subscription(topic))))
        # Each of these calls fails after its deadline if it finds no thread.
        assert pubsub.requests.get_topic(topic=topic, timeout=10, retry=None).name == topic
        pubsub.requests.publish(topic=topic, messages=[{"data": b"x"}], timeout=10, retry=None)
        for stream in streams:
            assert [one.message.data for one in next(stream).received_messages] == [b"x"]
        assert pubsub.requests.get_topic(topic=topic, timeout=10, retry=None).name == topic


@pytest.mark.parametrize("kind", ["stream", "pull"])
def test_open_calls_above_the_limit_are_refused_and_leave_the_others_alone(kind: str):
    with Broker(max_open_calls=2) as broker, clients(broker.address) as pubsub, ExitStack() as stack:
        topic = pubsub.new_topic()
        names = [pubsub.new_subscription(topic) for _ in range(3)]
        channel = stack.enter_context(grpc.insecure_channel(broker.address))
        stream = stack.enter_context(_stream(channel, names[0]))
        pubsub.publish(topic, b"1")
        assert [one.message.data for one in next(stream).received_messages] == [b"1"]  # so it is counted
        second = stack.enter_context(_stream(channel, names[1]))
        assert [one.message.data for one in next(second).received_messages] == [b"1"]

        with pytest.raises(exceptions.ResourceExhausted, match="2 Pull and StreamingPull calls are open"):
            if kind == "pull":
                pubsub.subscriber.pull(subscription=names[2], max_messages=1, timeout=10, retry=None)
            else:
                request = StreamingPullRequest(subscription=names[2], stream_ack_deadline_seconds=60)
                next(iter(pubsub.subscriber.streaming_pull(iter([request]), timeout=10, retry=None)))

        pubsub.publish(topic, b"2")
        assert [one.message.data for one in next(stream).received_messages] == [b"2"]
        stream.cancel()
        # The call ends after its cancellation, at a time of the server's own.
        while True:
            try:
                received = pubsub.subscriber.pull(subscription=names[2], max_messages=1, timeout=30, retry=None)
            except exceptions.ResourceExhausted:
                continue
            break
        assert len(received.received_messages) == 1
