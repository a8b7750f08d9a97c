"""Report a bundle that fails for good, before the local stream runner goes on.

The runner gives a bundle up after four attempts, leaves the failure to the main thread, and meanwhile takes the next
events of the stream. A source that acknowledges messages must know earlier: in the thread that failed.

Upstream: no issue is known. The runner would have to take no event after a failure.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from apache_beam.runners.direct.executor import TransformExecutor, _CompletionCallback

from pipeline.beam_patches.patch import replaced


@contextlib.contextmanager
def patch(report: Callable[[], None]) -> Iterator[None]:
    """Call `report` as soon as a bundle has failed for good, for the duration of a block."""
    plain: Any = _CompletionCallback.handle_exception

    def handle_exception(callback: _CompletionCallback, executor: TransformExecutor, exception: Exception) -> None:
        report()
        plain(callback, executor, exception)

    with replaced(_CompletionCallback, "handle_exception", handle_exception):
        yield
