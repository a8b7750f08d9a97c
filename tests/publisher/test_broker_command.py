"""Check the warning of a broker that other machines reach."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        ("127.0.0.1", ""),
        ("localhost", ""),
        (
            "0.0.0.0",
            "telemetry broker: warning: everybody who reaches 0.0.0.0 can publish, read and delete without "
            "authentication\n",
        ),
    ],
)
def test_a_broker_that_other_machines_reach_says_so(host, warned):
    command = [sys.executable, "-m", "telemetry", "broker", "--host", host, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(f"broker listening on {host}:")
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, warned)
