"""Fixtures for tests of steps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.counting import Tally


@pytest.fixture
def tally() -> Iterator["Tally"]:
    """Record what the steps of a test count."""
    from tests.support.counting import recorded  # loads Beam, which fast tests do without

    with recorded() as tally:
        yield tally
