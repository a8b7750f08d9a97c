"""One StreamingPull: deliveries go out as flow control allows while acknowledgements come in."""

import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.pubsub_v1 import types

from publisher.broker.lease import Holder
from publisher.broker.limits import DEFAULT_ACK_DEADLINE_S, MAX_ACK_DEADLINE_S
from publisher.broker.refusal import RefusedError, invalid
from publisher.broker.shared import SharedModel
from publisher.broker.wire import received_message

_RESPONSE_MESSAGES: Final = 1000


class Stream:
    """A stream of one client; a thread of its own reads the client's requests."""

    def __init__(self, shared: SharedModel, first: Any, requests: Iterator[Any], context: grpc.ServicerContext) -> None:
        """Open the stream that `first` asks for; `requests` are those that follow.

        Raises:
            RefusedError: INVALID_ARGUMENT if `first` does not say enough, or NOT_FOUND for its subscription.
        """
        if not first.subscription:
            raise invalid("first message must set subscription")
        if not first.stream_ack_deadline_seconds:
            raise invalid("first message must set stream_ack_deadline_seconds")
        self._shared = shared
        self._context = context
        self._requests = requests
        self._name: str = first.subscription
        self._holder = Holder(first.max_outstanding_messages, first.max_outstanding_bytes)
        self._lease_s = DEFAULT_ACK_DEADLINE_S
        self._open = True
        self._refusal: RefusedError | None = None  # of a request that the reader could not carry out
        with shared.locked() as model:
            self._ordered = model.subscription(self._name).ordered
        self._carry_out(first)

    def responses(self) -> Iterator[Any]:
        """Yield responses until the client closes its side or goes away.

        Raises:
            RefusedError: if a request of the client is invalid, or its subscription is deleted.
        """
        # Called when the call ends in any way; wakes this generator if it sleeps then.
        if not self._context.add_callback(self._close):
            return
        threading.Thread(target=self._read, name="streaming-pull-reader", daemon=True).start()
        while True:
            deliveries = self._shared.wait_for_messages(
                self._name,
                _RESPONSE_MESSAGES,
                wanted=lambda: self._open,
                lease_s=lambda: self._lease_s,
                holder=self._holder,
            )
            if not deliveries:
                break
            response = types.StreamingPullResponse.pb()(received_messages=map(received_message, deliveries))
            response.subscription_properties.message_ordering_enabled = self._ordered
            yield response
        if self._refusal is not None:
            raise self._refusal

    def _read(self) -> None:
        try:
            for request in self._requests:
                if request.subscription:
                    raise invalid("subscription may only be set in first message")
                self._carry_out(request)
        except RefusedError as refusal:
            self._refusal = refusal
        except grpc.RpcError:
            pass  # the client went away; there is nobody to tell
        self._close()

    def _close(self) -> None:
        self._open = False
        self._shared.wake(self._name)

    def _carry_out(self, request: Any) -> None:
        lease_s = request.stream_ack_deadline_seconds
        if lease_s:
            if not DEFAULT_ACK_DEADLINE_S <= lease_s <= MAX_ACK_DEADLINE_S:
                raise invalid("stream_ack_deadline_seconds must be between 10 and 600 seconds")
            self._lease_s = lease_s
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("ack IDs and deadlines must have the same size")
        if request.ack_ids:
            self._shared.acknowledge(self._name, request.ack_ids)
        by_seconds: dict[int, list[str]] = {}
        for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True):
            by_seconds.setdefault(seconds, []).append(ack_id)
        for seconds, ack_ids in by_seconds.items():
            self._shared.modify_ack_deadline(self._name, ack_ids, seconds)
