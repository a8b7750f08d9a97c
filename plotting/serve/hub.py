"""Between the results and the tabs: asks for what is new while anybody looks, and tells every tab."""

import asyncio
import contextlib
import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from plotting.serve.follow import FollowedReadings, Follower
from plotting.serve.live import LiveRun
from plotting.serve.session import TabSession
from telemetry.errors import TelemetryError
from telemetry.rules.threshold_rules import RuleSet

T = TypeVar("T")


class Hub:
    """The one reader of a run and all who look at it."""

    def __init__(
        self, follower: Follower, readings: FollowedReadings, refresh_s: float, rules: RuleSet | None = None
    ) -> None:
        """Read nothing yet.

        Args:
            follower: of the results.
            readings: of a scatter; none of no paths.
            refresh_s: how long to wait before asking again, seconds.
            rules: the job's, whose bounds are drawn; None draws those that the anomalies name.
        """
        self.run = LiveRun(rules=rules)
        self.sessions: dict[str, TabSession] = {}
        self._follower, self._readings, self._refresh_s = follower, readings, refresh_s
        self._looked_at = asyncio.Event()

    def join(self, session: TabSession) -> None:
        """Let a tab look."""
        self.sessions[session.id] = session
        self._looked_at.set()

    def leave(self, session: TabSession) -> None:
        """Let a tab go."""
        session.end()
        self.sessions.pop(session.id, None)
        if not self.sessions:
            self._looked_at.clear()

    async def follow(self) -> None:
        """Ask for what is new, for ever; nobody is asked while nobody looks, as some stores take money for it."""
        while True:
            await self._looked_at.wait()
            await self.read()
            self._show()
            await asyncio.sleep(self._refresh_s)

    def _show(self) -> None:
        for session in list(self.sessions.values()):  # not in `follow`, which would hold the last one while it waits
            session.show()

    async def read(self) -> None:
        """Take in what is new; what cannot be read is said on the page, and tried again."""
        problems = []
        for read in (self._read_results, self._read_readings):
            try:
                await read()
            except TelemetryError as error:
                problems.append(str(error))
        problem = "; ".join(problems)
        if problem and problem != self.run.problem:
            sys.stderr.write(f"plotting: {problem}\n")
        self.run.problem = problem

    async def _read_results(self) -> None:
        polled = self._follower.poll()
        while True:
            found = await _in_thread(lambda: next(polled, None))
            if found is None:
                return
            self.run.take(*found)

    async def _read_readings(self) -> None:
        wanted = {s.choice.metric for s in self.sessions.values() if s.choice.figure == "scatter"}
        for metric in sorted(wanted):
            frame = await _in_thread(functools.partial(self._readings.poll, metric))
            if frame is not None:
                self.run.take_readings(metric, frame)


async def _in_thread(call: Callable[[], T]) -> T:
    """Wait for the storage in another thread, so that the page answers meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(None, call)


@contextlib.asynccontextmanager
async def following(hub: Hub) -> Any:
    """Follow the results in the background, for the time of a block."""
    task = asyncio.create_task(hub.follow())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
