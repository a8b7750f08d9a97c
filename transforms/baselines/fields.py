"""Tell what is remembered of each series for a condition that learns."""

from collections.abc import Mapping
from typing import Any

from telemetry.rules.unusual import LearnedStuck, Unusual
from transforms.baselines.drift import DRIFT_FIELDS
from transforms.baselines.jump import JUMP_FIELDS
from transforms.baselines.learned_stuck import STUCK_FIELDS
from transforms.baselines.level import LEVEL_FIELDS, SEASON_FIELDS
from transforms.baselines.novel import NOVEL_FIELDS
from transforms.baselines.slow_means import SLOW_FIELDS
from transforms.baselines.together import together_fields


def learned_fields(condition: Unusual | LearnedStuck) -> Mapping[str, Any]:
    """Return the fields with the entry that each has before the first reading."""
    if isinstance(condition, LearnedStuck):
        return STUCK_FIELDS
    match condition.kind:
        case "jump":
            return JUMP_FIELDS
        case "level":
            return {**LEVEL_FIELDS, **SEASON_FIELDS} if condition.season else LEVEL_FIELDS
        case "drift":
            return DRIFT_FIELDS
        case "novel":
            return {**NOVEL_FIELDS, **SLOW_FIELDS} if condition.span_us else NOVEL_FIELDS
        case "together":
            return together_fields(len(condition.metrics))


def lesson_of(condition: Unusual | LearnedStuck) -> str:
    """Return a text that is equal for conditions that learn the same, whatever they make of it."""
    if isinstance(condition, LearnedStuck):
        return f"stuck {condition.half_life_us}"
    parts = (condition.half_life_us, condition.season, condition.window_us, condition.span_us, *condition.metrics)
    return " ".join((condition.kind, *map(str, parts)))
