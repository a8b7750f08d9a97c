"""Serve ``google.pubsub.v1.Publisher`` from the shared model."""

import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from publisher.broker.grpc_handlers import page, unary_handler
from publisher.broker.protobuf import TopicPb, read_content, topic_to_pb
from publisher.broker.read_settings import changed_topic_settings, topic_settings
from publisher.broker.shared_model import SharedModel

FailPublish: TypeAlias = Callable[[int], grpc.StatusCode | None]
"""Called before each Publish request with its sequence number, from 1; the request fails with the returned status."""


class PublisherService:
    """Handlers of the topic and publish calls."""

    def __init__(self, shared: SharedModel, fail_publish: FailPublish | None = None) -> None:
        """Serve `shared`; `fail_publish` selects Publish requests that fail, none by default."""
        self._shared = shared
        self._fail_publish = fail_publish
        self._requests = itertools.count(1)

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handlers to register with a server; other methods are answered with UNIMPLEMENTED."""
        methods = {
            "CreateTopic": unary_handler(self._create_topic, TopicPb, TopicPb),
            "UpdateTopic": unary_handler(self._update_topic, types.UpdateTopicRequest.pb(), TopicPb),
            "GetTopic": unary_handler(self._get_topic, types.GetTopicRequest.pb(), TopicPb),
            "ListTopics": unary_handler(self._list_topics, types.ListTopicsRequest.pb(), types.ListTopicsResponse.pb()),
            "ListTopicSubscriptions": unary_handler(
                self._list_topic_subscriptions,
                types.ListTopicSubscriptionsRequest.pb(),
                types.ListTopicSubscriptionsResponse.pb(),
            ),
            "ListTopicSnapshots": unary_handler(
                self._list_topic_snapshots,
                types.ListTopicSnapshotsRequest.pb(),
                types.ListTopicSnapshotsResponse.pb(),
            ),
            "DeleteTopic": unary_handler(self._delete_topic, types.DeleteTopicRequest.pb(), Empty),
            "Publish": unary_handler(self._publish, types.PublishRequest.pb(), types.PublishResponse.pb()),
        }
        return grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", methods)

    def _create_topic(self, request: Any, _: grpc.ServicerContext) -> Any:
        settings = topic_settings(request)
        with self._shared.locked() as model:
            return topic_to_pb(model.create_topic(request.name, settings))

    def _update_topic(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            topic = model.topic(request.topic.name)
            return topic_to_pb(model.update_topic(topic.name, changed_topic_settings(topic.settings, request)))

    def _get_topic(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            return topic_to_pb(model.topic(request.topic))

    def _list_topics(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            topics = model.topics(request.project)
        some, token = page(topics, request.page_size, request.page_token, lambda topic: topic.name)
        return types.ListTopicsResponse.pb()(topics=map(topic_to_pb, some), next_page_token=token)

    def _list_topic_subscriptions(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            names = sorted(model.topic(request.topic).subscriptions)
        some, token = page(names, request.page_size, request.page_token, str)
        return types.ListTopicSubscriptionsResponse.pb()(subscriptions=some, next_page_token=token)

    def _list_topic_snapshots(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            names = [snapshot.name for snapshot in model.snapshots.of(model.topic(request.topic))]
        some, token = page(names, request.page_size, request.page_token, str)
        return types.ListTopicSnapshotsResponse.pb()(snapshots=some, next_page_token=token)

    def _delete_topic(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            model.delete_topic(request.topic)
        return Empty()

    def _publish(self, request: Any, context: grpc.ServicerContext) -> Any:
        number = next(self._requests)  # atomic in CPython
        status = self._fail_publish(number) if self._fail_publish is not None else None
        if status is not None:
            context.abort(status, f"Publish request {number} is made to fail")
        contents = [read_content(message) for message in request.messages]
        return types.PublishResponse.pb()(message_ids=self._shared.publish(request.topic, contents))
