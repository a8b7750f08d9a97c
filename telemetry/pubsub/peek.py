"""Look at messages of a subscription without taking them from it."""

import os
from typing import Final

import grpc
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from telemetry.errors import ConfigError
from telemetry.model.messages import Message

_FLAG: Final = "--subscription"
_MOST_PULLS: Final = 10
_WAIT_S: Final = 5.0  # for messages, where there are none


def peek_messages(subscription: str, most: int) -> list[Message]:
    """Return some messages of a subscription; they are given back at once, and delivered again to whoever pulls next.

    Args:
        subscription: its full name.
        most: how many messages are enough.

    Raises:
        ConfigError: if it does not exist, Pub/Sub does not answer, or there are no credentials.
    """
    client = _connect(subscription)
    taken: dict[str, Message] = {}
    ack_ids: list[str] = []
    try:
        while len(taken) < most and len(ack_ids) < most * _MOST_PULLS:
            request = {"subscription": subscription, "max_messages": most - len(taken)}
            try:
                received = client.pull(request=request, retry=None, timeout=_WAIT_S).received_messages
            except exceptions.DeadlineExceeded:
                break
            if not received:
                break
            for one in received:
                ack_ids.append(one.ack_id)
                published_us = int(one.message.publish_time.timestamp() * 1_000_000)
                taken[one.message.message_id] = Message(
                    one.message.data, dict(one.message.attributes), one.message.message_id, published_us
                )
    except exceptions.NotFound as error:
        raise ConfigError(_FLAG, subscription, "does not exist") from error
    except exceptions.GoogleAPICallError as error:
        raise ConfigError(_FLAG, subscription, error.message or str(error)) from error
    finally:
        if ack_ids:
            _give_back(client, subscription, ack_ids)
        client.transport.close()
    return list(taken.values())


def _give_back(client: SubscriberClient, subscription: str, ack_ids: list[str]) -> None:
    request = {"subscription": subscription, "ack_ids": ack_ids, "ack_deadline_seconds": 0}
    try:
        client.modify_ack_deadline(request=request, retry=None, timeout=_WAIT_S)
    except exceptions.GoogleAPICallError as error:
        problem = f"its messages come back when their deadline is over: {error.message or error}"
        raise ConfigError(_FLAG, subscription, problem) from error


def _connect(subscription: str) -> SubscriberClient:
    address = os.environ.get("PUBSUB_EMULATOR_HOST")
    if address:  # the client's default channel to an emulator refuses pulls of more than 4 MiB
        channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
        return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    try:
        return SubscriberClient()
    except DefaultCredentialsError as error:
        problem = "no credentials; set PUBSUB_EMULATOR_HOST, or run gcloud auth application-default login"
        raise ConfigError(_FLAG, subscription, problem) from error
