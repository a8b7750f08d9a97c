"""Publish at a steady rate into a running job, and watch its output files for the anomalies; a process of its own.

``python -m benchmarks.latency_probe TOPIC SUBSCRIPTION FOLDER SECONDS``, with a broker in the environment. Clock and
publisher are in one process, so no two clocks are compared.
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

from publisher.replay.payload import ReplayMessage
from publisher.replay.topic import ReplayTopic, create_subscription
from telemetry.model.messages import EVENT_TIME, MESSAGE_KEY, ROWS

ROWS_PER_S: Final = 1_000
HOT_EVERY: Final = 10
"""Each so-manieth row is an anomaly."""
WARM_UP_S: Final = 3.0
"""So long at full rate before anything counts."""
_IDLE_S: Final = 5
_LOOK_EVERY_S: Final = 0.005
_PATIENCE_S: Final = 60.0


class _Seen(msgspec.Struct):
    source_time: str


class Watch:
    """Notes when anomalies can first be read in the output.

    Attributes:
        seen: seconds of the monotonic clock by the reading's time, RFC 3339.
        twice: how many came again.
    """

    def __init__(self, folder: Path) -> None:
        self.seen: dict[str, float] = {}
        self.twice = 0
        self._folder = folder / "anomalies"
        self._known: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Watch from now on, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Look for the last time."""
        self._ended.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        """Read the files that are new."""
        decoder = msgspec.json.Decoder(_Seen)
        for path in _files(self._folder, 2):
            if path not in self._known:
                self._known.add(path)
                rows = decoder.decode_lines(Path(path).read_bytes())
                now = time.perf_counter()
                for row in rows:
                    self.twice += row.source_time in self.seen
                    self.seen.setdefault(row.source_time, now)

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            self.look()


def _files(folder: Path | str, depth: int) -> Iterator[str]:
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if depth and entry.is_dir():
                yield from _files(entry.path, depth - 1)
            elif not depth and entry.name.endswith(".jsonl"):
                yield entry.path


class Steady:
    """Publishes rows one by one, each with the present time.

    Attributes:
        sent: seconds of the monotonic clock by the reading's time, of each anomaly.
        rows: how many were published.
    """

    def __init__(self, topic: ReplayTopic) -> None:
        self.sent: dict[str, float] = {}
        self.rows = 0
        self._topic = topic

    def publish(self, is_hot: bool) -> str:
        """Publish a reading; returns its time, RFC 3339."""
        moment_us = time.time_ns() // 1_000
        text = _rfc3339(moment_us)
        row = {"ts": moment_us / 1e6, "device": "probe", "co": 0.005, "humidity": 50.0, "light": False, "lpg": 0.007,
               "motion": False, "smoke": 0.02, "temp": 31.0 if is_hot else 21.0}  # fmt: skip
        attributes = {EVENT_TIME: str(moment_us // 1_000), MESSAGE_KEY: f"probe-{self.rows}", ROWS: "1"}
        outgoing = ReplayMessage(self.rows, json.dumps(row).encode(), attributes, "probe", 1, moment_us, moment_us)
        if is_hot:
            self.sent[text] = time.perf_counter()
        self._topic.publish(outgoing)
        self.rows += 1
        return text

    def run(self, seconds: float) -> None:
        """Publish at the steady rate for so long."""
        began = time.perf_counter()
        for number in range(round(seconds * ROWS_PER_S)):
            pause_s = began + number / ROWS_PER_S - time.perf_counter()
            if pause_s > 0:
                time.sleep(pause_s)
            self.publish(number % HOT_EVERY == 0)


def _rfc3339(moment_us: int) -> str:
    seconds, micros = divmod(moment_us, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{micros:06}Z"


def main(topic_name: str, subscription: str, place: str, seconds: float) -> None:
    """Measure; the last line printed is JSON: latencies in ms, rows published, rows decoded, anomalies seen twice."""
    folder = Path(place)
    topic = ReplayTopic(topic_name, ordered=True)
    topic.create()
    create_subscription(subscription, topic_name, ordered=True)
    flags = ["--stop-after-idle", f"{_IDLE_S}s", "--output", place, "--summary", str(folder / "summary.json")]
    job = subprocess.Popen([sys.executable, "-m", "pipeline", "--subscription", subscription, *flags])
    watch, steady = Watch(folder), Steady(topic)
    watch.start()
    first = steady.publish(True)
    _wait(lambda: first in watch.seen, "the job does not come up")
    steady.run(WARM_UP_S)
    before = len(steady.sent)
    steady.run(seconds)
    _wait(lambda: watch.seen.keys() >= steady.sent.keys(), "anomalies are missing in the output")
    if job.wait(_PATIENCE_S):
        sys.exit("the job failed")
    watch.stop()
    topic.close()
    counted = list(steady.sent.items())[before:]
    latencies = [(watch.seen[moment] - sent) * 1e3 for moment, sent in counted]
    rows = json.loads((folder / "summary.json").read_bytes())["rows_decoded"]
    told = {"latencies_ms": latencies, "published": steady.rows, "decoded": rows, "twice": watch.twice}
    print("\n" + json.dumps(told), flush=True)


def _wait(condition: Callable[[], bool], problem: str) -> None:
    until = time.perf_counter() + _PATIENCE_S
    while not condition():
        if time.perf_counter() > until:
            sys.exit(problem)
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
