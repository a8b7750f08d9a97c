"""Cache the signatures that Beam's local stream runner inspects anew for each bundle.

For each bundle of each step the runner lists all attributes of the DoFn, inspects the signature of every method, and
does so several times over, to know whether there is state or a timer among the parameters. That takes longer than a
bundle of a thousand readings. Both depend on the class alone, which does not change while a pipeline runs.
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

_SIGNATURES: Final = "get_function_args_defaults"
_SPECS: Final = "get_dofn_specs"
PLACES: Final = (
    (apache_beam.transforms.core, _SIGNATURES),
    (apache_beam.transforms.userstate, _SPECS),
    (apache_beam.runners.direct.transform_evaluator, _SPECS),
)
"""Where Beam looks the two functions up; a test tells when a new version of it has moved them."""


@contextlib.contextmanager
def cache_dofn_signatures() -> Iterator[None]:
    """Remember for the time of a block; where a version of Beam has no such function, nothing is changed."""
    with contextlib.ExitStack() as stack:
        for module, name in PLACES:
            plain = getattr(module, name, None)
            if plain is not None:
                setattr(module, name, _remembering(plain, _function_of if name == _SIGNATURES else _class_of))
                stack.callback(setattr, module, name, plain)
        yield


def _remembering(plain: Callable[[Any], Any], key_of: Callable[[Any], tuple[Any, bool] | None]) -> Callable[[Any], Any]:
    """Return a function that asks `plain` once for each key, and hands out copies of its two collections.

    Args:
        plain: takes one argument and returns a pair of lists or of sets.
        key_of: returns an object, which is not kept alive, and a variant of it; None to remember nothing.
    """
    known: weakref.WeakKeyDictionary[Any, dict[bool, Any]] = weakref.WeakKeyDictionary()

    @functools.wraps(plain)
    def remembering(subject: Any) -> Any:
        key = key_of(subject)
        if key is None:
            return plain(subject)
        found = known.setdefault(key[0], {})
        if key[1] not in found:
            found[key[1]] = plain(subject)
        first, second = found[key[1]]
        return first.copy(), second.copy()

    return remembering


def _function_of(function: Any) -> tuple[Any, bool] | None:
    """Return the function, and whether it is bound: then its first parameter is not one of the signature."""
    if isinstance(function, types.MethodType):
        return function.__func__, True
    return (function, False) if isinstance(function, types.FunctionType) else None


def _class_of(dofn: Any) -> tuple[Any, bool] | None:
    """Return the class, unless this object has methods of its own."""
    own = any(isinstance(value, types.MethodType) for value in vars(dofn).values())
    return None if own else (type(dofn), True)
