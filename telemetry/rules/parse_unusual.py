"""Read the conditions that learn, with what each kind has where its fields are not written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from telemetry.rules.fields import Fields, shown
from telemetry.rules.file_format import UnusualFields, field_names
from telemetry.rules.unusual import Direction, LearnedStuck, Season, Unusual, UnusualKind
from telemetry.text.marked_yaml import MarkedMapping

_MINUTE_US: Final = 60_000_000
_HOUR_US: Final = 60 * _MINUTE_US
_DAY_US: Final = 24 * _HOUR_US


@dataclass(frozen=True, slots=True)
class _Usual:
    """The fields of a kind that are not written; `clear` is a part of the sensitivity."""

    sensitivity: float
    clear: float
    learn_us: int
    half_life_us: int
    keep_us: int
    span_us: int = 0


_KINDS: Final[Mapping[UnusualKind, _Usual]] = {
    "jump": _Usual(8.0, 0.5, 10 * _MINUTE_US, 6 * _HOUR_US, 5 * _MINUTE_US),
    "level": _Usual(8.0, 0.5, _DAY_US, _DAY_US, 10 * _MINUTE_US),
    "drift": _Usual(10.0, 0.5, 6 * _HOUR_US, 30 * _MINUTE_US, 10 * _MINUTE_US),
    "novel": _Usual(4.0, 1.0, _DAY_US, 14 * _DAY_US, 150 * _MINUTE_US, _HOUR_US),
    "together": _Usual(6.0, 0.5, _DAY_US, _DAY_US, 10 * _MINUTE_US),
}
_OF_KIND: Final[Mapping[str, tuple[UnusualKind, ...]]] = {
    "direction": ("jump", "level", "drift"),
    "season": ("level",),
    "window": ("novel",),
    "span": ("novel",),
    "metrics": ("together",),
}
"""Fields that mean something for some kinds only."""
_STUCK_LEARN_US: Final = _DAY_US
_STUCK_HALF_LIFE_US: Final = 7 * _DAY_US


def parse_unusual(fields: Fields) -> Unusual:
    """Return the condition that the fields of `unusual` say.

    Raises:
        RuleError: if it is not complete, or contradicts itself.
    """
    fields.expect(field_names(UnusualFields))
    kind: UnusualKind = fields.choice("kind", get_args(UnusualKind))
    for name, kinds in _OF_KIND.items():
        if name in fields and kind not in kinds:
            listed = " and ".join((", ".join(kinds[:-1]), kinds[-1]) if len(kinds) > 1 else kinds)
            fields.refuse(f"{fields.label(name)} is for {listed}, not for {kind}", name)
    usual = _KINDS[kind]
    sensitivity = fields.number("sensitivity") if "sensitivity" in fields else usual.sensitivity
    if sensitivity <= 0:
        fields.refuse(f"{fields.label('sensitivity')} must be above 0, not {sensitivity:g}", "sensitivity")
    clear = fields.number("clear", 0.0) if "clear" in fields else usual.clear * sensitivity
    if clear > sensitivity:
        fields.refuse(f"{fields.label('clear')} must be at or below {sensitivity:g}, not {clear:g}", "clear")
    direction: Direction = fields.choice("direction", get_args(Direction), "both")
    season: Season | None = fields.choice("season", get_args(Season)) if "season" in fields else None
    return Unusual(
        kind=kind,
        sensitivity=sensitivity,
        clear=clear,
        learn_us=fields.optional_duration("learn", usual.learn_us),
        half_life_us=fields.optional_duration("half_life", usual.half_life_us, 1_000_000),
        direction=direction,
        season=season,
        window_us=fields.optional_duration("window", 0, 1),
        span_us=fields.optional_duration("span", usual.span_us),
        metrics=_metrics(fields) if kind == "together" else (),
    )


def learned_stuck(learn_us: int = _STUCK_LEARN_US) -> LearnedStuck:
    """Return the condition of `stuck: learned`."""
    return LearnedStuck(learn_us, _STUCK_HALF_LIFE_US)


def is_together(fields: Fields) -> bool:
    """Return whether a rule is about several metrics together, and so has no metric of its own."""
    unusual = fields.get("unusual")
    return isinstance(unusual, MarkedMapping) and unusual.get("kind") == "together"


def usual_keep_us(condition: object) -> int:
    """Return how long a rule must be clear before its incident closes, if `keep` is not written."""
    return _KINDS[condition.kind].keep_us if isinstance(condition, Unusual) else 0


def _metrics(fields: Fields) -> tuple[str, ...]:
    value = fields.get("metrics")
    texts = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
    if not texts or len(set(value)) != len(value) or len(value) < 2:
        fields.refuse(f"{fields.label('metrics')} must be a list of two metrics or more, not {shown(value)}", "metrics")
    return tuple(value)
