"""``google.pubsub.v1.Publisher`` over the shared model."""

import itertools
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from publisher.broker.rpc import page, unary
from publisher.broker.shared import SharedModel
from publisher.broker.wire import TopicPb, draft_of, topic_of

FailPublish = Callable[[int], grpc.StatusCode | None]
"""Asked before each Publish request with its running number, from 1; a status makes it fail."""


class PublisherService:
    """Topics and publishing."""

    def __init__(self, shared: SharedModel, fail_publish: FailPublish | None = None) -> None:
        """Serve `shared`; `fail_publish` decides which Publish requests fail, none by default."""
        self._shared = shared
        self._fail_publish = fail_publish
        self._requests = itertools.count(1)

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handlers to register with a server; other methods are unimplemented."""
        methods = {
            "CreateTopic": unary(self._create_topic, TopicPb, TopicPb),
            "GetTopic": unary(self._get_topic, types.GetTopicRequest.pb(), TopicPb),
            "ListTopics": unary(self._list_topics, types.ListTopicsRequest.pb(), types.ListTopicsResponse.pb()),
            "ListTopicSubscriptions": unary(
                self._list_topic_subscriptions,
                types.ListTopicSubscriptionsRequest.pb(),
                types.ListTopicSubscriptionsResponse.pb(),
            ),
            "DeleteTopic": unary(self._delete_topic, types.DeleteTopicRequest.pb(), Empty),
            "Publish": unary(self._publish, types.PublishRequest.pb(), types.PublishResponse.pb()),
        }
        return grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", methods)

    def _create_topic(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            return topic_of(model.create_topic(request.name, request.labels))

    def _get_topic(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            return topic_of(model.topic(request.topic))

    def _list_topics(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            topics = model.topics(request.project)
        some, token = page(topics, request.page_size, request.page_token, lambda topic: topic.name)
        return types.ListTopicsResponse.pb()(topics=map(topic_of, some), next_page_token=token)

    def _list_topic_subscriptions(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            names = sorted(model.topic(request.topic).subscriptions)
        some, token = page(names, request.page_size, request.page_token, str)
        return types.ListTopicSubscriptionsResponse.pb()(subscriptions=some, next_page_token=token)

    def _delete_topic(self, request: Any, _: grpc.ServicerContext) -> Any:
        with self._shared.locked() as model:
            model.delete_topic(request.topic)
        return Empty()

    def _publish(self, request: Any, context: grpc.ServicerContext) -> Any:
        number = next(self._requests)  # atomic in CPython
        status = self._fail_publish(number) if self._fail_publish is not None else None
        if status is not None:
            context.abort(status, f"Publish request {number} is made to fail")
        drafts = [draft_of(message) for message in request.messages]
        return types.PublishResponse.pb()(message_ids=self._shared.publish(request.topic, drafts))
