"""Choose a rule for devices that fall silent."""

from typing import Final

from pipeline.suggest.candidate import CandidateGroup, RuleCandidate, RuleForm
from pipeline.suggest.profile import MeasuredRecording, device_days
from pipeline.suggest.round_numbers import longer_duration, shown_share
from telemetry.text.durations import format_duration, spoken_duration

_REGULAR: Final = 0.95
_FEWEST: Final = 20
_INTERVALS: Final = (10, 15, 20, 50)
_OF_LONGEST: Final = (0.25, 0.5, 1.5)
_LEAST: Final = 10
"""A time without a reading is silence after this many usual intervals."""


def choose_silence(recording: MeasuredRecording) -> CandidateGroup:
    """Return the rule in usual intervals if most devices send regularly, and in time otherwise."""
    intervals = recording.intervals
    if intervals.fewest < _FEWEST:
        few = f"silence left out: most devices sent too few readings to know how often they do ({_FEWEST} are needed)."
        return CandidateGroup("devices", (), (), (few,))
    evidence = [
        f"A device sends every {spoken_duration(intervals.median_us)} (median); 99 % of intervals are at most "
        f"{intervals.q99:.3g} usual ones, the longest {intervals.longest:.3g} "
        f"({spoken_duration(intervals.longest_us)})."
    ]
    times = [longer_duration(max(part * intervals.longest_us, _LEAST * intervals.median_us)) for part in _OF_LONGEST]
    forms = [
        RuleForm(f"{format_duration(time_us)}", (f"silence: {{for: {format_duration(time_us)}}}",))
        for time_us in dict.fromkeys(times)
    ]
    if intervals.regular >= _REGULAR:
        regular = [RuleForm(f"{number} intervals", (f"silence: {{intervals: {number}}}",)) for number in _INTERVALS]
        forms = [*regular, forms[-1]]
    else:
        evidence.append(
            f"A time, as devices are irregular: {shown_share(1 - intervals.regular)} of intervals are longer than 2.5 "
            "usual ones."
        )
    silent = RuleCandidate("silent", "", tuple(evidence), tuple(forms), device_days(recording.spans_us), lasts=True)
    return CandidateGroup("devices", (), (silent,))
