"""Run object stores and BigQuery on this machine: servers that speak the real protocols and can be killed.

``make emulators`` installs them below the environment the tests run in; a server that is not installed skips its test.
Import the fixtures into a test module: `lake` for a place to write to, once for each filesystem; `google_storage`,
`amazon_storage`, `azure_storage` and `bigquery_server` for the servers the tests of a process share; `start_server` for
one of a test's own, which it may kill.
"""

import base64
import functools
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Final, TypeVar

import botocore.loaders
import pytest
from apache_beam.internal.gcp import auth
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support import needs
from tests.support.needs import EMULATORS, Need

PROJECT: Final = "telemetry-test"
BUCKET: Final = "lake"

_STARTUP_S: Final = 120.0
_CLOSING_S: Final = 10.0


class Server(ABC):
    """A server in a process of its own, on a port of its own of 127.0.0.1, with its data in a folder.

    Attributes:
        env: the environment in which a client finds this server, without any flag.
        port: stays the same when the server is restarted.
    """

    need: ClassVar[Need]
    """The program that is started; without it, the test is skipped."""
    keeps_data: ClassVar[bool] = True
    """Whether written data survives `kill` and `restart`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = _free_port()
        self.env: dict[str, str] = {}
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Return the address it listens on."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def arguments(self) -> list[str]:
        """Return the arguments of the program."""

    def settings(self) -> Mapping[str, str]:
        """Return variables that are added to the environment of the server."""
        return {}

    def prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Create objects that clients expect, such as a bucket; also after a restart."""

    def start(self) -> None:
        """Start the server and wait until it answers; fail with the end of its log if it does not."""
        assert self._process is None, "it is running already"
        command = [self._program(), *self.arguments()]
        with self._log.open("ab") as log:
            # A session of its own, so that whatever it starts dies with it.
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **self.settings()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_answering()
            self.prepare()
        except BaseException:
            self.stop()
            raise

    def kill(self) -> None:
        """Kill the server, as if the machine had lost power; connections break, new ones are refused."""
        self._signal(signal.SIGKILL)

    def restart(self) -> None:
        """Start the server again on the same port, after `kill`."""
        self.start()

    def stop(self) -> None:
        """Stop the server; do nothing if it is not running."""
        if self._process is not None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it is not running"
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)
        if number == signal.SIGKILL:
            self._process.wait()
            self._process = None

    def _program(self) -> str:
        return str(self.need.path())

    def _wait_until_answering(self) -> None:
        until = time.monotonic() + _STARTUP_S
        while not _answers(self.endpoint):
            assert self._process is not None
            code = self._process.poll()
            assert code is None, f"{self.need.name} exited with {code}:\n{self._tail()}"
            assert time.monotonic() < until, f"{self.need.name} does not answer after {_STARTUP_S} s:\n{self._tail()}"
            time.sleep(0.05)

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])


class GoogleStorage(Server):
    """Google Cloud Storage, with credentials that open nothing."""

    need = needs.GOOGLE_STORAGE
    root = f"gs://{BUCKET}"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # Its own server: tokens must be there when the storage is not.
        self._tokens = ThreadingHTTPServer(("127.0.0.1", 0), _Token)
        threading.Thread(target=self._tokens.serve_forever, daemon=True).start()
        self.env = {
            "STORAGE_EMULATOR_HOST": self.endpoint,
            "GOOGLE_APPLICATION_CREDENTIALS": str(_throw_away_account(folder, self._tokens.server_port)),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }

    def arguments(self) -> list[str]:
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        return ["--data-dir", str(self.folder / "data"), "start", *address, "--default-bucket", BUCKET, "--quiet"]

    def kill(self) -> None:
        # It rewrites its index in place; a half of one would be a fault of the emulator, not of a store.
        while not self._has_whole_index():
            time.sleep(0.001)
        super().kill()

    def _has_whole_index(self) -> bool:
        assert self._process is not None, "it is not running"
        self._signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # a signal takes a moment to arrive
        try:
            json.loads((self.folder / "data" / ".cloudstorage" / ".meta").read_bytes())
        except ValueError:
            self._signal(signal.SIGCONT)
            return False
        return True

    def stop(self) -> None:
        super().stop()
        self._tokens.shutdown()
        self._tokens.server_close()


class AmazonStorage(Server):
    """Amazon S3. It keeps everything in memory: after a restart the bucket is there, and empty."""

    need = needs.AMAZON_STORAGE
    keeps_data = False
    root = f"s3://{BUCKET}"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.env = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def arguments(self) -> list[str]:
        return ["--host", "127.0.0.1", "--port", str(self.port)]

    def prepare(self) -> None:
        request = urllib.request.Request(f"{self.endpoint}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=10).close()


class AzureStorage(Server):
    """Azure Blob Storage. A kill lets it write down its index, which it otherwise does every five seconds."""

    need = needs.AZURE_STORAGE
    account = "devstoreaccount1"
    root = f"azfs://{account}/{BUCKET}"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._key = base64.b64encode(b"no secret, only long enough to be a key").decode()
        self.env = {
            "AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;AccountName={self.account};"
            f"AccountKey={self._key};BlobEndpoint={self.endpoint}/{self.account};"
        }

    def arguments(self) -> list[str]:
        address = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.folder / "data")]
        return [*address, "--skipApiVersionCheck", "--disableTelemetry", "--silent"]

    def settings(self) -> Mapping[str, str]:
        return {"AZURITE_ACCOUNTS": f"{self.account}:{self._key}"}

    def prepare(self) -> None:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import ContainerClient

        connection = self.env["AZURE_STORAGE_CONNECTION_STRING"]
        with ContainerClient.from_connection_string(connection, BUCKET) as container:
            try:
                container.create_container()
            except ResourceExistsError:
                assert (self.folder / "data").is_dir()  # restarted

    def kill(self) -> None:
        # The real service would keep acknowledged writes, so the test's server must, too.
        assert self._process is not None, "it is not running"
        before = self._log.read_text(errors="replace").count("successfully closed")
        self._signal(signal.SIGTERM)
        until = time.monotonic() + _CLOSING_S
        while self._process.poll() is None and time.monotonic() < until:
            if self._log.read_text(errors="replace").count("successfully closed") > before:
                break
            time.sleep(0.01)
        super().kill()


class BigQueryServer(Server):
    """BigQuery, its tables in a file. It is more lenient than the service: see `tests/test_emulators.py`."""

    need = needs.BIGQUERY
    project = PROJECT

    def arguments(self) -> list[str]:
        ports = ["--rest-port", str(self.port), "--grpc-port", "0"]
        return ["start", *ports, "--project", PROJECT, "--persistent", "--data-dir", str(self.folder / "data")]

    def settings(self) -> Mapping[str, str]:
        # Its extension is in a home directory that `make emulators` has made; a second extension it would download.
        home = EMULATORS / "bigquery" / "home"
        return {"BQEMU_ENABLE_FORMAT_EXTENSIONS": "false", **({"HOME": str(home)} if home.is_dir() else {})}


@dataclass(frozen=True)
class Lake:
    """A folder or bucket path that only one test uses.

    Attributes:
        root: a folder on some Beam filesystem, empty.
        env: the environment in which `root` is found; set in this process, too.
        server: shared with other tests; None for a local folder.
    """

    root: str
    env: Mapping[str, str] = field(default_factory=dict)
    server: Server | None = None


AnyServer = TypeVar("AnyServer", bound=Server)
_LOADER: Final = functools.cache(botocore.loaders.create_loader)
_SHARED = pytest.StashKey[dict[type[Server], Server]]()


def shared(kind: type[AnyServer], request: pytest.FixtureRequest) -> AnyServer:
    """Return the server of this kind that the tests of this process share; start it on first use."""
    # Not a session-scoped fixture: pytest makes one of those for each module that imports it.
    servers = request.config.stash.setdefault(_SHARED, {})
    server = servers.get(kind)
    if server is None:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        server = servers[kind] = kind(factory.mktemp(kind.__name__))
        request.config.add_cleanup(server.stop)
        server.start()
    assert isinstance(server, kind)
    return server


def use(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment in which this process finds `server` for the rest of a test."""
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    # Beam makes a client for each call, but looks for Google's credentials once in a process.
    monkeypatch.setattr(auth._Credentials, "_credentials", None)
    monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
    # Each client would parse the description of S3 and its endpoints again, half a megabyte of JSON.
    monkeypatch.setattr("botocore.session.create_loader", _LOADER)


@pytest.fixture
def google_storage(request: pytest.FixtureRequest) -> GoogleStorage:
    """Google Cloud Storage, shared."""
    return shared(GoogleStorage, request)


@pytest.fixture
def amazon_storage(request: pytest.FixtureRequest) -> AmazonStorage:
    """Amazon S3, shared."""
    return shared(AmazonStorage, request)


@pytest.fixture
def azure_storage(request: pytest.FixtureRequest) -> AzureStorage:
    """Azure Blob Storage, shared."""
    return shared(AzureStorage, request)


@pytest.fixture
def bigquery_server(request: pytest.FixtureRequest) -> BigQueryServer:
    """BigQuery, shared."""
    return shared(BigQueryServer, request)


@pytest.fixture
def start_server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[type[AnyServer]], AnyServer]]:
    """Return a function that starts a server for one test and sets the environment in which it is found."""
    started: list[Server] = []

    def start(kind: type[AnyServer]) -> AnyServer:
        server = kind(tmp_path_factory.mktemp(kind.__name__))
        started.append(server)
        server.start()
        use(server, monkeypatch)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(params=["folder", "google_storage", "amazon_storage", "azure_storage"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Return a local folder, then one in each object store."""
    if request.param == "folder":
        return Lake(str(tmp_path / "lake"))
    server: GoogleStorage | AmazonStorage | AzureStorage = request.getfixturevalue(request.param)
    use(server, monkeypatch)
    return Lake(f"{server.root}/{uuid.uuid4().hex}", server.env, server)


class _Token(BaseHTTPRequestHandler):
    """Gives everybody an access token that opens nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = json.dumps({"access_token": "none", "token_type": "Bearer", "expires_in": 3600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def _throw_away_account(folder: Path, port: int) -> Path:
    """Write a service account whose tokens come from `port`: without one, Beam looks for Google's network for 20 s."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "none",
        "private_key": pem,
        "client_id": "1",
        "client_email": f"nobody@{PROJECT}.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{port}/token",
    }
    path = folder / "account.json"
    path.write_text(json.dumps(account))
    return path


def _free_port() -> int:
    # Below the ports that the system gives to clients: one of those could take it while the server is down.
    while True:
        port = random.randrange(16_000, 32_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def _answers(endpoint: str) -> bool:
    """Return whether there is an HTTP server, whatever it answers."""
    try:
        urllib.request.urlopen(endpoint, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
