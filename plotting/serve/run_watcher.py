"""Poll the results of a run while tabs are open, and update every tab."""

import asyncio
import contextlib
import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from plotting.serve.live_run import LiveRun
from plotting.serve.polling import ReadingsPoller, ResultsPoller
from plotting.serve.tab_session import TabSession
from telemetry.errors import TelemetryError
from telemetry.rules.rule_set import RuleSet

T = TypeVar("T")


class RunWatcher:
    """Single reader of a run, shared by all open tabs."""

    def __init__(
        self, results: ResultsPoller, readings: ReadingsPoller, refresh_s: float, rules: RuleSet | None = None
    ) -> None:
        """Start without reading anything.

        Args:
            results: poller of the results.
            readings: poller of the readings, for scatters; it may have no paths.
            refresh_s: time between two polls, seconds.
            rules: the job's rules, whose bounds are drawn; None draws the bounds stored with the anomalies.
        """
        self.run = LiveRun(rules=rules)
        self.sessions: dict[str, TabSession] = {}
        self._results, self._readings, self._refresh_s = results, readings, refresh_s
        self._tabs_open = asyncio.Event()

    def add_tab(self, session: TabSession) -> None:
        """Update a tab from now on."""
        self.sessions[session.id] = session
        self._tabs_open.set()

    def remove_tab(self, session: TabSession) -> None:
        """Close a tab and stop updating it."""
        session.close()
        self.sessions.pop(session.id, None)
        if not self.sessions:
            self._tabs_open.clear()

    async def watch(self) -> None:
        """Poll until cancelled, but not while no tab is open, as some stores charge for queries."""
        while True:
            await self._tabs_open.wait()
            await self.poll()
            self._update_tabs()
            await asyncio.sleep(self._refresh_s)

    def _update_tabs(self) -> None:
        for session in list(self.sessions.values()):  # not in `watch`, whose frame would keep the last session alive
            session.update_page()

    async def poll(self) -> None:
        """Read new records; failures are shown on the page and retried with the next poll."""
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
        polled = self._results.poll()
        while True:
            found = await _in_thread(lambda: next(polled, None))
            if found is None:
                return
            self.run.add(*found)

    async def _read_readings(self) -> None:
        wanted = {s.choice.metric for s in self.sessions.values() if s.choice.figure == "scatter"}
        for metric in sorted(wanted):
            frame = await _in_thread(functools.partial(self._readings.poll, metric))
            if frame is not None:
                self.run.set_readings(metric, frame)


async def _in_thread(call: Callable[[], T]) -> T:
    """Run a blocking call in another thread, so that the server stays responsive."""
    return await asyncio.get_running_loop().run_in_executor(None, call)


@contextlib.asynccontextmanager
async def watching(watcher: RunWatcher) -> Any:
    """Watch the results in a background task for the duration of a block."""
    task = asyncio.create_task(watcher.watch())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
