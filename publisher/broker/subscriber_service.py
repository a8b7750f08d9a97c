"""``google.pubsub.v1.Subscriber`` over the shared model; streams are in `streaming`."""

import time
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from publisher.broker.rpc import page, refusals_as_status, unary
from publisher.broker.shared import SharedModel
from publisher.broker.streaming import Stream
from publisher.broker.wire import SubscriptionPb, check_supported, received_message, subscription_of

_LONGEST_PULL_S: Final = 60.0
"""How long a Pull waits for a message, if the client is that patient."""
_ANSWER_S: Final = 0.5
"""How long before the client's deadline an empty answer leaves."""


class SubscriberService:
    """Subscriptions, pulling and acknowledging."""

    def __init__(self, shared: SharedModel) -> None:
        """Serve `shared`."""
        self._shared = shared

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handlers to register with a server; other methods are unimplemented."""
        listing = types.ListSubscriptionsRequest.pb(), types.ListSubscriptionsResponse.pb()
        methods = {
            "CreateSubscription": unary(self._create_subscription, SubscriptionPb, SubscriptionPb),
            "GetSubscription": unary(self._get_subscription, types.GetSubscriptionRequest.pb(), SubscriptionPb),
            "ListSubscriptions": unary(self._list_subscriptions, *listing),
            "DeleteSubscription": unary(self._delete_subscription, types.DeleteSubscriptionRequest.pb(), Empty),
            "Pull": unary(self._pull, types.PullRequest.pb(), types.PullResponse.pb()),
            "Acknowledge": unary(self._acknowledge, types.AcknowledgeRequest.pb(), Empty),
            "ModifyAckDeadline": unary(self._modify_ack_deadline, types.ModifyAckDeadlineRequest.pb(), Empty),
            "StreamingPull": grpc.stream_stream_rpc_method_handler(
                self._streaming_pull,
                request_deserializer=types.StreamingPullRequest.pb().FromString,
                response_serializer=types.StreamingPullResponse.pb().SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", methods)

    def _create_subscription(self, request: Any, _: grpc.ServicerContext) -> Any:
        check_supported(request)
        with self._shared.locked() as model:
            subscription = model.create_subscription(
                request.name,
                request.topic,
                request.ack_deadline_seconds,
                request.enable_message_ordering,
                request.labels,
            )
            return subscription_of(subscription)

    def _get_subscription(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            return subscription_of(model.subscription(request.subscription))

    def _list_subscriptions(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            subscriptions = [subscription_of(subscription) for subscription in model.subscriptions(request.project)]
        some, token = page(subscriptions, request.page_size, request.page_token, lambda one: one.name)
        return types.ListSubscriptionsResponse.pb()(subscriptions=some, next_page_token=token)

    def _delete_subscription(self, request: Any, _: grpc.ServicerContext) -> Any:
        self._shared.delete_subscription(request.subscription)
        return Empty()

    def _pull(self, request: Any, context: grpc.ServicerContext) -> Any:
        patience = min(_LONGEST_PULL_S, (context.time_remaining() or _LONGEST_PULL_S + _ANSWER_S) - _ANSWER_S)
        until = time.monotonic() + (0.0 if request.return_immediately else patience)
        # A client that is gone must not get a lease on messages that others wait for.
        context.add_callback(lambda: self._shared.wake(request.subscription))
        deliveries = self._shared.wait_for_messages(
            request.subscription, request.max_messages, wanted=context.is_active, until=until
        )
        return types.PullResponse.pb()(received_messages=map(received_message, deliveries))

    def _acknowledge(self, request: Any, _: grpc.ServicerContext) -> Any:
        self._shared.acknowledge(request.subscription, request.ack_ids)
        return Empty()

    def _modify_ack_deadline(self, request: Any, _: grpc.ServicerContext) -> Any:
        self._shared.modify_ack_deadline(request.subscription, request.ack_ids, request.ack_deadline_seconds)
        return Empty()

    def _streaming_pull(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        with refusals_as_status(context):
            first = next(requests, None)
            if first is not None:
                yield from Stream(self._shared, first, requests, context).responses()
