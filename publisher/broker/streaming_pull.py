"""Serve one StreamingPull call: deliver messages within flow control while requests are read concurrently."""

import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.pubsub_v1 import types

from publisher.broker.backlog_entry import Consumer
from publisher.broker.errors import RequestError, invalid_argument
from publisher.broker.limits import DEFAULT_ACK_DEADLINE_S, MAX_ACK_DEADLINE_S
from publisher.broker.protobuf import delivery_to_pb
from publisher.broker.shared_model import SharedModel

_RESPONSE_MESSAGES: Final = 1000


class StreamingPull:
    """One StreamingPull call; a separate thread reads the client's requests."""

    def __init__(self, shared: SharedModel, first: Any, requests: Iterator[Any], context: grpc.ServicerContext) -> None:
        """Open the stream that the request `first` describes; `requests` yields the following ones.

        Raises:
            RequestError: INVALID_ARGUMENT if `first` is incomplete, or NOT_FOUND for its subscription.
        """
        if not first.subscription:
            raise invalid_argument("first message must set subscription")
        if not first.stream_ack_deadline_seconds:
            raise invalid_argument("first message must set stream_ack_deadline_seconds")
        self._shared = shared
        self._context = context
        self._requests = requests
        self._name: str = first.subscription
        self._consumer = Consumer(first.max_outstanding_messages, first.max_outstanding_bytes)
        self._lease_s = DEFAULT_ACK_DEADLINE_S
        self._open = True
        self._error: RequestError | None = None  # raised by the thread that reads requests
        with shared.locked() as model:
            self._ordered = model.subscription(self._name).settings.enable_message_ordering
        self._handle_request(first)

    def responses(self) -> Iterator[Any]:
        """Yield responses until the client closes its side or disconnects.

        Raises:
            RequestError: if a request of the client is invalid, or its subscription is deleted.
        """
        # Runs when the call ends for any reason; wakes this generator if it waits.
        if not self._context.add_callback(self._close):
            return
        threading.Thread(target=self._read, name="streaming-pull-reader", daemon=True).start()
        while True:
            deliveries = self._shared.wait_for_messages(
                self._name,
                _RESPONSE_MESSAGES,
                is_wanted=lambda: self._open,
                lease_s=lambda: self._lease_s,
                consumer=self._consumer,
            )
            if not deliveries:
                break
            response = types.StreamingPullResponse.pb()(received_messages=map(delivery_to_pb, deliveries))
            response.subscription_properties.message_ordering_enabled = self._ordered
            yield response
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for request in self._requests:
                if request.subscription:
                    raise invalid_argument("subscription may only be set in first message")
                self._handle_request(request)
        except RequestError as error:
            self._error = error
        except grpc.RpcError:
            pass  # the client has disconnected, so there is no call to fail
        self._close()

    def _close(self) -> None:
        self._open = False
        self._shared.wake(self._name)

    def _handle_request(self, request: Any) -> None:
        lease_s = request.stream_ack_deadline_seconds
        if lease_s:
            if not DEFAULT_ACK_DEADLINE_S <= lease_s <= MAX_ACK_DEADLINE_S:
                raise invalid_argument("stream_ack_deadline_seconds must be between 10 and 600 seconds")
            self._lease_s = lease_s
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid_argument("ack IDs and deadlines must have the same size")
        if request.ack_ids:
            self._shared.acknowledge(self._name, request.ack_ids)
        by_seconds: dict[int, list[str]] = {}
        for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True):
            by_seconds.setdefault(seconds, []).append(ack_id)
        for seconds, ack_ids in by_seconds.items():
            self._shared.modify_ack_deadline(self._name, ack_ids, seconds)
