"""Start, watch and serve the worker processes of Beam's local runner.

The runner waits forever for a worker that was killed while it was idle, and each thread that listens to a worker ends
with a traceback. With this patch the job owns the processes: it notices when one of them ends, and fails in one line.
Its services listen on the loopback interface and require the token of the job (`pipeline.local.worker_services`); Beam
would open ports on every interface, and serve any file of the machine there. Without the patch a job has one process.

Upstream: https://github.com/apache/beam/issues/19674, about the same runner and the end of its workers. No issue is
known about its ports.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    ControlConnection,
    GrpcWorkerHandler,
    SubprocessSdkWorkerHandler,
)
from apache_beam.runners.worker.data_plane import _GrpcDataChannel
from google.protobuf import json_format, text_format

from pipeline.beam_patches.patch import replaced
from pipeline.local.job_token import VARIABLE, new_token
from pipeline.local.processes import PATIENCE_S, worker_processes
from pipeline.local.worker_services import HOST, WorkerServices

READERS: Final = ((ControlConnection, "_read"), (_GrpcDataChannel, "_read_inputs"))
"""Methods that run in a thread for each worker, and raise when its connection breaks."""


@contextlib.contextmanager
def patch() -> Iterator[None]:
    """Own the worker processes that are started within a block, and serve them alone; see `worker_processes`."""
    token = new_token()
    with contextlib.ExitStack() as stack:
        processes = stack.enter_context(worker_processes())

        def start(handler: Any) -> None:
            environment = os.environ | _environment_of(handler) | {VARIABLE: token}
            handler.process = processes.start(handler._worker_command_line.decode("utf-8"), environment)

        stack.enter_context(replaced(worker_handlers, "GrpcServer", functools.partial(WorkerServices, token)))
        stack.enter_context(replaced(GrpcWorkerHandler, "host_from_worker", lambda _handler: HOST))
        stack.enter_context(replaced(SubprocessSdkWorkerHandler, "start_worker", start))
        stack.enter_context(replaced(SubprocessSdkWorkerHandler, "stop_worker", _stop))
        for owner, name in READERS:
            stack.enter_context(replaced(owner, name, _ending_quietly(getattr(owner, name))))
        yield


def _stop(handler: Any) -> None:
    """End a worker. One that has not connected yet was not told to end, and would wait for work forever."""
    has_connected = handler.control_conn._input is not None
    process = getattr(handler, "process", None)  # None if a signal came before it was started
    if process is not None:
        process.end(PATIENCE_S if has_connected else 0.0)


def _environment_of(handler: Any) -> dict[str, str]:
    """Return the variables by which Beam's worker finds the runner."""
    return {
        "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(handler.control_address),
        "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(handler.logging_api_service_descriptor().url),
        "PIPELINE_OPTIONS": json_format.MessageToJson(handler.provision_info.provision_info.pipeline_options),
        "WORKER_ID": handler.worker_id,
    }


def _descriptor(url: str) -> str:
    text: str = text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))
    return text


def _ending_quietly(read: Callable[..., None]) -> Callable[..., None]:
    """Return a function that ends where `read` would raise for a broken connection: the process tells of it."""

    def reading(*args: Any) -> None:
        with contextlib.suppress(grpc.RpcError):
            read(*args)

    return reading
