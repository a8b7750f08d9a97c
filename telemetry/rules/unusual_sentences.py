"""Say in plain English when a rule that learns opens an incident."""

from telemetry.rules.unusual import LearnedStuck, Unusual
from telemetry.text.durations import format_duration


def unusual_opening(condition: Unusual, metric: str) -> str:
    """Return when an incident opens, without the time that it must last."""
    learn, half_life = format_duration(condition.learn_us), format_duration(condition.half_life_us)
    return f"{_breach(condition, metric)} (learned for {learn}, half-life {half_life})"


def learned_stuck_opening(condition: LearnedStuck, metric: str) -> str:
    """Return when an incident opens."""
    return f"{metric} repeats its value longer than it ever does (learned for {format_duration(condition.learn_us)})"


def _breach(condition: Unusual, metric: str) -> str:
    times = f"{condition.sensitivity:g} times"
    match condition.kind:
        case "jump":
            side = {"both": "", "up": " up", "down": " down"}[condition.direction]
            return f"{metric} jumps{side} by more than {times} its usual change"
        case "level":
            side = {"both": "off", "up": "above", "down": "below"}[condition.direction]
            hour = " at this hour" if condition.season else ""
            return f"{metric} is more than {times} its usual spread {side} its usual value{hour}"
        case "drift":
            side = {"both": "", "up": " up", "down": " down"}[condition.direction]
            return f"{metric} drifts{side} by more than {times} its usual drift"
        case "novel":
            return _novel(condition, metric)
        case "together":
            named = f"{', '.join(condition.metrics[:-1])} and {condition.metrics[-1]}"
            return f"{named} are together more than {times} as far from usual as they usually are"


def _novel(condition: Unusual, metric: str) -> str:
    window = f"the mean of {metric} in windows of {format_duration(condition.window_us)}"
    said = f"{window if condition.window_us else metric} is rarer than one value in {10**condition.sensitivity:,.0f}"
    if not condition.span_us:
        return said
    return f"{said}, or its mean over {format_duration(condition.span_us)} is rarer than ever"
