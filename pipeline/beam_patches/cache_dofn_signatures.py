"""Cache the signatures that Beam inspects at each step of a graph and, in its local stream runner, for each bundle.

For each bundle of each step the runner lists all attributes of the DoFn and inspects the signature of every method,
several times, to find the parameters for state and timers. That takes longer than a bundle of a thousand readings.
The result depends on the class alone, which does not change while a pipeline runs.

Upstream: https://github.com/apache/beam/pull/9925 memoized `get_function_args_defaults`; it was closed unmerged.
"""

import contextlib
import functools
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final

import apache_beam.runners.direct.transform_evaluator
import apache_beam.transforms.core
import apache_beam.transforms.userstate

from pipeline.beam_patches.patch import replaced

_SIGNATURES: Final = "get_function_args_defaults"
_SPECS: Final = "get_dofn_specs"
PLACES: Final = (
    (apache_beam.transforms.core, _SIGNATURES),
    (apache_beam.transforms.userstate, _SPECS),
    (apache_beam.runners.direct.transform_evaluator, _SPECS),
)
"""Modules in which Beam looks the two functions up, and their names there."""


@contextlib.contextmanager
def patch() -> Iterator[None]:
    """Cache the answers of the two functions for the duration of a block."""
    with contextlib.ExitStack() as stack:
        for module, name in PLACES:
            cached = _cached(getattr(module, name), _function_of if name == _SIGNATURES else _class_of)
            stack.enter_context(replaced(module, name, cached))
        yield


def _cached(plain: Callable[[Any], Any], key_of: Callable[[Any], tuple[Any, bool] | None]) -> Callable[[Any], Any]:
    """Return a function that calls `plain` once for each key, and returns copies of its two collections.

    Args:
        plain: takes one argument and returns a pair of lists or of sets.
        key_of: returns an object, which is not kept alive, and a variant of it; None to cache nothing.
    """
    known: weakref.WeakKeyDictionary[Any, dict[bool, Any]] = weakref.WeakKeyDictionary()

    @functools.wraps(plain)
    def cached(subject: Any) -> Any:
        key = key_of(subject)
        if key is None:
            return plain(subject)
        found = known.setdefault(key[0], {})
        if key[1] not in found:
            found[key[1]] = plain(subject)
        first, second = found[key[1]]
        return first.copy(), second.copy()

    return cached


def _function_of(function: Any) -> tuple[Any, bool] | None:
    """Return the function, and whether it is bound: then its signature is without the first parameter."""
    if isinstance(function, types.MethodType):
        return function.__func__, True
    return (function, False) if isinstance(function, types.FunctionType) else None


def _class_of(dofn: Any) -> tuple[Any, bool] | None:
    """Return the class, unless this object has methods of its own."""
    own = any(isinstance(value, types.MethodType) for value in vars(dofn).values())
    return None if own else (type(dofn), True)
