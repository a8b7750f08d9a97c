"""Start Pub/Sub servers as processes: the embedded broker, and Google's emulator where it is installed."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import grpc
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from benchmarks.expected_output import BenchmarkError
from benchmarks.measured_process import ROOT

EMBEDDED: Final = "embedded broker"
OFFICIAL: Final = "Google's emulator"
ACK_DEADLINE_S: Final = 10
_SCRIPT: Final = Path("platform/pubsub-emulator/bin/cloud-pubsub-emulator")
_STARTUP_S: Final = 120.0


@contextmanager
def pubsub_servers() -> Iterator[dict[str, str]]:
    """Yield the addresses of the servers that can run here, by name."""
    with contextlib.ExitStack() as stack:
        commands = {EMBEDDED: [sys.executable, "-m", "publisher", "broker"]}
        if shutil.which("java") is not None and (script := emulator_script()) is not None:
            commands[OFFICIAL] = emulator_command(script)
        yield {name: stack.enter_context(serving(name, command)) for name, command in commands.items()}


def emulator_script() -> Path | None:
    """Return the program of Google's emulator, which needs Java; None if it is not installed."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    # The layout of the SDK is ROOT/bin/gcloud; asking gcloud itself takes seconds and comes second.
    beside = Path(gcloud).resolve().parents[1] / _SCRIPT
    if beside.is_file():
        return beside
    question = [gcloud, "info", "--format=value(installation.sdk_root)"]
    answer = subprocess.run(question, capture_output=True, text=True, timeout=60, check=False)
    script = Path(answer.stdout.strip()) / _SCRIPT
    return script if answer.returncode == 0 and script.is_file() else None


def emulator_command(script: Path) -> list[str]:
    """Return the command that runs Google's emulator on loopback, but for its port."""
    return [str(script), "--host=127.0.0.1"]


def create_subscription(address: str, topic: str, subscription: str, *, ordered: bool) -> None:
    """Create a topic and a subscription to it."""
    with grpc.insecure_channel(address) as channel:
        PublisherClient(transport=PublisherGrpcTransport(channel=channel)).create_topic(name=topic)
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        settings = {"enable_message_ordering": ordered, "ack_deadline_seconds": ACK_DEADLINE_S}
        subscriber.create_subscription(request={"name": subscription, "topic": topic, **settings})


@contextmanager
def serving(name: str, command: list[str]) -> Iterator[str]:
    """Run a server on a free port for a block, and yield its address.

    Args:
        name: what it is called in an error.
        command: starts it; its port is added.

    Raises:
        BenchmarkError: if it does not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # A session of its own, because the emulator is a script that starts Java.
    process = subprocess.Popen(
        [*command, f"--port={port}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_listening(name, process, port)
        yield f"127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_listening(name: str, process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _STARTUP_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise BenchmarkError(f"{name} does not start")
