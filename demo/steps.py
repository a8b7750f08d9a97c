"""Run the steps of the demonstration, each in its own process, as in production."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from telemetry.cli.exit_codes import NOTHING_USABLE
from telemetry.errors import ConfigError, NothingUsableError, TelemetryError
from telemetry.model.kinds import KINDS

if TYPE_CHECKING:
    from demo.source import DemoSource

IDLE_S: Final = 5
RULES: Final = Path(__file__).with_name("rules.yaml")
"""Rules for the simulated telemetry: an example of every condition."""
_ANSWER_S: Final = 10.0
_ROWS: Final = "100000"
_DEVICES: Final = "4"


class DemoError(TelemetryError):
    """A step that failed."""


@dataclass(frozen=True)
class Names:
    """Names of a topic and a subscription that no other run uses."""

    topic: str
    subscription: str

    @classmethod
    def new(cls) -> "Names":
        """Return new names."""
        suffix = uuid.uuid4().hex[:8]
        project = "projects/demo"
        return cls(f"{project}/topics/telemetry-{suffix}", f"{project}/subscriptions/telemetry-{suffix}")


def say(text: str) -> None:
    """Print the next step."""
    print(f"• {text}", flush=True)


def ensure_empty(folder: Path) -> Path:
    """Return an empty folder for results; delete the results of an earlier demonstration.

    Raises:
        ConfigError: if the folder holds anything else, or cannot be written.
    """
    results = folder / "results"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if results.exists():
            others = {path.name for path in results.iterdir()} - {*KINDS, ".jobs", ".state"}
            if others:
                raise ConfigError("--output", folder, f"its results hold {min(others)!r}, which no job has written")
            shutil.rmtree(results)
    except OSError as error:
        raise ConfigError("--output", folder, f"cannot be written: {error.strerror or error}") from error
    return results


def simulate(path: Path) -> Path:
    """Write simulated telemetry of a few devices, with faults."""
    say(f"simulating {int(_ROWS):,} readings of {_DEVICES} devices: {path}")
    run_step("simulate", "--rows", _ROWS, "--devices", _DEVICES, "--seed", "7", "--output", path,
         "--faults", "all", "--labels", path.with_name("labels.csv"))  # fmt: skip
    return path


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """Yield the address of a Pub/Sub server: PUBSUB_EMULATOR_HOST if set, else an embedded broker for this block."""
    address = os.environ.get("PUBSUB_EMULATOR_HOST")
    if address:
        say(f"using the Pub/Sub emulator at {address}")
        yield address
        return
    process = subprocess.Popen(_command("broker", "--port", "0"), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None, "a pipe was requested"
        line = process.stdout.readline()
        if "listening on" not in line:
            raise DemoError("the embedded Pub/Sub broker did not start")
        address = line.split()[-1]
        say(f"embedded Pub/Sub broker at {address}")
        yield address
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def created(names: Names, address: str) -> Iterator[None]:
    """Create topic and subscription before any process needs them; delete them at the end.

    Raises:
        ConfigError: if no server answers at the address.
    """
    with grpc.insecure_channel(address) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        request = {"name": names.subscription, "topic": names.topic, "enable_message_ordering": True}
        try:
            publisher.create_topic(name=names.topic, retry=None, timeout=_ANSWER_S)
            subscriber.create_subscription(request=request, retry=None, timeout=_ANSWER_S)
        except GoogleAPICallError as error:
            raise ConfigError("PUBSUB_EMULATOR_HOST", address, f"Pub/Sub does not answer: {error.message}") from error
        try:
            yield
        finally:
            with contextlib.suppress(GoogleAPICallError):
                subscriber.delete_subscription(subscription=names.subscription, retry=None, timeout=_ANSWER_S)
                publisher.delete_topic(topic=names.topic, retry=None, timeout=_ANSWER_S)


def run_job(
    source: "DemoSource", results: Path, folder: Path, names: Names, address: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Replay the telemetry while the job runs; the job ends after `IDLE_S` seconds without a message.

    Returns:
        The summaries of the replay and of the job.
    """
    environment = os.environ | {"PUBSUB_EMULATOR_HOST": address}
    summary = folder / "summary.json"
    say(f"job: {names.subscription.split('/')[-1]} → {results} (ends after {IDLE_S} s without a message)")
    job = ("run", "--subscription", names.subscription, "--output", results, "--summary", summary,
           "--stop-after-idle", f"{IDLE_S}s", *source.job_flags)  # fmt: skip
    with (
        created(names, address),
        subprocess.Popen(_command(*job), env=environment, stderr=subprocess.PIPE, text=True) as pipeline,
    ):
        say(f"replay: {source.csv} → {names.topic.split('/')[-1]}")
        try:
            replay = ("replay", source.csv, "--topic", names.topic, "--speed", "max", "--rows-per-message", "500")
            published = json.loads(run_step(*replay, *source.feed_flags, env=environment))
            _, errors = pipeline.communicate()
        except BaseException:
            pipeline.terminate()
            raise
    if pipeline.returncode == NOTHING_USABLE:
        raise NothingUsableError(errors.strip().rpartition("error: ")[2])
    if pipeline.returncode:
        raise DemoError(errors.strip() or f"the job ended with code {pipeline.returncode}")
    return published, json.loads(summary.read_text(encoding="utf-8"))


def chart(results: Path, source: "DemoSource", picture: Path) -> Path:
    """Draw the readings with their anomalies; return the path of the picture."""
    say("drawing the chart")
    _draw("render", results, source, picture)
    return picture


def report(results: Path, source: "DemoSource", page: Path) -> Path:
    """Write the report; return its path."""
    say("writing the report")
    _draw("report", results, source, page)
    return page


def _draw(command: str, results: Path, source: "DemoSource", output: Path) -> None:
    readings, metric = source.readings(results), source.metric
    run_step(command, "--results", results, "--readings", readings, "--metric", metric, "--output", output,
             *source.feed_flags)  # fmt: skip


def _command(*args: object) -> list[str]:
    return [sys.executable, "-m", "telemetry", *map(str, args)]


def run_step(command: str, *args: object, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return its standard output; progress and errors stay visible.

    Raises:
        NothingUsableError: if it could use nothing.
        DemoError: if it failed otherwise.
    """
    done = subprocess.run(_command(command, *args), env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == NOTHING_USABLE:
        raise NothingUsableError(f"no row was usable; telemetry {command} says why in the line above")
    if done.returncode:
        raise DemoError(f"telemetry {command} ended with code {done.returncode}")
    return done.stdout


def try_step(command: str, *args: object) -> bool:
    """Run a command without which the demonstration goes on; return whether it succeeded."""
    return subprocess.run(_command(command, *args), capture_output=True, check=False).returncode == 0
