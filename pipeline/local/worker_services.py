"""Serve the worker processes of a job on the loopback interface, to holders of its token only.

Beam's `GrpcServer` listens on every interface, asks for no authentication, and serves artifacts: any file that the
user of the job may read. `WorkerServices` takes its place and serves what worker processes of this machine need: the
control, data, state and logging services. Artifacts and provision information are for workers in containers.
"""

from typing import Any, Final

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    DATA_BUFFER_TIME_LIMIT_MS,
    BeamFnControlServicer,
    GrpcStateServicer,
)
from apache_beam.runners.portability.local_job_service import BeamFnLoggingServicer
from apache_beam.runners.worker.data_plane import BeamFnDataServicer
from apache_beam.utils import thread_pool_executor

from pipeline.local.job_token import RequireToken

HOST: Final = "127.0.0.1"
"""Address that the services are bound to: not a name, which could mean an address where somebody else listens."""
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.so_reuseport", 0),
)
"""Options of Beam's `GrpcServer`; and a port is not shared with another process."""
_GRACE_S: Final = 5.0


class WorkerServices:
    """The services of one job, with the attributes that Beam's worker handlers read from its `GrpcServer`."""

    def __init__(self, token: str, state: Any, _provision_info: Any, worker_manager: Any) -> None:
        """Start to serve.

        Args:
            token: required with each call.
            state: state of the runner.
            worker_manager: Beam's manager of the workers.
        """
        self.control_handler = BeamFnControlServicer(worker_manager)
        self.data_plane_handler = BeamFnDataServicer(DATA_BUFFER_TIME_LIMIT_MS)
        self._servers: list[grpc.Server] = []
        api = beam_fn_api_pb2_grpc
        self.control_port = self._serve(token, api.add_BeamFnControlServicer_to_server, self.control_handler)
        self.data_port = self._serve(token, api.add_BeamFnDataServicer_to_server, self.data_plane_handler)
        self.state_port = self._serve(token, api.add_BeamFnStateServicer_to_server, GrpcStateServicer(state))
        self.logging_port = self._serve(token, api.add_BeamFnLoggingServicer_to_server, BeamFnLoggingServicer())
        self.control_address = f"{HOST}:{self.control_port}"

    def _serve(self, token: str, add_to: Any, servicer: Any) -> int:
        """Serve one service on a free port, and return the port."""
        pool = thread_pool_executor.shared_unbounded_instance()
        server = grpc.server(pool, interceptors=(RequireToken(token),), options=_OPTIONS)
        port: int = server.add_insecure_port(f"{HOST}:0")
        add_to(servicer, server)
        server.start()
        self._servers.append(server)
        return port

    def close(self) -> None:
        """End all calls and free the ports."""
        self.control_handler.done()
        for stopped in [server.stop(_GRACE_S) for server in self._servers]:
            stopped.wait()
