"""Parse which disturbances a replay has, such as ``duplicate=0.01,reorder=30s,late=0.001:20m,seed=7``."""

from dataclasses import dataclass
from typing import Final

from telemetry.cli.suggestions import did_you_mean
from telemetry.errors import ConfigError
from telemetry.text.durations import parse_duration

FLAG: Final = "--chaos"
KEYS: Final = ("duplicate", "reorder", "late", "corrupt", "drop", "seed")
_MOST_SEED: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ChaosOptions:
    """Disturbances of the messages of a replay.

    Attributes:
        duplicate: probability that a message is published twice.
        reorder_us: span of event time within which messages are displaced, microseconds.
        late: probability that a message is held back.
        late_us: how much event time it is held back, microseconds.
        corrupt: probability that the payload of a message is damaged.
        drop: probability that a message is not published.
        seed: seed of the random numbers.
    """

    duplicate: float = 0.0
    reorder_us: int = 0
    late: float = 0.0
    late_us: int = 0
    corrupt: float = 0.0
    drop: float = 0.0
    seed: int = 0


def parse_chaos(text: str) -> ChaosOptions:
    """Return the disturbances that a text describes.

    Raises:
        ConfigError: naming the key and what is wrong with its value.
    """
    values: dict[str, str] = {}
    for entry in text.split(","):
        key, equals, value = (part.strip() for part in entry.partition("="))
        if key not in KEYS:
            problem = f"{key!r} is none of {', '.join(KEYS)}{did_you_mean(key, KEYS)}"
            raise ConfigError(FLAG, text, problem)
        if not equals or not value:
            raise ConfigError(FLAG, text, f"{key} has no value, write {key}=VALUE")
        if key in values:
            raise ConfigError(FLAG, text, f"names {key} twice")
        values[key] = value
    late, _, late_by = values.get("late", "0:0s").partition(":")
    return ChaosOptions(
        duplicate=_probability(text, "duplicate", values.get("duplicate", "0")),
        reorder_us=_duration(text, "reorder", values.get("reorder", "0s")),
        late=_probability(text, "late", late),
        late_us=_duration(text, "late", late_by) if late_by or "late" in values else 0,
        corrupt=_probability(text, "corrupt", values.get("corrupt", "0")),
        drop=_probability(text, "drop", values.get("drop", "0")),
        seed=_seed(text, values.get("seed", "0")),
    )


def _probability(text: str, key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        what = "a probability and a duration, such as 0.001:20m" if key == "late" else "a probability from 0 to 1"
        raise ConfigError(FLAG, text, f"{key} {value}: must be {what}")
    return number


def _duration(text: str, key: str, value: str) -> int:
    if key == "late" and not value:
        raise ConfigError(FLAG, text, "late: must be a probability and a duration, such as 0.001:20m")
    if value == "0":
        return 0
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ConfigError(FLAG, text, f"{key} {value}: {error}") from error


def _seed(text: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > _MOST_SEED:
        raise ConfigError(FLAG, text, f"seed {value}: must be a number from 0 to {_MOST_SEED}")
    return int(value)
