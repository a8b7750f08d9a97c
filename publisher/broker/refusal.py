"""How the model says no: a status, as gRPC names it, and the emulator's words."""

import enum

from telemetry.errors import TelemetryError


class Status(enum.Enum):
    """The gRPC statuses the model uses; the names are those of ``grpc.StatusCode``."""

    ALREADY_EXISTS = "already exists"
    INVALID_ARGUMENT = "invalid argument"
    NOT_FOUND = "not found"
    UNIMPLEMENTED = "unimplemented"


class RefusedError(TelemetryError):
    """A request that Pub/Sub would refuse; becomes the status of the call."""

    def __init__(self, status: Status, problem: str) -> None:
        """Refuse with `status`; `problem` becomes the details of the call."""
        super().__init__(problem)
        self.status = status
        self.problem = problem


def invalid(problem: str) -> RefusedError:
    """Return the refusal of a malformed request."""
    return RefusedError(Status.INVALID_ARGUMENT, problem)
