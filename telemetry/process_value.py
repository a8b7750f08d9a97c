"""Hold a value that every step of a process reads, and that a local stream replaces while it runs."""

import contextlib
from collections.abc import Iterator
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class ProcessValue(Generic[_Value]):
    """A value of this process. Runners copy steps as they like, so that a step cannot be handed such a thing."""

    def __init__(self, usual: _Value) -> None:
        """Begin with the value that counts where nobody sets another."""
        self._values = [usual]

    def get(self) -> _Value:
        """Return the value that was set last."""
        return self._values[-1]

    @contextlib.contextmanager
    def replaced(self, value: _Value) -> Iterator[None]:
        """Set another value for the time of a block."""
        self._values.append(value)
        try:
            yield
        finally:
            self._values.remove(value)
