"""Set what every test run has: Hypothesis without deadlines, `--fast`, and a line about what was not proven."""

import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from tests.support.fast import has_fast_tests
from tests.support.needs import not_proven

# A busy machine may take any time for an example. A failure prints what reproduces it.
settings.register_profile("tests", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


class NoBeam(MetaPathFinder):
    """Refuse to import Beam, so that nothing in ``make test-fast`` can run a pipeline."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Raise for Beam; leave every other module to the finders behind this one."""
        if fullname == "apache_beam":
            raise ImportError("a test of --fast loads Beam: mark it with loads_beam, or import Beam in its module")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fast``."""
    parser.addoption("--fast", action="store_true", help="only tests without pipelines, servers, programs and pictures")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse Beam where only fast tests run."""
    if config.getoption("--fast"):
        sys.meta_path.insert(0, NoBeam())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore modules that are not fast, and folders without any that is."""
    return True if config.getoption("--fast") and not has_fast_tests(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of fast modules that load Beam all the same."""
    if config.getoption("--fast"):
        slow = [item for item in items if item.get_closest_marker("loads_beam")]
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what is loaded by now out of garbage collections: half a million objects that stay until the end."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was not proven, before pytest's own summary."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())]
    line = not_proven(reasons)
    if line:
        terminalreporter.write_line(line)
