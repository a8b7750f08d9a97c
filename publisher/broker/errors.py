"""Define the errors of invalid requests: a gRPC status and the error text of Google's emulator."""

import enum
from collections.abc import Iterable

from telemetry.errors import TelemetryError


class Status(enum.Enum):
    """gRPC statuses that the broker uses, named as in ``grpc.StatusCode``."""

    ALREADY_EXISTS = "already exists"
    FAILED_PRECONDITION = "failed precondition"
    INVALID_ARGUMENT = "invalid argument"
    NOT_FOUND = "not found"
    RESOURCE_EXHAUSTED = "resource exhausted"
    UNIMPLEMENTED = "unimplemented"


class RequestError(TelemetryError):
    """A request that Pub/Sub rejects; becomes the status of the call."""

    def __init__(self, status: Status, problem: str) -> None:
        """Reject with `status`; `problem` becomes the details of the call."""
        super().__init__(problem)
        self.status = status
        self.problem = problem


def unsupported(names: Iterable[str]) -> RequestError:
    """Return the error of a request for features that the broker does not implement, by the names of their fields."""
    return RequestError(Status.UNIMPLEMENTED, f"The embedded broker does not support {', '.join(sorted(names))}")


def invalid_argument(problem: str) -> RequestError:
    """Return the error of an invalid request."""
    return RequestError(Status.INVALID_ARGUMENT, problem)
