"""Require that the conditional assertions of a property test really ran."""

import functools
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

Law = Callable[..., None]


def counts_checks(*names: str) -> Callable[[Law], Law]:
    """Pass a counter to a property test as ``checks``, and fail unless each name is counted at least once.

    Apply it above ``@given``; ``checks`` is the first parameter of the test, which adds to ``checks[name]`` where it
    asserts under a condition.
    """

    def decorate(law: Law) -> Law:
        @functools.wraps(law)
        def test(*args: Any, **kwargs: Any) -> None:
            checks: Counter[str] = Counter()
            law(*args, checks=checks, **kwargs)
            never = [name for name in names if not checks[name]]
            assert not never, f"never checked in any example: {', '.join(never)}"

        signature = inspect.signature(law)
        parameters = [parameter for parameter in signature.parameters.values() if parameter.name != "checks"]
        test.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return test

    return decorate
