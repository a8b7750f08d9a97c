"""Resource names, checked as the service checks them.

Rules: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
"""

import re
from typing import Final

from publisher.broker.refusal import invalid

DELETED_TOPIC: Final = "_deleted-topic_"
"""What a subscription names as its topic once the topic is deleted."""

_NAME: Final = re.compile(r"projects/([^/]*)/(topics|subscriptions)/(?!goog)[A-Za-z][A-Za-z0-9\-._~+%]{2,254}")


def check_topic(name: str) -> str:
    """Return `name` if it is ``projects/P/topics/T``.

    Raises:
        RefusedError: INVALID_ARGUMENT otherwise.
    """
    return _check("topics", name)


def check_subscription(name: str) -> str:
    """Return `name` if it is ``projects/P/subscriptions/S``.

    Raises:
        RefusedError: INVALID_ARGUMENT otherwise.
    """
    return _check("subscriptions", name)


def project_prefix(project: str) -> str:
    """Return what the names of all resources of `project` (``projects/P``) begin with.

    Raises:
        RefusedError: INVALID_ARGUMENT if it is not a project's name.
    """
    if not re.fullmatch(r"projects/[^/]+", project):
        raise invalid(f"Invalid [projects] name: (name={project})")
    return project + "/"


def _check(collection: str, name: str) -> str:
    match = _NAME.fullmatch(name)
    if match is None or match[2] != collection:
        raise invalid(f"Invalid [{collection}] name: (name={name})")
    return name
