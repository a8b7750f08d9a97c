"""Say how a test has failed, with what was expected beside what was found."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import yaml

from transforms.incidents.rule_tests.compare import ExpectedDifference
from transforms.incidents.rule_tests.rule_test import TIMES, RuleTest, Stated
from transforms.incidents.rule_tests.times import show_moment

_UNEXPECTED: Final = ("rule", "device", "opened", "closed")


def describe_failure(path: str, test: RuleTest, differences: Sequence[ExpectedDifference]) -> str:
    """Return a block of lines about a test: each difference as incidents that can be copied into the file.

    Args:
        path: of the file.
        test: the test.
        differences: at least one.
    """
    lines = [f"FAILED {path} line {test.line}: {test.name}"]
    for difference in differences:
        expected, found = difference.expected, difference.found
        dated = expected is not None and expected.dated
        names = list(expected.stated) if expected is not None else list(_UNEXPECTED)
        lines += [
            f"  {_title(difference)}",
            f"    exp: {'nothing' if expected is None else _shown(expected.stated, names, test, dated)}",
            f"    got: {'nothing' if found is None else _shown(found.values, names, test, dated)}",
        ]
    return "\n".join(lines)


def _title(difference: ExpectedDifference) -> str:
    if difference.expected is None:
        return "not expected"
    return "missing" if difference.found is None else f"differs in {', '.join(difference.fields)}"


def _shown(values: Mapping[str, Stated], names: Sequence[str], test: RuleTest, dated: bool) -> str:
    shown = {}
    for name in names:
        value = values[name]
        if name in TIMES and isinstance(value, int):
            value = show_moment(value, test.start_us, dated)
        shown[name] = round(value, 9) if isinstance(value, float) else value
    text = yaml.safe_dump(shown, default_flow_style=True, width=sys.maxsize, sort_keys=False, allow_unicode=True)
    return text.strip()
