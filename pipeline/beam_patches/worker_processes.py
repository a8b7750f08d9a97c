"""Start and watch the worker processes of Beam's local runner.

The runner waits forever for a worker that was killed while it was idle, and each thread that listens to a worker ends
with a traceback. With this patch the job owns the processes: it notices when one of them ends, and fails in one line.
Their log lines are received on the loopback interface; Beam would open a port on every interface for each worker.

Upstream: https://github.com/apache/beam/issues/19674, about the same runner and the end of its workers.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc, endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import ControlConnection, SubprocessSdkWorkerHandler
from apache_beam.runners.portability.local_job_service import BeamFnLoggingServicer
from apache_beam.runners.worker.data_plane import _GrpcDataChannel
from apache_beam.utils import thread_pool_executor
from google.protobuf import json_format, text_format

from pipeline.beam_patches.patch import replaced
from pipeline.local.processes import worker_processes

READERS: Final = ((ControlConnection, "_read"), (_GrpcDataChannel, "_read_inputs"))
"""Methods that run in a thread for each worker, and raise when its connection breaks."""


@contextlib.contextmanager
def patch() -> Iterator[None]:
    """Own the worker processes that are started within a block; see `worker_processes`."""
    with contextlib.ExitStack() as stack:
        processes = stack.enter_context(worker_processes())
        logging_port = stack.enter_context(_logging_server())

        def start(handler: Any) -> None:
            environment = os.environ | _environment_of(handler, logging_port)
            handler.process = processes.start(handler._worker_command_line.decode("utf-8"), environment)

        stack.enter_context(replaced(SubprocessSdkWorkerHandler, "start_worker", start))
        stack.enter_context(replaced(SubprocessSdkWorkerHandler, "stop_worker", lambda handler: handler.process.join()))
        for owner, name in READERS:
            stack.enter_context(replaced(owner, name, _ending_quietly(getattr(owner, name))))
        yield


@contextlib.contextmanager
def _logging_server() -> Iterator[int]:
    """Serve the workers' log lines on the loopback interface; yield the port."""
    server = grpc.server(thread_pool_executor.shared_unbounded_instance())
    beam_fn_api_pb2_grpc.add_BeamFnLoggingServicer_to_server(BeamFnLoggingServicer(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(0)


def _environment_of(handler: Any, logging_port: int) -> dict[str, str]:
    """Return the variables by which Beam's worker finds the runner."""
    return {
        "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(handler.control_address),
        "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(f"localhost:{logging_port}"),
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
