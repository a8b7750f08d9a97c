"""Fixtures for tests of steps."""

from collections.abc import Iterator

import pytest

from tests.support.counting import Tally, recorded


@pytest.fixture
def tally() -> Iterator[Tally]:
    """Record what the steps of a test count."""
    with recorded() as tally:
        yield tally
