"""Define the errors of invalid requests: a gRPC status and the error text of Google's emulator."""

import enum

from telemetry.errors import TelemetryError


class Status(enum.Enum):
    """gRPC statuses that the model uses, named as in ``grpc.StatusCode``."""

    ALREADY_EXISTS = "already exists"
    INVALID_ARGUMENT = "invalid argument"
    NOT_FOUND = "not found"
    UNIMPLEMENTED = "unimplemented"


class RequestError(TelemetryError):
    """A request that Pub/Sub rejects; becomes the status of the call."""

    def __init__(self, status: Status, problem: str) -> None:
        """Reject with `status`; `problem` becomes the details of the call."""
        super().__init__(problem)
        self.status = status
        self.problem = problem


def invalid_argument(problem: str) -> RequestError:
    """Return the error of an invalid request."""
    return RequestError(Status.INVALID_ARGUMENT, problem)
