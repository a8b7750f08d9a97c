"""Draw scenarios: what is published, how the job is run, and what goes wrong."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

KeyOrder = Literal["run", "device", "none"]
Lateness = Literal["none", "in_time", "too_late"]

KINDS: Final = ("kill", "recovery", "term", "power", "disk", "network", "publisher")
"""Kinds of faults by name; see `benchmarks.torture.faults`."""
ORDERINGS: Final[tuple[KeyOrder, ...]] = ("run", "device", "none")
LATENESSES: Final[tuple[Lateness, ...]] = ("none", "in_time", "too_late")
DEVICES: Final = 40
INTERVAL_S: Final = 5
"""Time between two readings of a device, seconds."""
_SIZES: Final = (1, 50, 500)
_SNAPSHOTS_S: Final = (0.02, 0.2, 2.0)
"""A stream of a few seconds would hardly take any with the default, which is the last."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One round of the torture.

    Attributes:
        number: of the round, from 0; with the seed it determines everything else.
        seed: for further draws in the round.
        kind: of fault, one of `KINDS`.
        server: name of the Pub/Sub server.
        ordering: what an ordering key stands for; "none" for a subscription without order.
        rows_per_message: number of rows in a message.
        rate: rows published per second.
        faults: how often the fault happens.
        lateness: whether some rows arrive late, within the allowed lateness or beyond it.
        snapshot_s: seconds of processing between two snapshots of the state.
        dedup: whether messages are published twice and the job removes duplicates.
        flags: further flags of the job.
    """

    number: int
    seed: str
    kind: str
    server: str
    ordering: KeyOrder
    rows_per_message: int
    rate: int
    faults: int
    lateness: Lateness
    snapshot_s: float
    dedup: bool
    flags: tuple[str, ...]

    @property
    def title(self) -> str:
        """Describe the scenario in one line."""
        order = {"run": "ordered", "device": "ordered by device", "none": "unordered"}[self.ordering]
        late = {"none": "", "in_time": ", late data", "too_late": ", data too late"}[self.lateness]
        size = f"{self.rows_per_message} rows a message" if self.rows_per_message > 1 else "1 row a message"
        flags = " ".join((*self.flags, *(("--dedup",) if self.dedup else ())))
        state = f"snapshots every {self.snapshot_s:g} s"
        return f"{self.kind} x {self.faults}, {self.server}, {order}, {size}{late}, {state} {flags}".rstrip()


def draw_scenario(seed: int, number: int, kinds: Sequence[str], servers: Sequence[str], rows: int) -> Scenario:
    """Return the scenario of a round; the same arguments give the same scenario.

    Args:
        seed: of the run.
        number: of the round; kinds take turns, so that a short run has each of them.
        kinds: to choose from.
        servers: names to choose from.
        rows: number of rows that are published, within 1 to 8 seconds.
    """
    text = f"{seed}/{number}"
    draw = random.Random(text)
    kind = kinds[number % len(kinds)]
    ordering = draw.choice(ORDERINGS)
    lateness = draw.choice(LATENESSES) if kind != "publisher" else "none"
    dedup = draw.random() < 0.3 or kind == "publisher"  # a publisher that is killed sends messages again
    flags = [
        *(("--archive",) if draw.random() < 0.5 else ()),
        *(("--file-format", "parquet") if draw.random() < 0.3 else ()),
        *(("--early-firing", "1s") if draw.random() < 0.3 else ()),
        *(("--shards", "3") if draw.random() < 0.2 else ()),
    ]
    if lateness == "too_late":
        flags += ["--allowed-lateness", "1m"]
    if ordering != "run":  # what a killed job had leased comes up to a minute after what follows it
        lateness = "in_time" if lateness == "too_late" else lateness
        flags = [flag for flag in flags if flag not in ("--allowed-lateness", "1m")] + ["--allowed-lateness", "1d"]
    return Scenario(
        number,
        text,
        kind,
        draw.choice(servers),
        ordering,
        draw.choice(_SIZES),
        round(rows / draw.uniform(1, 8)),
        draw.randint(1, 4),
        lateness,
        draw.choice(_SNAPSHOTS_S),
        dedup,
        tuple(flags),
    )
