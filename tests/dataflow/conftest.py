"""Fixtures of this folder's tests."""

from collections.abc import Iterator

import pytest

from tests.support.dataflow_jobs import Bucket, bucket_of
from tests.support.emulators import GoogleStorage, shared


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A folder of Google Cloud Storage of one test, and launches that stage into it."""
    with bucket_of(shared(GoogleStorage, request)) as bucket:
        yield bucket
