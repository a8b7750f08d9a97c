"""Publish to a running job at a constant rate, and watch its output files for the anomalies.

Run as a separate process: ``python -m benchmarks.latency_probe TOPIC SUBSCRIPTION FOLDER SECONDS RATE``, with the
address of a broker in the environment. Publishing and watching share one process, so both times come from one clock.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from publisher.replay.message_builder import ReplayMessage
from publisher.replay.topic import ReplayTopic, create_subscription
from telemetry.model.messages import EVENT_TIME, MESSAGE_KEY, ROWS

HOT_EVERY: Final = 10
"""Every tenth row is an anomaly."""
WARM_UP_S: Final = 3.0
"""Time at the full rate before the measurement, seconds."""
_IDLE_S: Final = 5
_POLL_INTERVAL_S: Final = 0.005
_TIMEOUT_S: Final = 60.0


class _AnomalyTime(msgspec.Struct):
    source_time: str


class OutputWatcher:
    """Record when each anomaly first appears in the output.

    Attributes:
        seen: monotonic seconds by time of the reading, RFC 3339.
        duplicates: number of anomalies that appeared again.
    """

    def __init__(self, folder: Path) -> None:
        self.seen: dict[str, float] = {}
        self.duplicates = 0
        self._folder = folder / "anomalies"
        self._read_paths: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start to watch in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and read the last files."""
        self._ended.set()
        self._thread.join()
        self.read_new_files()

    def read_new_files(self) -> None:
        """Read the files that have not been read yet."""
        decoder = msgspec.json.Decoder(_AnomalyTime)
        for path in _files(self._folder, 2):
            if path not in self._read_paths:
                self._read_paths.add(path)
                rows = decoder.decode_lines(Path(path).read_bytes())
                now = time.perf_counter()
                for row in rows:
                    self.duplicates += row.source_time in self.seen
                    self.seen.setdefault(row.source_time, now)

    def _run(self) -> None:
        while not self._ended.wait(_POLL_INTERVAL_S):
            self.read_new_files()


def _files(folder: Path | str, depth: int) -> Iterator[str]:
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if depth and entry.is_dir():
                yield from _files(entry.path, depth - 1)
            elif not depth and entry.name.endswith(".jsonl"):
                yield entry.path


class SteadyPublisher:
    """Publish rows one by one with the current time.

    Attributes:
        sent: monotonic seconds of each anomaly by time of the reading, RFC 3339.
        rows: number of published rows.
    """

    def __init__(self, topic: ReplayTopic, rows_per_s: float) -> None:
        self.sent: dict[str, float] = {}
        self.rows = 0
        self._topic = topic
        self._rows_per_s = rows_per_s

    def publish(self, is_hot: bool) -> str:
        """Publish a reading and return its time, RFC 3339."""
        moment_us = time.time_ns() // 1_000
        text = _rfc3339(moment_us)
        row = {"ts": moment_us / 1e6, "device": "probe", "co": 0.005, "humidity": 50.0, "light": False, "lpg": 0.007,
               "motion": False, "smoke": 0.02, "temp": 31.0 if is_hot else 21.0}  # fmt: skip
        attributes = {EVENT_TIME: str(moment_us // 1_000), MESSAGE_KEY: f"probe-{self.rows}", ROWS: "1"}
        message = ReplayMessage(self.rows, json.dumps(row).encode(), attributes, "probe", 1, moment_us, moment_us)
        if is_hot:
            self.sent[text] = time.perf_counter()
        self._topic.publish(message)
        self.rows += 1
        return text

    def run(self, seconds: float) -> None:
        """Publish at the constant rate for `seconds` seconds."""
        began = time.perf_counter()
        for number in range(round(seconds * self._rows_per_s)):
            pause_s = began + number / self._rows_per_s - time.perf_counter()
            if pause_s > 0:
                time.sleep(pause_s)
            self.publish(number % HOT_EVERY == 0)


def _rfc3339(moment_us: int) -> str:
    seconds, micros = divmod(moment_us, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{micros:06}Z"


def main(topic_name: str, subscription: str, output: str, seconds: float, rows_per_s: float) -> None:
    """Measure, and print one line of JSON: latencies in ms, published rows, decoded rows and duplicate anomalies."""
    folder = Path(output)
    topic = ReplayTopic(topic_name, ordered=True)
    topic.create()
    create_subscription(subscription, topic_name, ordered=True)
    flags = ["--stop-after-idle", f"{_IDLE_S}s", "--output", output, "--summary", str(folder / "summary.json")]
    job = subprocess.Popen([sys.executable, "-m", "pipeline", "--subscription", subscription, *flags])
    watcher, publisher = OutputWatcher(folder), SteadyPublisher(topic, rows_per_s)
    watcher.start()
    first = publisher.publish(True)
    _wait(lambda: first in watcher.seen, "the job did not start in time")
    publisher.run(WARM_UP_S)
    before = len(publisher.sent)
    publisher.run(seconds)
    _wait(lambda: watcher.seen.keys() >= publisher.sent.keys(), "anomalies are missing from the output")
    if job.wait(_TIMEOUT_S):
        sys.exit("the job failed")
    watcher.stop()
    topic.close()
    counted = list(publisher.sent.items())[before:]
    latencies = [(watcher.seen[moment] - sent) * 1e3 for moment, sent in counted]
    rows = json.loads((folder / "summary.json").read_bytes())["rows_decoded"]
    report = {"latencies_ms": latencies, "published": publisher.rows, "decoded": rows, "duplicates": watcher.duplicates}
    print("\n" + json.dumps(report), flush=True)


def _wait(condition: Callable[[], bool], problem: str) -> None:
    until = time.perf_counter() + _TIMEOUT_S
    while not condition():
        if time.perf_counter() > until:
            sys.exit(problem)
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
