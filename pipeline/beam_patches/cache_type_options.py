"""Cache the options of type checks, which Beam asks for at each step of a graph and at each comparison of two types.

Each time Beam makes a parser of command lines, gives it these options and parses the flags of the pipeline, several
hundred times for the graph of a job. All views of a pipeline's options share their values, so that one is enough.

Upstream: no issue is known; `PipelineOptions.view_as` would have to keep its parsers.
"""

import contextlib
import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions, TypeOptions

from pipeline.beam_patches.patch import replaced


@contextlib.contextmanager
def patch() -> Iterator[None]:
    """Make one view of the options of type checks for each pipeline's options, for the duration of a block."""
    with replaced(PipelineOptions, "view_as", _cached(PipelineOptions.view_as)):
        yield


def _cached(plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    views: weakref.WeakKeyDictionary[PipelineOptions, TypeOptions] = weakref.WeakKeyDictionary()

    @functools.wraps(plain)
    def view_as(options: Any, cls: Any) -> Any:
        if cls is not TypeOptions:
            return plain(options, cls)
        view = views.get(options)
        if view is None or view._all_options is not options._all_options:
            view = views[options] = plain(options, cls)
        return view

    return view_as
