"""Make the messages of a scenario, and publish them at a constant rate."""

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from benchmarks.torture.scenario import DEVICES, INTERVAL_S, Scenario
from telemetry.model.messages import EVENT_TIME, MESSAGE_KEY, ROWS, RUN_ID

RUN: Final = "torture"
_CORRUPT: Final = 0.002
"""Share of lines that are not JSON."""
_LATE: Final = 0.01
_TWICE: Final = 0.03
_STEP_S: Final = 0.25


@dataclass(slots=True)
class Traffic:
    """Messages of a scenario.

    Attributes:
        messages: in the order of publishing.
        rows: number of rows in each message.
        lines: readings, each once.
        corrupt: lines that are no readings, with their numbers.
        may_be_too_late: readings that arrive after their window has closed.
    """

    messages: list[PubsubMessage] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    corrupt: Counter[bytes] = field(default_factory=Counter)
    may_be_too_late: set[bytes] = field(default_factory=set)

    @property
    def published(self) -> int:
        """Number of rows in all messages, or of the lines, which a replay publishes then."""
        return sum(self.rows) or len(self.lines)


def make_traffic(scenario: Scenario, lines: Sequence[bytes]) -> Traffic:
    """Return the messages that carry lines of JSON in the way of a scenario.

    Args:
        scenario: what to do with the lines.
        lines: valid readings in the order of their times.
    """
    draw = random.Random(f"{scenario.seed}/traffic")
    traffic = Traffic(lines=list(lines))
    sent = _with_corrupt(_with_late(scenario, lines, draw, traffic), draw, traffic)
    chunks = _by_device(sent, scenario.rows_per_message) if scenario.ordering == "device" else _cut(sent, scenario)
    for number, (key, chunk) in enumerate(chunks):
        message = _message(number, key, chunk)
        traffic.messages.append(message)
        traffic.rows.append(len(chunk))
        if scenario.dedup and draw.random() < _TWICE:
            traffic.messages.append(message)
            traffic.rows.append(len(chunk))
    return traffic


def _with_late(scenario: Scenario, lines: Sequence[bytes], draw: random.Random, traffic: Traffic) -> list[bytes]:
    """Return the lines in another order, in which some come later than others of their time."""
    if scenario.lateness == "none":
        return list(lines)
    longest_s = 60 if scenario.lateness == "in_time" else 600
    places = []
    for index, line in enumerate(lines):
        delay_s = draw.uniform(longest_s / 2, longest_s) if draw.random() < _LATE else 0.0
        places.append((index + delay_s / INTERVAL_S * DEVICES, index))
        if delay_s and scenario.lateness == "too_late":
            traffic.may_be_too_late.add(line)
    return [lines[index] for _, index in sorted(places)]


def _with_corrupt(lines: Sequence[bytes], draw: random.Random, traffic: Traffic) -> list[bytes]:
    sent = []
    for number, line in enumerate(lines):
        sent.append(line)
        if draw.random() < _CORRUPT:
            corrupt = b'{"ts": broken %d' % number
            traffic.corrupt[corrupt] += 1
            sent.append(corrupt)
    return sent


def _cut(lines: Sequence[bytes], scenario: Scenario) -> Iterator[tuple[str, list[bytes]]]:
    key = "" if scenario.ordering == "none" else RUN
    for start in range(0, len(lines), scenario.rows_per_message):
        yield key, list(lines[start : start + scenario.rows_per_message])


def _by_device(lines: Sequence[bytes], size: int) -> Iterator[tuple[str, list[bytes]]]:
    waiting: dict[str, list[bytes]] = defaultdict(list)
    device = ""
    for line in lines:
        device = _reading(line).get("device", device)  # a corrupt line goes with the one before
        waiting[device].append(line)
        if len(waiting[device]) >= size:
            yield device, waiting.pop(device)
    yield from waiting.items()


def _message(number: int, key: str, lines: list[bytes]) -> PubsubMessage:
    times = [reading["ts"] for line in lines if (reading := _reading(line))]
    attributes = {MESSAGE_KEY: f"{RUN}-{number}", ROWS: str(len(lines)), RUN_ID: RUN}
    if times:
        attributes[EVENT_TIME] = str(int(min(times) * 1e3))
    return PubsubMessage(data=b"\n".join(lines), attributes=attributes, ordering_key=key)


def _reading(line: bytes) -> dict[str, Any]:
    try:
        reading: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return reading


class TrafficPublisher:
    """Publish messages at a constant rate in a thread, one request for each key and quarter of a second."""

    def __init__(self, address: str, topic: str, traffic: Traffic, rate: int) -> None:
        """Prepare; `start` begins.

        Args:
            address: of the server.
            topic: its full name.
            traffic: what to publish.
            rate: rows per second.
        """
        self._channel = grpc.insecure_channel(address)
        self._client = PublisherClient(transport=PublisherGrpcTransport(channel=self._channel))
        self._topic, self._traffic, self._rate = topic, traffic, rate
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def finish(self) -> None:
        """Wait until everything is published; raises what prevented it."""
        self._thread.join()
        self._channel.close()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._publish()
        except BaseException as error:  # noqa: BLE001 - raised by `finish`, in the thread that waits
            self._error = error

    def _publish(self) -> None:
        began, rows = time.monotonic(), 0
        step: dict[str, list[PubsubMessage]] = defaultdict(list)
        size = 0
        for message, count in zip(self._traffic.messages, self._traffic.rows, strict=True):
            step[message.ordering_key].append(message)
            size, rows = size + count, rows + count
            if size >= self._rate * _STEP_S:
                self._send(step)
                size = 0
                time.sleep(max(0.0, began + rows / self._rate - time.monotonic()))
        self._send(step)

    def _send(self, step: dict[str, list[PubsubMessage]]) -> None:
        for messages in step.values():
            for start in range(0, len(messages), 500):
                self._client.publish(topic=self._topic, messages=messages[start : start + 500])
        step.clear()
