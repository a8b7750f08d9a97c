"""Read rules files of version 2: everything a rule can say, and each kind of mistake with its line."""

from pathlib import Path

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Condition, Part, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.errors import RuleError
from telemetry.rules.incident_policy import Flapping, IncidentPolicy
from telemetry.rules.parse import load_rules, parse_rules
from telemetry.rules.rule import Rule
from telemetry.rules.unusual import LearnedStuck
from tests.support.rules import threshold_rule

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def file_of(*rules: str, beside: str = "") -> str:
    return f"version: 2\n{beside}rules:\n" + "".join(f"- {{{rule}}}\n" for rule in rules)


def rule_of(fields: str) -> Rule:
    return parse_rules(file_of(f"id: r, {fields}")).rules[0]


def refusal(text: str) -> str:
    with pytest.raises(RuleError) as error:
        parse_rules(text)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_same_rules_in_both_versions_have_the_same_version() -> None:
    rules = "- {id: a, metric: temp, above: 30}\n- {id: b, metric: co, inside: [1, 2], devices: [x]}\n"
    one, two = parse_rules(f"version: 1\nrules:\n{rules}"), parse_rules(f"version: 2\nrules:\n{rules}")
    assert one == two
    spelled = "clear: 30, for: 0s, keep: 0s"
    assert parse_rules(file_of(f"id: a, metric: temp, above: 30, {spelled}")).version == (
        parse_rules("version: 1\nrules: [{id: a, metric: temp, above: 30}]").version
    )


@pytest.mark.parametrize(
    ("fields", "condition"),
    [
        ("above: 30, clear: 29", Threshold(Bounds("above", 30.0, None, 29.0))),
        ("above: 30, clear: 30", Threshold(Bounds("above", 30.0))),
        ("below: 30, clear: 31", Threshold(Bounds("below", 30.0, None, 31.0))),
        ("outside: [10, 35], clear: [11, 34]", Threshold(Bounds("outside", 10.0, 35.0, 11.0, 34.0))),
        ("outside: [10, 35], clear: [10, 34]", Threshold(Bounds("outside", 10.0, 35.0, None, 34.0))),
        ("outside: [10, 35], clear: [20, 20]", Threshold(Bounds("outside", 10.0, 35.0, 20.0, 20.0))),
        ("inside: [10, 35], clear: [9, 35]", Threshold(Bounds("inside", 10.0, 35.0, 9.0, None))),
        ("rate: {above: 2, per: 1m, over: 5m}", Rate(Bounds("above", 2.0), MINUTE, 5 * MINUTE)),
        ("rate: {below: -2, per: 1s, clear: -1}", Rate(Bounds("below", -2.0, None, -1.0), SECOND)),
        ("stuck: {for: 10m}", Stuck(10 * MINUTE)),
        ("stuck: {for: 1.5h, within: 0.25}", Stuck(3 * HOUR // 2, 0.25)),
        ("stuck: learned", LearnedStuck(24 * HOUR, 168 * HOUR)),
        ("stuck: {learn: 2h}", LearnedStuck(2 * HOUR, 168 * HOUR)),
        ("silence: {for: 5m}", Silence(5 * MINUTE, None, HOUR)),
        ("silence: {intervals: 10, grace: 0s}", Silence(None, 10.0, 0)),
        (
            "window: {statistic: mean, length: 5m}, above: 28, clear: 27, min_readings: 10",
            WindowStatistic("mean", 5 * MINUTE, Bounds("above", 28.0, None, 27.0), None, 10),
        ),
        (
            "window: {statistic: median, length: 1d}, below: 1",
            WindowStatistic("quantile", 24 * HOUR, Bounds("below", 1.0), 0.5),
        ),
        (
            "window: {statistic: p1, length: 1s}, below: 1",
            WindowStatistic("quantile", SECOND, Bounds("below", 1.0), 0.01),
        ),
        (
            "window: {statistic: p99.9, length: 1s}, inside: [1, 2]",
            WindowStatistic("quantile", SECOND, Bounds("inside", 1.0, 2.0), 0.999),
        ),
    ],
)
def test_a_condition_of_one_metric(fields: str, condition: Condition) -> None:
    assert rule_of(f"metric: temp, {fields}") == Rule("r", "temp", condition)


@pytest.mark.parametrize("how", ["all", "any", "not"])
def test_a_combination(how: str) -> None:
    parts = "[{metric: temp, above: 30, clear: 29}, {metric: co, inside: [1, 2]}]"
    found = rule_of(f"{how}: {parts}, within: 1m, for: 2m")
    expected = (Part("temp", Bounds("above", 30.0, None, 29.0)), Part("co", Bounds("inside", 1.0, 2.0)))
    assert isinstance(found.condition, Combination)
    assert (found.metric, found.condition.how, found.condition.parts) == ("", how, expected)
    assert (found.condition.within_us, found.for_us) == (MINUTE, 2 * MINUTE)
    assert found.metrics == ("temp", "co")
    assert rule_of(f"{how}: [{{metric: temp, above: 30}}]").condition == Combination(
        found.condition.how, (Part("temp", Bounds("above", 30.0)),), 0
    )


def test_a_silent_device_has_no_metric() -> None:
    found = rule_of("silence: {for: 1m}")
    assert (found.metric, found.metrics, found.bounds) == ("", (), None)


def test_times_and_devices_of_a_rule() -> None:
    found = rule_of("metric: temp, above: 1, for: 2m, keep: 90s, max_gap: 500ms, devices: [a*], except: [ab, ac*]")
    assert (found.for_us, found.keep_us, found.max_gap_us) == (2 * MINUTE, 90 * SECOND, SECOND // 2)
    assert (found.devices, found.except_) == (("a*",), ("ab", "ac*"))
    assert [found.matches(name) for name in ("a", "ab", "acx", "abx", "b")] == [True, False, False, True, False]
    assert not rule_of("metric: temp, above: 1, except: [a]").matches_all


def test_rules_know_their_lines() -> None:
    text = "version: 2\nrules:\n- id: a\n  metric: temp\n  above: 1\n\n- {id: b, metric: temp, above: 1}\n"
    assert [rule.line for rule in parse_rules(text).rules] == [3, 7]


def test_incidents() -> None:
    rule = "id: a, metric: temp, above: 1"
    assert parse_rules(file_of(rule)).incidents == IncidentPolicy(0, 5 * MINUTE, None)
    text = "incidents: {reopen: 10m, update_every: 1m, flapping: {opens: 5, within: 1h, calm: 2h}}\n"
    assert parse_rules(file_of(rule, beside=text)).incidents == IncidentPolicy(
        10 * MINUTE, MINUTE, Flapping(5, HOUR, 2 * HOUR)
    )


def test_thresholds_are_the_rules_that_flag_single_readings() -> None:
    found = parse_rules(
        file_of(
            "id: a, metric: temp, above: 1, for: 1m, keep: 1m, clear: 0",
            "id: b, metric: temp, window: {statistic: mean, length: 1m}, above: 1",
            "id: c, metric: temp, rate: {above: 1, per: 1m}",
            "id: d, silence: {for: 1m}",
            "id: e, all: [{metric: temp, above: 1}]",
            "id: f, metric: co, inside: [1, 2]",
        )
    )
    assert [rule.id for rule in found.thresholds] == ["a", "f"]
    assert found.metrics == ("temp", "co")


def test_common_fields_can_be_merged() -> None:
    text = (
        "version: 2\nrules:\n- &hot {id: a, metric: temp, above: 30, for: 1m}\n"
        "- <<: *hot\n  id: b\n  above: 40\n- {<<: *hot, id: c}\n"
    )
    assert [(rule.id, rule.threshold, rule.for_us) for rule in parse_rules(text).rules] == [
        ("a", 30.0, MINUTE),
        ("b", 40.0, MINUTE),
        ("c", 30.0, MINUTE),
    ]


METRIC = "metric: temp, "
KINDS = "above, below, outside, inside, rate, stuck, unusual, silence, all, any, not"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("metric: temp", f"exactly one of {KINDS} is needed, got 0"),
        ("metric: temp, above: 1, stuck: {for: 1m}", f"exactly one of {KINDS} is needed, got 2"),
        ("above: 1", "metric must be the name of a metric, not None"),
        ("metric: '', silence: {for: 1m}", "metric must be the name of a metric, not ''"),
        (f"{METRIC}above: 1, clear: 2", "clear must be at or below 1, not 2"),
        (f"{METRIC}below: 1, clear: 0.5", "clear must be at or above 1, not 0.5"),
        (f"{METRIC}above: 1, clear: .nan", "clear must be a finite number, not nan"),
        (f"{METRIC}above: 1, clear: [0, 1]", "clear must be a finite number, not [0, 1]"),
        (f"{METRIC}outside: [1, 5], clear: 3", "clear must be [low, high], not 3"),
        (f"{METRIC}outside: [1, 5], clear: [4, 3]", "clear [4, 3] has its low bound above its high one"),
        (f"{METRIC}outside: [1, 5], clear: [0, 4]", "clear [0, 4] must lie within [1, 5]"),
        (f"{METRIC}outside: [1, 5], clear: [2, 6]", "clear [2, 6] must lie within [1, 5]"),
        (f"{METRIC}inside: [1, 5], clear: [2, 6]", "clear [2, 6] must enclose [1, 5]"),
        (f"{METRIC}inside: [1, 5], clear: [0, 4]", "clear [0, 4] must enclose [1, 5]"),
        (f"{METRIC}stuck: {{for: 1m}}, clear: 1", "clear needs a bound"),
        ("silence: {for: 1m}, clear: 1", "clear needs a bound"),
        (f"{METRIC}rate: {{above: 1, per: 1m}}, clear: 1", "clear belongs into rate, beside its bound"),
        ("all: [{metric: temp, above: 1}], clear: 1", "clear belongs into the parts of all, beside their bounds"),
        (f"{METRIC}above: 1, for: 60", "for must be a duration with its unit, such as 60s, not 60"),
        (f"{METRIC}above: 1, for: 1.5", "for must be a duration with its unit, not 1.5"),
        (f"{METRIC}above: 1, keep: true", "keep must be a duration with its unit, not True"),
        (f"{METRIC}above: 1, keep: 5 min", "keep '5 min' is not a duration, write it like 500ms, 60s, 10m, 2h or 1d"),
        (f"{METRIC}above: 1, for: 40000d", "for '40000d' is longer than 36500d"),
        (f"{METRIC}above: 1, max_gap: 0s", "max_gap must be longer than 0s, not '0s'"),
        ("silence: {for: 1m}, for: 1m", "for is not for silence; the time of silence belongs into silence"),
        ("silence: {for: 1m}, keep: 1m", "keep is not for silence"),
        ("silence: {for: 1m}, max_gap: 1m", "max_gap is not for silence"),
        ("silence: {}", "exactly one of silence.for, silence.intervals is needed, got 0"),
        ("silence: {for: 1m, intervals: 3}", "exactly one of silence.for, silence.intervals is needed, got 2"),
        ("silence: {for: 0s}", "silence.for must be longer than 0s, not '0s'"),
        ("silence: {intervals: 0.5}", "silence.intervals must be at least 1, not 0.5"),
        ("silence: {intervals: .inf}", "silence.intervals must be a finite number, not inf"),
        ("silence: {for: 1m, grace: 1}", "silence.grace must be a duration with its unit, such as 1s, not 1"),
        ("silence: 5m", "silence must be a mapping such as {for: 5m}, not '5m'"),
        (f"{METRIC}rate: 3", "rate must be a mapping such as {above: 2.0, per: 1m}, not 3"),
        (f"{METRIC}rate: {{per: 1m}}", "exactly one of rate.above, rate.below is needed, got 0"),
        (f"{METRIC}rate: {{above: 1, below: 2, per: 1m}}", "exactly one of rate.above, rate.below is needed, got 2"),
        (f"{METRIC}rate: {{above: 1}}", "rate.per must be a duration with its unit, not None"),
        (f"{METRIC}rate: {{above: 1, per: 0s}}", "rate.per must be longer than 0s, not '0s'"),
        (f"{METRIC}rate: {{above: 1, per: 1s, over: 0ms}}", "rate.over must be longer than 0s, not '0ms'"),
        (f"{METRIC}rate: {{above: 1, per: 1s, clear: 2}}", "rate.clear must be at or below 1, not 2"),
        (f"{METRIC}rate: {{above: 1, pre: 1s}}", "unknown field 'pre' in rate, did you mean rate.per?"),
        (f"{METRIC}rate: {{inside: [1, 2], per: 1s}}", "unknown field 'inside' in rate"),
        (f"{METRIC}stuck: {{within: 1}}", "exactly one of stuck.for, stuck.learn is needed, got 0"),
        (f"{METRIC}stuck: {{for: 1m, within: -1}}", "stuck.within must be at least 0, not -1"),
        (f"{METRIC}stuck: {{for: 1m}}, for: 1m", "for belongs into stuck"),
        (f"{METRIC}stuck: {{for: 1m}}, keep: 1m", "keep is not for stuck, use reopen"),
        (f"{METRIC}stuck: {{for: 1m}}, within: 1m", "within belongs into stuck"),
        (f"{METRIC}stuck: taught", "stuck must be a mapping such as {for: 10m}, or the word learned, not 'taught'"),
        (f"{METRIC}stuck: {{for: 1m, learn: 1d}}", "exactly one of stuck.for, stuck.learn is needed, got 2"),
        (f"{METRIC}stuck: {{learn: 1d, within: 1}}", "stuck.within needs for: learned runs are of equal values"),
        (f"{METRIC}stuck: learned, for: 1m", "for is not for stuck: learned"),
        (f"{METRIC}stuck: learned, within: 1m", "within belongs into stuck"),
        (f"{METRIC}above: 1, within: 1m", "within needs all, any or not"),
        (f"{METRIC}above: 1, min_readings: 3", "min_readings needs a window"),
        (f"{METRIC}above: 1, window: 5m", "window must be a mapping such as {statistic: mean, length: 5m}, not '5m'"),
        (f"{METRIC}window: {{statistic: mean, length: 1m}}", f"exactly one of {KINDS} is needed, got 0"),
        (
            f"{METRIC}window: {{statistic: mean, length: 1m}}, stuck: {{for: 1m}}",
            "window needs one of above, below, outside, inside, not stuck",
        ),
        (
            f"{METRIC}above: 1, window: {{length: 0s, statistic: mean}}",
            "window.length must be longer than 0s, not '0s'",
        ),
        (f"{METRIC}above: 1, window: {{statistic: mean}}", "window.length must be a duration with its unit, not None"),
        (
            f"{METRIC}above: 1, window: {{statistic: mean, length: 1m}}, min_readings: 0",
            "min_readings must be a whole number from 1, not 0",
        ),
        (
            f"{METRIC}above: 1, window: {{statistic: mean, length: 1m}}, min_readings: 1.5",
            "min_readings must be a whole number from 1, not 1.5",
        ),
        ("all: []", "all must be a list of mappings such as {metric: temp, above: 30}, not []"),
        (
            "any: {metric: temp}",
            "any must be a list of mappings such as {metric: temp, above: 30}, not {'metric': 'temp'}",
        ),
        ("not: [temp]", "not must be a list of mappings such as {metric: temp, above: 30}, not ['temp']"),
        ("all: [{above: 1}]", "all[1].metric must be the name of a metric, not None"),
        (
            "all: [{metric: temp, above: 1}, {metric: co}]",
            "exactly one of all[2].above, all[2].below, all[2].outside, all[2].inside is needed, got 0",
        ),
        ("all: [{metric: temp, above: .inf}]", "all[1].above must be a finite number, not inf"),
        ("all: [{metric: temp, above: 1, for: 1m}]", "unknown field 'for' in all[1]"),
        ("metric: temp, all: [{metric: temp, above: 1}]", "metric belongs into the parts of all"),
        (f"{METRIC}above: 1, except: []", "except must be a list of names or globs, not []"),
        (f"{METRIC}above: 1, except: a", "except must be a list of names or globs, not 'a'"),
        (f"{METRIC}above: 1, except: [a, '*']", "except leaves out every device"),
        (f"{METRIC}above: 1, above: 2", "'above' is written twice"),
        (f"{METRIC}rate: {{above: 1, per: 1m, above: 2}}", "'above' is written twice"),
    ],
)
def test_a_problem_names_line_rule_and_field(fields: str, problem: str) -> None:
    assert refusal(file_of("id: ok, metric: temp, above: 1", f"id: r, {fields}")) == f"line 4: rule 'r': {problem}"


@pytest.mark.parametrize(
    "name", ["mean ", "p0", "p0.5", "p100", "p99.95", "p05", "p", "P50", "quantile", "avg", "[mean]"]
)
def test_a_statistic_that_there_is_not(name: str) -> None:
    problem = refusal(file_of(f"id: r, {METRIC}above: 1, window: {{statistic: '{name}', length: 1m}}"))
    known = "mean, min, max, stddev, count, first, last, range, median or p1 to p99.9"
    assert problem == f"line 3: rule 'r': window.statistic must be one of {known}, not {name!r}"


def test_the_line_is_that_of_the_field() -> None:
    text = (
        "version: 2\nrules:\n- id: r\n  metric: temp\n  rate:\n    above: 1\n    per: 1m\n    over: none\n"
        "- id: s\n  all:\n  - metric: temp\n    above: 1\n  - metric: co\n    below: x\n"
    )
    assert refusal(text).startswith("line 8: rule 'r': rate.over 'none' is not a duration")
    assert refusal(text.replace("none", "1m")) == "line 14: rule 's': all[2].below must be a finite number, not 'x'"


NEWER = (
    *("clear: 1", "for: 1m", "keep: 1m", "max_gap: 1m", "rate: {}", "stuck: {}", "silence: {}", "window: {}"),
    *("min_readings: 1", "all: []", "any: []", "not: []", "within: 1m", "except: [a]"),
)


@pytest.mark.parametrize("field", NEWER)
def test_a_file_of_version_1_says_that_a_field_needs_version_2(field: str) -> None:
    name = field.partition(":")[0]
    text = f"version: 1\nrules:\n- id: r\n  metric: temp\n  above: 1\n  {field}\n"
    assert refusal(text) == f"line 6: rule 'r': {name} is of version 2: write `version: 2`"


@pytest.mark.parametrize("field", ["roster: [a]", "overrides: a.csv", "incidents: {}"])
def test_a_file_of_version_1_has_rules_only(field: str) -> None:
    text = f"version: 1\n{field}\nrules:\n- {{id: r, metric: temp, above: 1}}\n"
    assert refusal(text) == f"line 2: {field.partition(':')[0]} is of version 2: write `version: 2`"


@pytest.mark.parametrize(
    ("beside", "problem"),
    [
        ("incidents: 5m", "incidents must be a mapping such as {reopen: 10m}, not '5m'"),
        ("incidents: {repoen: 1m}", "unknown field 'repoen' in incidents, did you mean incidents.reopen?"),
        ("incidents: {reopen: 1}", "incidents.reopen must be a duration with its unit, such as 1s, not 1"),
        ("incidents: {update_every: 0s}", "incidents.update_every must be longer than 0s, not '0s'"),
        (
            "incidents: {flapping: 3}",
            "incidents.flapping must be a mapping such as {opens: 5, within: 1h, calm: 1h}, not 3",
        ),
        (
            "incidents: {flapping: {opens: 1, within: 1h, calm: 1h}}",
            "incidents.flapping.opens must be a whole number from 2, not 1",
        ),
        (
            "incidents: {flapping: {opens: true, within: 1h, calm: 1h}}",
            "incidents.flapping.opens must be a whole number from 2, not True",
        ),
        (
            "incidents: {flapping: {opens: 2, within: 1h}}",
            "incidents.flapping.calm must be a duration with its unit, not None",
        ),
        ("roster: []", "roster: names no device"),
        ("roster: 7", "roster: must be a list of devices or a file, not 7"),
        ("roster: [a, b, a]", "roster: device 'a' is there twice"),
        ("roster: [a, 7]", "roster: must be names of devices, not 7"),
        ("roster: ['']", "roster: must be names of devices, not ''"),
        ("overrides: [a]", "overrides: must be a CSV file, not ['a']"),
        ("rooster: [a]", "unknown field 'rooster', did you mean roster?"),
        ("version: 1", "'version' is written twice"),
    ],
)
def test_a_problem_beside_the_rules_names_line_and_field(beside: str, problem: str) -> None:
    assert refusal(file_of("id: r, metric: temp, above: 1", beside=f"{beside}\n")) == f"line 2: {problem}"


def test_a_metric_that_is_not_decoded_is_named_in_every_condition() -> None:
    for fields in (
        "metric: tmp, above: 1",
        "metric: tmp, silence: {for: 1m}",
        "metric: tmp, stuck: {for: 1m}",
        "metric: tmp, window: {statistic: mean, length: 1m}, above: 1",
        "all: [{metric: temp, above: 1}, {metric: tmp, above: 1}]",
    ):
        rules = parse_rules(file_of(f"id: r, {fields}"))
        rules.check_metrics(["temp", "tmp"])
        with pytest.raises(RuleError, match=r"^line 3: rule 'r': metric 'tmp' is not one of temp, co$"):
            rules.check_metrics(["temp", "co"])
    parse_rules(file_of("id: r, silence: {for: 1m}")).check_metrics([])


def test_files_beside_the_rules_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "bounds.csv").write_text("device,rule,bound\na,r,40\n")
    (tmp_path / "fleet" / "devices.txt").write_text("b\n# the greenhouse\n\n a \n")
    path = tmp_path / "rules.yaml"
    path.write_text(
        file_of("id: r, metric: temp, above: 30", beside="roster: fleet/devices.txt\noverrides: fleet/bounds.csv\n")
    )
    found = load_rules(str(path))
    assert found.rules[0].overrides == {"a": Bounds("above", 40.0)}
    assert found.roster is not None
    assert found.roster.devices == ("a", "b")
    assert found.version != parse_rules(file_of("id: r, metric: temp, above: 30")).version
    assert found.rules[0].bounds_of("b") == threshold_rule("r", "temp", "above", 30.0).bounds


@pytest.mark.parametrize("name", ["roster", "overrides"])
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(file_of("id: r, metric: temp, above: 30", beside=f"{name}: nowhere.csv\n"))
    with pytest.raises(RuleError) as error:
        load_rules(str(path))
    assert str(error.value) == f"line 2: {name}: {tmp_path}/nowhere.csv: No such file or directory"
