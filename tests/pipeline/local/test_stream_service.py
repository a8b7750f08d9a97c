"""Check that only the user of a job can take the events of its stream."""

import stat
import tempfile
from pathlib import Path
from typing import Any

import grpc
import pytest
from apache_beam.portability.api import beam_interactive_api_pb2, beam_interactive_api_pb2_grpc, beam_runner_api_pb2

from pipeline.local import stream_service
from pipeline.local.stream_service import StreamService

EVENT = beam_runner_api_pb2.TestStreamPayload.Event(
    processing_time_event=beam_runner_api_pb2.TestStreamPayload.Event.AdvanceProcessingTime(advance_duration=7)
)


class OneEvent:
    def read_multiple(self, labels):
        yield EVENT


def socket_of(service: StreamService) -> Path:
    scheme, _, path = service.endpoint.partition(":")
    assert scheme == "unix"
    return Path(path)


def events(endpoint: str) -> list[Any]:
    with grpc.insecure_channel(endpoint) as channel:
        stub = beam_interactive_api_pb2_grpc.TestStreamServiceStub(channel)
        return list(stub.Events(beam_interactive_api_pb2.EventsRequest(output_ids=["tag"])))


def test_events_come_through_a_socket_that_others_cannot_open():
    service = StreamService(OneEvent())
    service.start()
    socket = socket_of(service)
    assert socket.is_socket()
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert events(service.endpoint) == [EVENT]
    service.stop()
    assert not socket.parent.exists()


def test_a_service_that_never_started_leaves_nothing_behind():
    service = StreamService(OneEvent())
    folder = socket_of(service).parent
    assert folder.exists()
    service.stop()
    assert not folder.exists()


@pytest.mark.parametrize("length", [40, 66, 67, 68, 69, 90, 200])
def test_a_temporary_folder_with_a_long_name_is_no_obstacle(length, tmp_path, monkeypatch):
    home = Path(tempfile.mkdtemp(dir="/tmp"))
    parent = home / ("x" * (length - len(str(home)) - 1))
    parent.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(parent))
    monkeypatch.setattr(stream_service, "_SHORT", str(home))
    service = StreamService(OneEvent())
    service.start()
    assert events(service.endpoint) == [EVENT]
    assert (socket_of(service).parent.parent == parent) is (length <= 67)
    service.stop()
    parent.rmdir()
    home.rmdir()
