"""Let faults happen to a running job, each kind in its way, at drawn moments."""

import os
from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.torture.lives import Life
from benchmarks.torture.power_loss import lose_power
from benchmarks.torture.rounds import TortureRound, check_ended


def kill(one: TortureRound) -> None:
    """Kill the job at random moments after its first pull."""
    for _ in range(one.scenario.faults):
        one.kill(_started(one))


def recovery(one: TortureRound) -> None:
    """Kill the job, and kill each further start while it recovers."""
    one.kill(_started(one))
    for _ in range(one.scenario.faults):
        life = one.start()
        life.wait_for_lock(one.state)
        life.pause(one.draw.uniform(0, 1.0))
        one.kill(life)


def term(one: TortureRound) -> None:
    """Stop the job with SIGTERM and start it again."""
    for _ in range(one.scenario.faults):
        life = _started(one)
        code = life.terminate()
        one.note_fault(f"terminated after {life.seconds:.2f} s")
        if code or life.has_traceback():
            one.complain(life, f"ended with exit code {code} after SIGTERM")


def power(one: TortureRound) -> None:
    """Kill the job and damage what was not synced yet."""
    for _ in range(one.scenario.faults):
        one.kill(_started(one))
        one.outcome.events += lose_power(one.draw, one.state, one.output)


def disk(one: TortureRound) -> None:
    """Let files of the job grow no further, as on a full disk, until it ends with an error."""
    for _ in range(one.scenario.faults):
        life = _started(one)
        largest = max((path.stat().st_size for path in one.state.glob("journal-*")), default=0)
        life.limit_files(one.draw.randint(0, largest + 20_000))
        life.pause(one.span_s)
        if life.has_ended:
            check_ended(one, life, (1,))
            one.note_fault(f"disk full: {life.last_words()}")
        else:
            one.kill(life)


def network(one: TortureRound) -> None:
    """Stall the connections, cut them, or refuse new ones for a while; the job goes on or ends with an error."""
    assert one.network is not None, "the round has a proxy"
    life = _started(one)
    for _ in range(one.scenario.faults):
        fault = one.draw.choice((one.network.stall, one.network.cut, one.network.refuse))
        fault()
        one.note_fault(fault.__name__)
        life.pause(one.draw.uniform(0.2, 6.0))
        one.network.restore()
        life.pause(one.draw.uniform(0.1, one.span_s / 2))
        if life.has_ended:
            check_ended(one, life, (1,))
            life = one.start()
            one.wait_for_journal(life)
    check_ended(one, life, (0, 1)) if life.has_ended else one.kill(life)


def publisher(one: TortureRound) -> None:
    """Kill the publisher, which continues from its checkpoint, and the job."""
    life = one.start()
    for _ in range(one.scenario.faults):
        replay = _replay(one)
        replay.pause(one.draw.uniform(0.8, 0.8 + one.span_s / 2))
        if not replay.has_ended:
            replay.kill()
            one.outcome.kills += 1
            one.note_fault(f"publisher killed after {replay.seconds:.2f} s")
    one.wait_for_journal(life)
    one.kill(life)
    life = one.start()
    check_ended(one, _replay(one), (0,))
    one.wait_for_journal(life)
    one.kill(life)


FAULTS: Final[Mapping[str, Callable[[TortureRound], None]]] = {
    function.__name__: function for function in (kill, recovery, term, power, disk, network, publisher)
}
"""Faults by the name of their kind."""


def _started(one: TortureRound) -> Life:
    """Start the job, wait until it reads, and let it run for a part of the time that the traffic takes."""
    life = one.start()
    one.wait_for_journal(life)
    life.pause(one.draw.uniform(0.0, one.span_s / one.scenario.faults))
    return life


def _replay(one: TortureRound) -> Life:
    order = {"run": (), "device": ("--order-by-device",), "none": ("--unordered",)}[one.scenario.ordering]
    pace = ("--rate", str(one.scenario.rate), "--rows-per-message", str(one.scenario.rows_per_message))
    command = ["publisher", "replay", str(one.csv), "--topic", one.topic, *pace, *order]
    command += ["--checkpoint", str(one.folder / "checkpoint.json"), "--run-id", "torture"]
    log = one.folder / f"replay-{len(one.outcome.events)}.log"
    return Life(command, os.environ | {"PUBSUB_EMULATOR_HOST": one.address}, log)
