"""Settings of every test run: Hypothesis without deadlines, and what a run did not prove."""

import pytest
from hypothesis import HealthCheck, settings

from tests.support.needs import not_proven

# A busy machine may take any time for an example. A failure prints what reproduces it.
settings.register_profile(
    "tests",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.load_profile("tests")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not proven, before pytest's own summary."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())]
    line = not_proven(reasons)
    if line:
        terminalreporter.write_line(line)
