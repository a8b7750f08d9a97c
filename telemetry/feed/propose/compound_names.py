"""Split names that hold a device and a metric, such as ``sensor.living_temperature`` and ``urn:dev:mac:01:temp``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.feed.propose.names import is_quantity
from telemetry.feed.propose.vocabulary import word_set

_ENTITY: Final = re.compile(r"([a-z_]+)\.([a-z0-9_]+)")
_LAST: Final = re.compile(r"(?P<device>.*[^:/._\s-])(?P<by>[:/._\s-]+)(?P<metric>[^:/._\s-]+)")
_BEFORE: Final = word_set(
    "relative absolute carbon battery air soil signal wind dew heat apparent active reactive particulate outdoor indoor"
)
_HEXADECIMAL: Final = re.compile(r"(?=.*[0-9])[0-9A-Fa-f]{6,}")
_ENDS: Final = ":/._ -"


@dataclass(frozen=True, slots=True)
class CompoundNames:
    """Names of series, divided into device and metric.

    Attributes:
        parts: device and metric of each name, "" for one that it has not.
        device_match: expression whose group is the device within a name; "" if all belong to one device.
        name_match: expression whose group is the metric within a name; "" if a feed lists them.
        only: the device, if all belong to one.
        known: the devices that names hold.
    """

    parts: dict[str, tuple[str, str]]
    device_match: str
    name_match: str
    only: str
    known: frozenset[str]


def split_names(names: Sequence[str], bases: Sequence[str]) -> CompoundNames | None:
    """Return names in their parts; None if they are names of metrics alone.

    Args:
        names: the different names.
        bases: beginnings that SenML has; () for other formats.
    """
    entities = all(_ENTITY.fullmatch(name) for name in names)
    parts = {name: _split(name, entities, bases) for name in names}
    devices = {device for device, _ in parts.values() if device}
    if not devices and not entities:
        return None
    known = frozenset(devices)
    if len(devices) <= 1 or not any(metric for _, metric in parts.values()):
        only = next(iter(devices), "home")
        return CompoundNames(parts, "", "", only, known)
    ends = sorted({metric for device, metric in parts.values() if device and metric}, key=lambda one: (-len(one), one))
    choice = "|".join(map(re.escape, ends))
    by = _between(parts, entities)
    domain = r"(?:[a-z_]+\.)?" if entities else ""
    whole = all(device and metric for device, metric in parts.values())
    device_match = f"^{domain}(.+){by}(?:{choice})$" if whole else f"^{domain}(.+?)(?:{by}(?:{choice}))?$"
    return CompoundNames(parts, device_match, f"{by}({choice})$", "", known)


def _between(parts: dict[str, tuple[str, str]], entities: bool) -> str:
    """Return the expression of what divides devices and metrics."""
    found = set()
    for name, (device, metric) in parts.items():
        if device and metric:
            whole = name.partition(".")[2] if entities else name
            found.add(whole[len(device) : len(whole) - len(metric)])
    return re.escape(found.pop()) if len(found) == 1 else r"[:/._\s-]*"


def _split(name: str, entity: bool, bases: Sequence[str]) -> tuple[str, str]:
    """Return the device and the metric of a name, "" for one that it has not."""
    base = max((base for base in bases if base and name.startswith(base)), key=len, default="")
    if base:
        return base.rstrip(_ENDS) or base, name[len(base) :].lstrip(_ENDS)
    whole = name.partition(".")[2] if entity else name
    found = _LAST.fullmatch(whole)
    if found is None:
        return "", whole
    device, metric = found["device"], found["metric"]
    before = re.split(r"[:/._\s-]", device)
    if is_quantity(metric) and before[-1].lower() in _BEFORE and len(before) > 1 and found["by"] == "_":
        metric, device = f"{before[-1]}_{metric}", device[: -len(before[-1])].rstrip(_ENDS)
    if bases != () or name.startswith("urn:"):
        return (whole, "") if _HEXADECIMAL.fullmatch(metric) else (device, metric)
    return (device, metric) if is_quantity(metric) and device else ("", whole)
