"""The rules file of a remote runner: a change reaches every key at the same event time."""

import logging
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from pipeline.sources.rules_feed import WithRulesFile
from telemetry.rules.follower import FollowedRules
from telemetry.rules.parse import parse_rules
from telemetry.rules.timeline import ALWAYS_US
from tests.support.run_transform import run_transform, stream_of, timed
from transforms import counters
from transforms.incidents.change_bytes import decode_change

TEXT = "version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n"
OTHER = TEXT.replace("30", "31")


class WriteAt(beam.DoFn):
    """Write the rules file when the clock of the test strikes: what an operator does meanwhile."""

    def __init__(self, path: str, texts: dict[int, str]) -> None:
        self.path, self.texts = path, texts

    def process(self, look: int) -> Any:
        if look in self.texts:
            new = Path(f"{self.path}.{look}")
            new.write_text(self.texts[look])
            new.replace(self.path)
        yield look


def followed(path: Path, texts: dict[int, str], looks: int = 8) -> list[tuple[int, int, str]]:
    """Return (since, sequence, version) of the changes that are told when the file is written at some looks."""
    path.write_text(TEXT)
    clock = stream_of(*([timed(look, 1_000 * look)] for look in range(1, looks)))

    def feed(ticks: beam.PCollection) -> beam.PCollection:
        ticking = ticks | beam.ParDo(WriteAt(str(path), texts))
        source = WithRulesFile(
            _Nothing(), FollowedRules(str(path), ("temp",), 1_000_000), parse_rules(TEXT), _As(ticking)
        )
        return (ticks.pipeline | source).changes

    told = map(decode_change, run_transform(clock, feed)["main"])
    return sorted((change.since_us, change.sequence, change.rules.version) for change in told)


class _Nothing(beam.PTransform):
    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        return pbegin | beam.Create([])


class _As(beam.PTransform):
    """Stands for a source whose collection exists already."""

    def __init__(self, collection: beam.PCollection) -> None:
        super().__init__()
        self.collection = collection

    def expand(self, _pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        return self.collection


def test_a_change_comes_into_force_at_the_time_of_the_look_that_found_it(tmp_path: Path) -> None:
    assert followed(tmp_path / "rules.yaml", {3: OTHER, 6: TEXT}) == [
        (ALWAYS_US, 1, parse_rules(TEXT).version),
        (4_000, 2, parse_rules(OTHER).version),
        (7_000, 3, parse_rules(TEXT).version),
    ]


def test_rules_that_cannot_be_used_change_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(counters, "count", counted.append)
    with caplog.at_level(logging.WARNING, "pipeline.rules"):
        told = followed(tmp_path / "rules.yaml", {3: "version: 3\n"})
    assert told == [(ALWAYS_US, 1, parse_rules(TEXT).version)]
    assert [text for text in caplog.messages if "rules" in text] == [
        "the rules stay as they are: line 1: version: must be 1 or 2, not 3"
    ]
    assert counted == [counters.RULES_REFUSED]


def test_the_clock_of_a_job_asks_as_often_as_it_is_told() -> None:
    source = WithRulesFile(_Nothing(), FollowedRules("gs://b/rules.yaml", ("temp",), 10_000_000), parse_rules(TEXT))
    pipeline = beam.Pipeline()
    changes = (pipeline | source).changes
    assert changes.element_type is bytes
    assert not changes.is_bounded
