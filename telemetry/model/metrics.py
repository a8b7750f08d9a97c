"""Name the metrics of the founding data set and their units."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

READING_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "co": "ppm",
        "humidity": "%",
        "light": "bool",
        "lpg": "ppm",
        "motion": "bool",
        "smoke": "ppm",
        "temp": "°C",
    }
)
"""Unit of each metric of the founding data set, in its column order."""
BOOLEAN_METRICS: Final = frozenset(name for name, unit in READING_UNITS.items() if unit == "bool")
DEFAULT_METRICS: Final = tuple(name for name, unit in READING_UNITS.items() if unit != "bool")
"""The metrics that are decoded when ``--metrics`` does not say otherwise."""
