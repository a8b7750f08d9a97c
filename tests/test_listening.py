"""Look at every listening socket of every command: each is on the loopback interface, and serves those it is for."""

import socket
from pathlib import Path

import grpc
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_runner_api_pb2,
)

from pipeline.local.job_token import VARIABLE
from publisher.broker import Broker
from telemetry.cli.main import SUBCOMMANDS
from telemetry.model.records import DeadLetter
from tests.support import needs
from tests.support.jobs import imbalances
from tests.support.listening import PROC, Listener, Watched, process_tree
from tests.support.mosquitto import mosquitto
from tests.support.pubsub_fixtures import clients
from tests.support.runs import T0, anomaly, window, write, write_run

__all__ = ["mosquitto"]
pytestmark = needs.PROC.mark

ROWS = "ts,device,temp\n" + "".join(f"{1_594_512_000 + 5 * n},d{n % 3},{20 + n % 13}.5\n" for n in range(3_000))
LISTENS_NOWHERE = {
    "feed": "schema",
    "explore": "{folder}/rows.csv",
    "simulate": "--rows 2000 --output {folder}/simulated.csv",
    "replay": "{folder}/rows.csv --topic {topic} --speed max",
    "bridge": "{mqtt}/plants/+/+ --topic {topic} --stop-after-idle 300ms",
    "reprocess": "{folder}/results --topic {topic} --dry-run",
    "run": "--subscription {subscription} --stop-after-idle 2s --output {folder}/streamed",
    "reconcile": "--output {folder}/results",
    "tables": "--print-sql --bigquery project:dataset",
    "rules": "schema",
    "suggest": "{folder}/rows.csv",
    "shelve": "--rules {folder}/rules.yaml",
    "backtest": "--input {folder}/rows.csv",
    "render": "--results {folder}/results --output {folder}/picture.png",
    "report": "--results {folder}/results --output {folder}/page.html",
    "template": "metadata",
    "completion": "bash",
}
"""Arguments of each command that needs no socket of its own."""
LISTENS = {"broker": "--port 0", "serve": "--port 0 --results {folder}/results"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "rules.yaml").write_text("version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n")
    write_run(tmp_path / "results", [window()], [anomaly()])
    letter = DeadLetter("not_json", "no JSON", "decode", "eA==", None, "{}", "m1", T0, None)
    write(tmp_path / "results", "dead_letters", [letter])
    return tmp_path


@pytest.fixture
def names():
    """Yield a broker's address, and a topic and a subscription with a message on it."""
    with Broker() as broker, clients(broker.address) as pubsub:
        topic = pubsub.new_topic()
        subscription = pubsub.new_subscription(topic)
        pubsub.publish(topic, b'{"ts": 1594512000, "device": "d", "temp": 31.5}')
        yield {"topic": topic, "subscription": subscription, "address": broker.address}


def test_every_command_is_looked_at():
    assert LISTENS.keys() | LISTENS_NOWHERE.keys() == SUBCOMMANDS.keys()


@pytest.mark.parametrize("command", LISTENS_NOWHERE)
def test_a_command_that_serves_nobody_listens_nowhere(command, folder, names, request):
    mqtt = request.getfixturevalue("mosquitto").endpoint if command == "bridge" else ""
    given = LISTENS_NOWHERE[command].format(folder=folder, mqtt=mqtt, **names).split()
    with Watched(["-m", "telemetry", command, *given], PUBSUB_EMULATOR_HOST=names["address"]) as watched:
        code = watched.to_the_end()
        assert watched.seen == set()
    assert (code, command) in [(0, command), (1, "reconcile")]  # these results have no ledger
    if command == "run":
        assert imbalances(folder / "streamed") == []


def test_a_job_in_one_process_listens_nowhere(folder):
    given = ["--input", folder / "rows.csv", "--output", folder / "out"]
    with Watched(["-m", "telemetry", "run", *given]) as watched:
        assert watched.to_the_end() == 0
        assert watched.seen == set()


def test_a_job_in_several_processes_listens_on_loopback_for_its_workers_only(folder):
    """Its token, which a worker shows, is on no command line."""
    for part in range(4):
        (folder / f"{part}.csv").write_text(ROWS * 10)
    secret = folder / "secret.txt"
    secret.write_text("of another user")
    given = ["--input", folder / "?.csv", "--output", folder / "out", "--direct_num_workers", "2"]
    with Watched(["-m", "telemetry", "run", *given]) as watched:
        main = watched.process.pid
        sockets = watched.until(lambda found: len(found) >= 4)
        refused = {ask(listener, secret) for listener in sockets}
        watched.until(lambda _found: len([pid for pid in process_tree(main) if token_of(pid)]) == 2)
        lines = [(PROC / str(pid) / "cmdline").read_bytes() for pid in process_tree(main)]
        tokens = {token_of(pid) for pid in process_tree(main) - {main}}
        assert token_of(main) == b""
        assert watched.to_the_end() == 0
    assert refused == {("UNAUTHENTICATED",) * 5}
    assert len(watched.seen) == 4
    assert [listener for listener in watched.seen if not listener.is_private] == []
    assert imbalances(folder / "out") == []
    (token,) = tokens
    assert len(token) >= 43
    assert not any(token in line for line in lines)


def token_of(pid: int) -> bytes:
    """Return the token in the environment with which a process was started, or nothing."""
    entries = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return next((entry.partition(b"=")[2] for entry in entries if entry.startswith(VARIABLE.encode())), b"")


def ask(listener: Listener, path: Path) -> tuple[str, ...]:
    """Ask a socket for a file, and for each of the four services of a worker; return the codes of its answers."""
    file = beam_runner_api_pb2.ArtifactFilePayload(path=str(path)).SerializeToString()
    artifact = beam_runner_api_pb2.ArtifactInformation(type_urn=common_urns.artifact_types.FILE.urn, type_payload=file)
    api = beam_fn_api_pb2_grpc
    with grpc.insecure_channel(f"127.0.0.1:{listener.port}") as channel:
        calls = [
            lambda: list(
                beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel).GetArtifact(
                    beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)
                )
            ),
            lambda: list(api.BeamFnControlStub(channel).Control(iter([]), metadata=[("worker_id", "worker_0")])),
            lambda: api.BeamFnControlStub(channel).GetProcessBundleDescriptor(
                beam_fn_api_pb2.GetProcessBundleDescriptorRequest(process_bundle_descriptor_id="1"),
                metadata=[("telemetry-job-token", "guessed")],
            ),
            lambda: list(api.BeamFnDataStub(channel).Data(iter([]), metadata=[("worker_id", "worker_0")])),
            lambda: list(api.BeamFnStateStub(channel).State(iter([]))),
        ]
        return tuple(code_of(call) for call in calls)


def code_of(call) -> str:
    try:
        call()
    except grpc.RpcError as error:
        return str(error.code().name)
    return "answered"


@pytest.mark.parametrize("command", LISTENS)
def test_a_server_listens_on_loopback_unless_told_otherwise(command, folder):
    given = LISTENS[command].format(folder=folder).split()
    with Watched(["-m", "telemetry", command, *given]) as watched:
        (listener,) = watched.until(bool)
        assert listener.is_private


@pytest.mark.parametrize("command", LISTENS)
def test_another_address_is_seen_as_one(command, folder):
    given = LISTENS[command].format(folder=folder).split()
    with Watched(["-m", "telemetry", command, "--host", "0.0.0.0", *given]) as watched:
        (listener,) = watched.until(bool)
        assert not listener.is_private
        socket.create_connection(("127.0.0.1", listener.port)).close()


def test_addresses_are_read_as_the_system_writes_them():
    listed = [Listener("127.0.0.1", 1), Listener("::1", 1), Listener("::ffff:127.0.0.1", 1), Listener("127.8.0.1", 1)]
    assert all(listener.is_private for listener in listed)
    others = [Listener("0.0.0.0", 1), Listener("::", 1), Listener("::ffff:0.0.0.0", 1), Listener("10.0.0.1", 1)]
    assert not any(listener.is_private for listener in others)
