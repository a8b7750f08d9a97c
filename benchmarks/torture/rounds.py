"""Run one round: publish, let faults happen to the job, start it a last time, and compare its results."""

import contextlib
import json
import os
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.expected_output import BenchmarkError
from benchmarks.torture.expected_incidents import RULES
from benchmarks.torture.judge import Verdict, judge
from benchmarks.torture.lives import Life
from benchmarks.torture.scenario import DEVICES, INTERVAL_S, Scenario
from benchmarks.torture.servers import create_subscription
from benchmarks.torture.tcp_proxy import FaultyNetwork, faulty_network
from benchmarks.torture.traffic import RUN, Traffic, TrafficPublisher, make_traffic

_PROJECT: Final = "projects/torture"
_LEASES_S: Final = 75.0
"""Time after a fault in which all messages come back that the job had leased."""
_LAG_S: Final = 10.0
"""Watermark lag of the job, seconds."""
_IDLE_S: Final = (3, 6, 12, 12, 12, 12, 12, 12)
"""Idle times of the last starts; another one follows while readings are missing that may still be leased."""


@dataclass(slots=True)
class Outcome:
    """Figures of a round.

    Attributes:
        scenario: what was done.
        rows: number of rows published.
        kills: processes that were killed.
        starts: processes of the job that were started.
        recovery_s: seconds from each start after a fault until the job read on.
        events: what happened, for a person.
        verdict: differences of the results.
    """

    scenario: Scenario
    rows: int = 0
    kills: int = 0
    starts: int = 0
    recovery_s: list[float] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


class TortureRound:
    """The job of one round, its folders and its traffic.

    Attributes:
        draw: random numbers for faults.
        state: folder of the job's state.
        output: folder of the job's results.
        outcome: figures so far.
        network: proxy between the job and the server.
        traffic: what is published.
    """

    def __init__(self, scenario: Scenario, address: str, csv: Path, folder: Path, traffic: Traffic) -> None:
        """Prepare; a `network` is set by `run_round`.

        Args:
            scenario: what to do.
            address: of the Pub/Sub server.
            csv: file with the same rows as the traffic, for a replay.
            folder: an empty folder for everything.
            traffic: what is published.
        """
        self.scenario, self.address, self.csv, self.folder, self.traffic = scenario, address, csv, folder, traffic
        self.draw = random.Random(f"{scenario.seed}/faults")
        self.state, self.output = folder / "state", folder / "output"
        self.outcome = Outcome(scenario, traffic.published)
        name = f"{folder.name}-{os.getpid()}-{time.time_ns() % 10**9}"
        self.topic, self.subscription = f"{_PROJECT}/topics/{name}", f"{_PROJECT}/subscriptions/{name}"
        self.network: FaultyNetwork | None = None
        self.faulted_at = time.monotonic()

    @property
    def span_s(self) -> float:
        """How long the traffic takes, seconds."""
        return self.traffic.published / self.scenario.rate

    def start(self, *flags: str) -> Life:
        """Start the job."""
        self.outcome.starts += 1
        address = self.network.address if self.network else self.address
        dedup = ("--dedup", "1d") if self.scenario.dedup else ()
        command = [
            "benchmarks.torture.job",
            str(self.scenario.snapshot_s),
            "--subscription",
            self.subscription,
            "--output",
            str(self.output),
        ]
        command += ["--rules", str(RULES), "--state", str(self.state), *dedup, *self.scenario.flags, *flags]
        log = self.folder / f"start-{self.outcome.starts}.log"
        return Life(command, os.environ | {"PUBSUB_EMULATOR_HOST": address}, log)

    def wait_for_journal(self, life: Life, limit_s: float = 25.0) -> None:
        """Wait until a start has recovered, and note how long that took if there was something to recover."""
        seconds = life.wait_for_journal(self.state, limit_s)
        if seconds is not None and self.outcome.kills:
            self.outcome.recovery_s.append(seconds)

    def note_fault(self, text: str) -> None:
        """Note that something was done to the job."""
        self.faulted_at = time.monotonic()
        self.outcome.events.append(text)

    def kill(self, life: Life) -> None:
        """Kill the job, unless it has ended by itself, which is a problem."""
        if life.has_ended:
            self.complain(life, "ended before it was killed")
            return
        life.kill()
        self.outcome.kills += 1
        self.note_fault(f"killed after {life.seconds:.2f} s")

    def complain(self, life: Life, problem: str) -> None:
        """Note a problem with a start of the job."""
        self.outcome.verdict.problems.append(f"{life.log.stem} {problem}: {life.last_words()}")


def run_round(scenario: Scenario, address: str, csv: Path, lines: list[bytes], folder: Path) -> Outcome:
    """Run a scenario and return its figures.

    Args:
        scenario: what to do.
        address: of the Pub/Sub server.
        csv: the rows.
        lines: the same rows as JSON.
        folder: an empty folder for everything.

    Raises:
        BenchmarkError: if something other than the job fails.
    """
    from benchmarks.torture.faults import FAULTS

    traffic = Traffic(lines=lines) if scenario.kind == "publisher" else make_traffic(scenario, lines)
    one = TortureRound(scenario, address, csv, folder, traffic)
    create_subscription(address, one.topic, one.subscription, ordered=scenario.ordering != "none")
    with contextlib.ExitStack() as stack:
        if scenario.kind == "network":
            one.network = stack.enter_context(faulty_network(address))
        publisher = TrafficPublisher(address, one.topic, traffic, scenario.rate)
        publisher.start()
        try:
            FAULTS[scenario.kind](one)
        finally:
            publisher.finish()
        _finish(one)
    return one.outcome


def _finish(one: TortureRound) -> None:
    """Start the job until everything is there, or could be."""
    problems = one.outcome.verdict.problems
    for idle_s in _IDLE_S:
        life = one.start("--stop-after-idle", f"{idle_s}s")
        one.wait_for_journal(life)
        if code := life.wait(240):
            one.complain(life, f"ended with exit code {code}")
        elif life.has_traceback():
            one.complain(life, "wrote a stack trace")
        verdict = _judge(one)
        if not verdict.lost or time.monotonic() - one.faulted_at > _LEASES_S:
            break
    verdict.problems[:0] = problems
    one.outcome.verdict = verdict


def _judge(one: TortureRound) -> Verdict:
    summary = None
    if one.scenario.kind != "publisher":
        summary = one.folder / "published.json"
        summary.write_text(json.dumps({"run_id": RUN, "rows_published": one.traffic.published}))
    return judge(
        one.output,
        one.traffic,
        summary,
        archive="--archive" in one.scenario.flags,
        judged_us=_judged_us(one.scenario, one.traffic),
    )


def _judged_us(scenario: Scenario, traffic: Traffic) -> int | None:
    """Return the time up to which the rules have judged all readings; None if some may have been late for them."""
    if scenario.ordering != "run" or scenario.lateness != "none":
        return None
    newest_s: float = json.loads(traffic.lines[-1])["ts"]
    message_s = (scenario.rows_per_message / DEVICES + 1) * INTERVAL_S
    return int((newest_s - message_s - _LAG_S) * 1e6)


def write_line(outcome: Outcome) -> None:
    """Tell a person how a round ended."""
    verdict = outcome.verdict
    state = "ok" if verdict.is_clean and verdict.reconciled else "; ".join(verdict.problems)
    recovery = f", recovery {max(outcome.recovery_s):.1f} s" if outcome.recovery_s else ""
    title = f"round {outcome.scenario.number}: {outcome.scenario.title}"
    sys.stderr.write(f"{title}: {outcome.kills} kills, {outcome.starts} starts{recovery}: {state}\n")


def check_ended(one: TortureRound, life: Life, codes: tuple[int, ...]) -> None:
    """Wait for a start that should end by itself, and note an exit code that is not one of these, or a traceback."""
    try:
        code = life.wait()
    except BenchmarkError as error:
        one.outcome.verdict.problems.append(str(error))
        return
    if code not in codes:
        one.complain(life, f"ended with exit code {code}")
    if life.has_traceback():
        one.complain(life, "wrote a stack trace")
