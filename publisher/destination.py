"""Say where a command publishes to: flags of a topic, and of a subscription that is created with it."""

import argparse

from publisher.replay.topic import ReplayTopic, create_subscription
from telemetry.cli.flags import check_pubsub_name
from telemetry.errors import ConfigError


def add_destination_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--topic``, ``--create`` and ``--subscription`` to a command's parser."""
    target = parser.add_argument_group("destination")
    target.add_argument("--topic", required=True, metavar="projects/P/topics/T", help="topic to publish to")
    target.add_argument("--create", action="store_true", help="create the topic and --subscription if they are missing")
    target.add_argument(
        "--subscription",
        default="",
        metavar="projects/P/subscriptions/S",
        help="subscription to create with --create; it delivers in order",
    )


def check_destination_names(options: argparse.Namespace) -> None:
    """Check the names that the flags of `add_destination_flags` give, without asking Pub/Sub.

    Raises:
        ConfigError: if a name is none, or a subscription is named that is not to be created.
    """
    check_pubsub_name("--topic", "topics", options.topic)
    if options.subscription:
        check_pubsub_name("--subscription", "subscriptions", options.subscription)
        if not options.create:
            raise ConfigError("--subscription", options.subscription, "is only used with --create")


def create_destination(topic: ReplayTopic, options: argparse.Namespace, ordered: bool) -> None:
    """Create the topic, and the subscription if one is named, unless they exist.

    Raises:
        ConfigError: if one of them cannot be created, or a subscription that exists cannot be used.
    """
    topic.create()
    if options.subscription:
        create_subscription(options.subscription, options.topic, ordered)
