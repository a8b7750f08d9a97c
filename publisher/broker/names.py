"""Check resource names by the rules of the service.

Source: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
"""

import re
from typing import Final

from publisher.broker.errors import invalid_argument

DELETED_TOPIC: Final = "_deleted-topic_"
"""Topic of a subscription whose topic was deleted."""

_NAME: Final = re.compile(
    r"projects/([^/]*)/(topics|subscriptions|snapshots)/(?!goog)[A-Za-z][A-Za-z0-9\-._~+%]{2,254}"
)


def check_topic(name: str) -> str:
    """Return `name` if it is ``projects/P/topics/T``.

    Raises:
        RequestError: INVALID_ARGUMENT otherwise.
    """
    return _check("topics", name)


def check_subscription(name: str) -> str:
    """Return `name` if it is ``projects/P/subscriptions/S``.

    Raises:
        RequestError: INVALID_ARGUMENT otherwise.
    """
    return _check("subscriptions", name)


def check_snapshot(name: str) -> str:
    """Return `name` if it is ``projects/P/snapshots/S``.

    Raises:
        RequestError: INVALID_ARGUMENT otherwise.
    """
    return _check("snapshots", name)


def project_prefix(project: str) -> str:
    """Return the prefix of all resource names of `project` (``projects/P``).

    Raises:
        RequestError: INVALID_ARGUMENT if `project` is not a project name.
    """
    if not re.fullmatch(r"projects/[^/]+", project):
        raise invalid_argument(f"Invalid [projects] name: (name={project})")
    return project + "/"


def _check(collection: str, name: str) -> str:
    match = _NAME.fullmatch(name)
    if match is None or match[2] != collection:
        raise invalid_argument(f"Invalid [{collection}] name: (name={name})")
    return name
