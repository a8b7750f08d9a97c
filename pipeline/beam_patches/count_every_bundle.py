"""Count the metrics of every bundle of the local stream runner.

The runner's thread has one state sampler, and the sampler keeps the state of a step, with the metrics container of the
step's first bundle. Later bundles of the step count in that container after it was committed, and
their counts are lost. With this patch each bundle has its own sampler, which takes a few microseconds.

Upstream: no issue is known. `StateSampler.scoped_state` would have to take the metrics container that it is given.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from apache_beam.runners.direct.executor import TransformExecutor
from apache_beam.runners.worker import statesampler
from apache_beam.utils.counters import CounterFactory

from pipeline.beam_patches.patch import replaced


@contextlib.contextmanager
def patch() -> Iterator[None]:
    """Give each bundle a state sampler of its own for the duration of a block."""
    plain: Any = TransformExecutor.call

    def call(executor: TransformExecutor, _sampler: statesampler.StateSampler) -> None:
        own = statesampler.StateSampler("", CounterFactory())
        statesampler.set_current_tracker(own)
        plain(executor, own)

    with replaced(TransformExecutor, "call", call):
        yield
