"""Say a transition of an incident in one sentence, or in one line of a terminal."""

from typing import Final

from telemetry.model.records import Incident
from telemetry.text.durations import spoken_duration
from telemetry.text.timestamps import format_time

_WORDS: Final = {
    "silence": "silent",
    "all": "all parts true",
    "any": "one part true",
    "not": "the part not true",
    "jump": "jumped",
    "level": "off its usual level",
    "drift": "drifting",
    "novel": "novel",
    "together": "several metrics off together",
}
"""Words for conditions whose names alone do not say enough."""


def sentence(transition: Incident) -> str:
    """Return a sentence like ``temp-high: temp of b8:27:eb above 30, worst 33.5, since 2020-07-12T00:00:00Z``.

    While an incident of a rule that learns is open, it says why in place of the worst value.
    """
    why = _why(transition)
    return ", ".join((_headline(transition), *(why or _number("worst", transition.worst)), _span(transition)))


def line(transition: Incident) -> str:
    """Return an opening or a closing as a line with its time.

    ::

        2020-07-12T00:01:34.385975Z  OPEN    critical  temp-high: temp of b8:27:eb above 30, value 30.6
        2020-07-12T02:11:40.102213Z  CLOSED  critical  temp-high: temp of b8:27:eb above 30, worst 33.5, lasted 2h 10m

    An opening that is noticed later than the incident began says since when, and a closing for another reason than
    clear values says which.
    """
    said = [_headline(transition)]
    if transition.closed_at is not None:
        said += _number("worst", transition.worst)
        said.append(f"lasted {spoken_duration(transition.closed_at - transition.opened_at)}")
        word, ending = "CLOSED", _ending(transition)
    else:
        said += _why(transition) or _number("value", transition.value)
        if transition.opened_at < transition.event_time:
            said.append(f"since {_moment(transition.opened_at)}")
        word, ending = "OPEN", _marks(transition)
    return f"{format_time(transition.event_time)}  {word:6}  {transition.severity:8}  {', '.join(said)}{ending}"


def number(value: float | None) -> str:
    """Return a value with at most six digits, "" for none."""
    return "" if value is None else f"{value:.6g}"


def _headline(transition: Incident) -> str:
    """Return what is wrong, such as ``temp-high: temp of b8:27:eb above 30``."""
    device = _printable(transition.device) or "the source"
    subject = f"{_printable(transition.metric)} of {device}" if transition.metric else device
    bounds = " to ".join(filter(None, map(number, (transition.threshold, transition.threshold_upper))))
    said = (f"{transition.rule_id}: {subject}", _WORDS.get(transition.condition, transition.condition), bounds)
    return " ".join(filter(None, said))


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)  # a line break, an escape


def _number(word: str, value: float | None) -> list[str]:
    return [] if value is None else [f"{word} {number(value)}"]


def _why(transition: Incident) -> list[str]:
    """Return why a reading is unusual, while that is what the incident is about; nothing for other rules."""
    return [transition.why] if transition.why is not None and transition.closed_at is None else []


def _span(transition: Incident) -> str:
    opened = _moment(transition.opened_at)
    if transition.closed_at is not None:
        return f"from {opened} to {_moment(transition.closed_at)}{_ending(transition)}"
    return f"since {opened}{_marks(transition)}"


def _ending(transition: Incident) -> str:
    return f" ({transition.reason})" if transition.reason not in (None, "clear") else ""


def _marks(transition: Incident) -> str:
    marks = [word for word, marked in (("flapping", transition.flapping), ("no new data", transition.stale)) if marked]
    return f" ({', '.join(marks)})" if marks else ""


def _moment(microseconds: int) -> str:
    return f"{format_time(microseconds)[:19]}Z"
