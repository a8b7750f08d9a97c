"""Write the rules that fit as a rules file, with the evidence for each as comments."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.suggest.candidate import CandidateGroup
from pipeline.suggest.fit import MOST_OPEN, FittedRule, TriedForm
from pipeline.suggest.profile import MeasuredRecording, device_days
from pipeline.suggest.round_numbers import shown_share
from telemetry.text.durations import spoken_duration
from telemetry.text.timestamps import format_time
from telemetry.text.yaml_texts import comments, counted, printable

DEFAULT_NAME: Final = "rules.yaml"
_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class SuggestionSource:
    """Where the readings of suggested rules came from.

    Attributes:
        flags: of `telemetry backtest` that read the same.
        file: name of the rules file; "" if that is not known.
        per_day: the budget of each rule, incidents for each day and device.
        rejected: number of rows that could not be used.
    """

    flags: tuple[str, ...]
    file: str
    per_day: float
    rejected: int = 0


def rules_file(
    source: SuggestionSource,
    recording: MeasuredRecording,
    groups: Sequence[CandidateGroup],
    fitted: Mapping[str, FittedRule],
) -> str:
    """Return the text of the rules file.

    Args:
        source: where the readings came from.
        recording: what they are like.
        groups: all candidates.
        fitted: of each candidate by its id; at least one fits.
    """
    lines = [*_head(source, recording, list(fitted.values())), "version: 2", "rules:"]
    for number, group in enumerate(groups):
        lines += [""] if number else []
        lines += comments(
            [f"{printable(group.title)}: {group.about[0]}" if group.about else f"{group.title}:"], _INDENT
        )
        lines += comments(group.about[1:], _INDENT)
        rules = [fitted[one.id] for one in group.candidates]
        for rule in rules:
            if rule.is_kept:
                lines += _rule(rule)
        for rule in rules:
            lines += () if rule.is_kept else _left_out(rule, source.per_day)
        lines += comments(group.unfit, _INDENT)
    return "\n".join([*lines, ""])


def _head(source: SuggestionSource, recording: MeasuredRecording, rules: Sequence[FittedRule]) -> Iterator[str]:
    span_us = recording.last_us - recording.first_us
    per_day = sum(rule.chosen.per_day for rule in rules if rule.is_kept)
    many, devices = counted(recording.readings, "reading"), counted(recording.devices, "device")
    file = shlex.quote(source.file or DEFAULT_NAME)
    flags = printable(shlex.join(source.flags))
    interval = f"; a device sends every {spoken_duration(recording.intervals.median_us)}" if span_us else ""
    yield from comments(
        [
            f"First rules, suggested by telemetry suggest {printable(shlex.join(source.flags[1:]))}",
            f"{many} of {devices}, {_second(recording.first_us)} to {_second(recording.last_us)} "
            f"({spoken_duration(span_us)}, {shown_days(device_days(recording.spans_us))} device-days){interval}.",
            *([f"{counted(source.rejected, 'row')} could not be used."] if source.rejected else []),
            f"Each rule was tried on these readings. One that opened more than {source.per_day:g} incidents a day and "
            f"device, or was open for more than {shown_share(MOST_OPEN)} of the time, was made less sensitive, or is "
            f"left out, with a comment. All rules together: {shown_rate(per_day)} incidents a day and device.",
            *_clear(rules),
            "The numbers say what was usual in this recording, faults in it included; what is safe, you know. Delete "
            "what you do not need, and go on with:",
        ]
    )
    yield f"#   telemetry rules check {file}"
    yield f"#   telemetry backtest {flags} --rules {file}"
    yield f"#   telemetry run … --rules {file}"


def _clear(rules: Sequence[FittedRule]) -> Iterator[str]:
    """Yield the rules that are kept, or left out, although their incidents are no noise."""
    plain = [rule.candidate.id for rule in rules if rule.is_plain]
    if plain:
        yield f"Kept above the budget, as no less sensitive form would miss what they find: {', '.join(plain)}."
    clear = [rule for rule in rules if rule.is_clear and not rule.is_kept]
    if clear:
        named = ", ".join(rule.candidate.id for rule in clear)
        yield f"Left out, although what they find is hardly noise: {named}. Each is below as a comment, ready for use."


def _rule(rule: FittedRule) -> Iterator[str]:
    yield from comments(_reasons(rule), _INDENT)
    yield from rule.lines()


def _reasons(rule: FittedRule) -> Iterator[str]:
    candidate, (*before, last) = rule.candidate, rule.tried
    yield from candidate.evidence
    if rule.is_plain:
        yield (
            f"Above the budget, and so are its less sensitive forms: {candidate.forms[last.number].name} still opens "
            f"{shown_rate(last.per_day)} a day and device. These are faults rather than noise."
        )
    elif before:
        listed = "; ".join(f"{candidate.forms[one.number].name}: {_opened(one)}" for one in before)
        yield f"More sensitive forms opened too many incidents a day and device: {listed}."
    if rule.is_clear and not rule.is_plain:
        fields = " ".join(line.strip() for line in candidate.forms[0].fields)
        yield f"These are hardly noise. If they are faults that you want to be told: `{fields}`"
    yield f"expected: {_expected(rule)}" + (
        f", open {shown_share(rule.chosen.open_share)} of the time" if rule.chosen.incidents else ""
    )


def _left_out(rule: FittedRule, per_day: float) -> Iterator[str]:
    """Yield why a rule is left out; if its incidents are no noise, the rule itself follows, as a comment."""
    candidate, first, last = rule.candidate, rule.tried[0], rule.tried[-1]
    text = f"{candidate.id} left out: even with {candidate.forms[last.number].name} it opens {_expected(rule)}"
    if last.open_share > MOST_OPEN and not candidate.lasts:
        yield from comments([f"{text}, which are open {shown_share(last.open_share)} of the time."], _INDENT)
        return
    text += f", more than {per_day:g}."
    if not rule.is_clear:
        yield from comments([text], _INDENT)
        return
    text += f" With {candidate.forms[0].name} it opens {shown_rate(first.per_day)}, so these are hardly noise."
    yield from comments([text, "If they are faults that you want to be told, take it as it is:"], _INDENT)
    yield from (f"{_INDENT}# {line.removeprefix(_INDENT)}" for line in candidate.lines(0))


def _expected(rule: FittedRule) -> str:
    form, days = rule.chosen, shown_days(rule.candidate.device_days)
    return f"{shown_rate(form.per_day)} incidents a day and device ({form.incidents:,} in {days} device-days)"


def _opened(form: TriedForm) -> str:
    long = f" (open {shown_share(form.open_share)} of the time)" if form.open_share > MOST_OPEN else ""
    return f"{shown_rate(form.per_day)}{long}"


def shown_rate(per_day: float) -> str:
    """Return incidents a day for a comment."""
    return f"{per_day:,.0f}" if per_day >= 100 else f"{per_day:.2g}"


def shown_days(days: float) -> str:
    """Return device-days for a comment."""
    return f"{days:.1f}" if days >= 1 else f"{days:.2g}"


def _second(time_us: int) -> str:
    return f"{format_time(time_us).partition('.')[0]}Z"
