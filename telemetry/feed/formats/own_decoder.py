"""Read payloads with a function of the user's own, named ``module:function``.

The function is called with the bytes of one payload and returns an iterable of dicts, one for each record. An exception
that it raises costs that payload, and its text is the problem of the dead letter. The module must be importable where
the job runs.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from telemetry.feed.formats.plain import Budget, to_plain
from telemetry.feed.formats.records import BadPart, FeedFormatError, FeedRecord, describe, reject_whole


def load_function(name: str) -> Callable[[bytes], Iterable[Mapping[str, Any]]]:
    """Return the function that ``module:function`` names; the name may have dots on both sides.

    Raises:
        FeedFormatError: if it cannot be imported or called.
    """
    module, _, path = name.partition(":")
    if not module or not path:
        raise FeedFormatError("format", f"{name!r} is not module:function")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise FeedFormatError("format", f"{name}: {type(error).__name__}: {describe(error)}") from error
    if not callable(found):
        raise FeedFormatError("format", f"{name} is not a function")
    function: Callable[[bytes], Iterable[Mapping[str, Any]]] = found
    return function


class OwnReader:
    """Reads payloads with a function of the user's own; each record stands for the whole payload."""

    def __init__(self, name: str) -> None:
        """Import the function.

        Raises:
            FeedFormatError: as `load_function`.
        """
        self._name = name
        self._function = load_function(name)

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records that the function returns for a payload, or the payload as a bad part if it fails."""
        budget = Budget()
        records: list[FeedRecord] = []
        try:
            values: Iterable[object] = self._function(payload)
            for value in values:
                if not isinstance(value, Mapping):
                    return reject_whole(payload, f"{self._name} returned {type(value).__name__} and not a dict")
                records.append(FeedRecord(to_plain(value, budget), 0, len(payload)))
        except Exception as error:  # noqa: BLE001 - whatever a function of the user's raises costs one payload
            return reject_whole(payload, f"{self._name}: {type(error).__name__}: {describe(error)}")
        return (records, []) if records else reject_whole(payload, f"{self._name} returned no record")
