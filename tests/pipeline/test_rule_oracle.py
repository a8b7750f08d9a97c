"""The whole graph with drawn rules against a plain evaluation of every row: all records, and the ledger."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from telemetry.model.messages import Message
from telemetry.rules.parse import load_rules
from tests.support.jobs import Events, cut, run_events, run_job
from tests.support.row_oracle import DEVICES, GLOBS, METRICS, MICROS, Arrival, Row, Rule, Windows, evaluate
from tests.support.written_rows import assert_written, ending_of, flags_of

SLOW = settings(  # an example is a whole job; shrinking one would take minutes
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
START_US = 1_594_512_000 * MICROS
LEVELS = st.sampled_from([-1.0, 0.0, 29.5, 30.0, 30.000000000000004, 31.25])
"""Values and bounds come from the same few levels, so that many are equal."""
BAD = (Row(bad=b"no reading", reason="not_json"), Row(bad=b'{"device":"b"}', reason="missing_field"))


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Rule]:
    """One to five rules, several on a metric."""
    rules = []
    for number in range(draw(st.integers(1, 5))):
        comparison = draw(st.sampled_from(["above", "below", "outside", "inside"]))
        two = comparison in ("outside", "inside")
        bounds = sorted(draw(st.lists(LEVELS, min_size=1 + two, max_size=1 + two)))
        metric, severity = draw(st.sampled_from(METRICS)), draw(st.sampled_from(["info", "warning", "critical"]))
        globs = draw(st.lists(st.sampled_from(list(GLOBS)), min_size=1, max_size=2, unique=True))
        rules.append(Rule(f"rule-{number}", metric, comparison, tuple(bounds), severity, tuple(globs)))
    return rules


@st.composite
def row_lists(draw: st.DrawFn) -> list[Row]:
    """Up to 60 lines of a quarter of an hour, in any order, each device at most once at a time."""
    moments = st.integers(0, 1_800).map(lambda half: START_US + half * MICROS // 2)
    values = st.tuples(*[st.one_of(st.none(), LEVELS) for _ in METRICS])
    readings = st.builds(Row, moments, st.sampled_from(DEVICES), values)
    rows = draw(st.lists(readings, min_size=1, max_size=60, unique_by=lambda row: (row.ts_us, row.device)))
    for place in draw(st.lists(st.integers(0, len(rows)), max_size=4)):
        rows.insert(place, draw(st.sampled_from(BAD)))
    return rows


@st.composite
def arrival_lists(draw: st.DrawFn) -> list[Arrival]:
    """Messages of any sizes, each with a watermark that is not behind the one before."""
    messages = cut(draw(row_lists()), draw(st.lists(st.integers(1, 20), max_size=8)))
    watermarks = sorted(draw(st.lists(st.integers(0, 1_500), min_size=len(messages), max_size=len(messages))))
    return [
        Arrival(f"m{number}", tuple(rows), START_US + watermark * MICROS)
        for number, (rows, watermark) in enumerate(zip(messages, watermarks, strict=True))
    ]


WINDOWS = st.builds(
    lambda lengths, lateness: Windows(size=lengths[0], slide=lengths[1], lateness=lateness),
    st.sampled_from([(60, 60), (60, 20), (300, 100)]),
    st.sampled_from([0, 30, 600]),
)


@SLOW
@given(arrivals=arrival_lists(), rules=rule_sets(), windows=WINDOWS, shards=st.sampled_from([1, 3]))
def test_a_stream_with_any_rules_equals_the_rows_one_by_one(
    arrivals: list[Arrival], rules: list[Rule], windows: Windows, shards: int, tmp_path: Path
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    flags = flags_of(rules, windows, folder)
    events = Events()
    for one in arrivals:
        events.watermark(one.watermark_us)
        first = min((row.ts_us for row in one.rows if not row.reason), default=START_US)
        events.message(Message(one.payload, {}, one.message_id, None, one.watermark_us), first)
    run_events(events, "--output", folder / "out", "--flush-interval", "1ms", "--shards", shards, *flags)
    expected = evaluate(arrivals, rules, load_rules(str(folder / "rules.yaml")).version, windows)
    event(f"too late: {expected.totals['dead_letters', 'too_late'] > 0}, anomalies: {len(expected.anomalies) > 0}")
    assert_written(folder / "out", expected, windows)


@SLOW
@given(
    rows=row_lists(),
    sizes=st.lists(st.integers(1, 40), max_size=3),
    rules=rule_sets(),
    windows=WINDOWS,
    file_format=st.sampled_from(["jsonl", "parquet"]),
)
def test_files_with_any_rules_equal_the_rows_one_by_one(
    rows: list[Row], sizes: list[int], rules: list[Rule], windows: Windows, file_format: str, tmp_path: Path
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    arrivals = []
    for number, part in enumerate(cut(rows, sizes)):
        path = folder / f"{number}.jsonl"
        # A file is cut into messages by its lines; an id is the path and the offset of the first line.
        arrivals.append(Arrival(f"{path}@0", tuple(part), end=b"\n"))
        path.write_bytes(arrivals[-1].payload)
    flags = flags_of(rules, windows, folder)
    with ending_of(rows):
        run_job("--input", folder / "*.jsonl", "--output", folder / "out", "--file-format", file_format, *flags)
    expected = evaluate(arrivals, rules, load_rules(str(folder / "rules.yaml")).version, windows)
    assert_written(folder / "out", expected, windows)
