"""Serve ``google.pubsub.v1.Subscriber`` from the shared model; `streaming_pull` serves StreamingPull."""

import time
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from publisher.broker.errors import invalid_argument, unsupported
from publisher.broker.grpc_handlers import page, set_error_status, unary_handler
from publisher.broker.open_calls import OpenCalls
from publisher.broker.protobuf import SubscriptionPb, delivery_to_pb, read_time, subscription_to_pb
from publisher.broker.read_settings import changed_subscription_settings, subscription_settings
from publisher.broker.shared_model import SharedModel
from publisher.broker.snapshot_methods import snapshot_methods
from publisher.broker.streaming_pull import StreamingPull

_LONGEST_PULL_S: Final = 60.0
"""Longest time that a Pull waits for a message, seconds, unless the client's deadline is earlier."""
_RESPONSE_MARGIN_S: Final = 0.5
"""Time before the client's deadline at which an empty response is sent, seconds."""


class SubscriberService:
    """Handlers of the subscription, pull and acknowledge calls."""

    def __init__(self, shared: SharedModel, open_calls: OpenCalls) -> None:
        """Serve `shared`; `open_calls` limits the calls that wait for messages."""
        self._shared = shared
        self._open_calls = open_calls

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handlers to register with a server; other methods are answered with UNIMPLEMENTED."""
        listing = types.ListSubscriptionsRequest.pb(), types.ListSubscriptionsResponse.pb()
        methods = {
            "CreateSubscription": unary_handler(self._create_subscription, SubscriptionPb, SubscriptionPb),
            "GetSubscription": unary_handler(self._get_subscription, types.GetSubscriptionRequest.pb(), SubscriptionPb),
            "UpdateSubscription": unary_handler(
                self._update_subscription, types.UpdateSubscriptionRequest.pb(), SubscriptionPb
            ),
            "ModifyPushConfig": unary_handler(self._modify_push_config, types.ModifyPushConfigRequest.pb(), Empty),
            "Seek": unary_handler(self._seek, types.SeekRequest.pb(), types.SeekResponse.pb()),
            **snapshot_methods(self._shared),
            "ListSubscriptions": unary_handler(self._list_subscriptions, *listing),
            "DeleteSubscription": unary_handler(self._delete_subscription, types.DeleteSubscriptionRequest.pb(), Empty),
            "Pull": unary_handler(self._pull, types.PullRequest.pb(), types.PullResponse.pb()),
            "Acknowledge": unary_handler(self._acknowledge, types.AcknowledgeRequest.pb(), Empty),
            "ModifyAckDeadline": unary_handler(self._modify_ack_deadline, types.ModifyAckDeadlineRequest.pb(), Empty),
            "StreamingPull": grpc.stream_stream_rpc_method_handler(
                self._streaming_pull,
                request_deserializer=types.StreamingPullRequest.pb().FromString,
                response_serializer=types.StreamingPullResponse.pb().SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", methods)

    def _create_subscription(self, request: Any, _: grpc.ServicerContext) -> Any:
        settings = subscription_settings(request)
        with self._shared.locked() as model:
            return subscription_to_pb(model.create_subscription(request.name, request.topic, settings))

    def _update_subscription(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            subscription = model.subscription(request.subscription.name)
            settings = changed_subscription_settings(subscription.settings, request)
            return subscription_to_pb(model.update_subscription(subscription.name, settings))

    def _modify_push_config(self, request: Any, _: grpc.ServicerContext) -> Any:
        if request.push_config.push_endpoint:
            raise unsupported(["push_config"])
        with self._shared.locked() as model:
            model.subscription(request.subscription)
        return Empty()

    def _seek(self, request: Any, _: grpc.ServicerContext) -> Any:
        kind = request.WhichOneof("target")
        if kind is None:
            raise invalid_argument(
                "No target was specified in the SeekRequest. Must specify either a time or a snapshot"
            )
        self._shared.seek(request.subscription, read_time(request.time) if kind == "time" else request.snapshot)
        return types.SeekResponse.pb()()

    def _get_subscription(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            return subscription_to_pb(model.subscription(request.subscription))

    def _list_subscriptions(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            subscriptions = [subscription_to_pb(subscription) for subscription in model.subscriptions(request.project)]
        some, token = page(subscriptions, request.page_size, request.page_token, lambda one: one.name)
        return types.ListSubscriptionsResponse.pb()(subscriptions=some, next_page_token=token)

    def _delete_subscription(self, request: Any, _: grpc.ServicerContext) -> Any:
        self._shared.delete_subscription(request.subscription)
        return Empty()

    def _pull(self, request: Any, context: grpc.ServicerContext) -> Any:
        remaining_s = context.time_remaining() or _LONGEST_PULL_S + _RESPONSE_MARGIN_S
        wait_s = min(_LONGEST_PULL_S, remaining_s - _RESPONSE_MARGIN_S)
        until = time.monotonic() + (0.0 if request.return_immediately else wait_s)
        # A disconnected client must not lease messages that others wait for.
        context.add_callback(lambda: self._shared.wake(request.subscription))
        with self._open_calls.counted():
            deliveries = self._shared.wait_for_messages(
                request.subscription, request.max_messages, is_wanted=context.is_active, until=until
            )
        return types.PullResponse.pb()(received_messages=map(delivery_to_pb, deliveries))

    def _acknowledge(self, request: Any, _: grpc.ServicerContext) -> Any:
        self._shared.acknowledge(request.subscription, request.ack_ids)
        return Empty()

    def _modify_ack_deadline(self, request: Any, _: grpc.ServicerContext) -> Any:
        self._shared.modify_ack_deadline(request.subscription, request.ack_ids, request.ack_deadline_seconds)
        return Empty()

    def _streaming_pull(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        with set_error_status(context), self._open_calls.counted():
            first = next(requests, None)
            if first is not None:
                yield from StreamingPull(self._shared, first, requests, context).responses()
