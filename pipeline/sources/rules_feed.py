"""Follow a rules file on a remote runner.

A clock of the pipeline's own asks for the file. Its watermark is that of the last time it asked, so no key judges
beyond the event time at which a change that is found next comes into force: all keys change at the same time.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec
from apache_beam.typehints.decorators import no_annotations

from pipeline.sources.ruled_messages import RuledMessages
from telemetry.rules.errors import RuleError
from telemetry.rules.follower import FollowedRules, RulesFollower
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import ALWAYS_US, RulesChange
from transforms import counters
from transforms.incidents.change_bytes import decode_change, encode_change

_LOG: Final = logging.getLogger("pipeline.rules")
_MICROS: Final = 1_000_000


class WithRulesFile(beam.PTransform):
    """Read messages, and follow the rules file that judges them.

    Unbounded, in the global window.
    """

    def __init__(
        self, source: beam.PTransform, followed: FollowedRules, rules: RuleSet, clock: beam.PTransform | None = None
    ) -> None:
        """Follow a file from the pipeline's start on.

        Args:
            source: returns a PCollection of MessageBatch.
            followed: the file.
            rules: those of the file at the start.
            clock: returns an element for each look, whose timestamp is that of the look; None for one that looks as
                often as `followed` says.
        """
        super().__init__()
        self._source = source
        self._followed = followed
        self._rules = rules
        self._clock = clock or PeriodicImpulse(fire_interval=followed.every_us / _MICROS)

    @no_annotations
    def expand(self, pbegin: beam.pvalue.PBegin) -> RuledMessages:
        """Return the messages, and the rules that come into force between them."""
        looks = pbegin | "Clock" >> self._clock | "One key" >> beam.Map(_one_key).with_output_types(tuple[int, None])
        look = beam.ParDo(_LookAtRules(self._followed, self._rules)).with_output_types(bytes)
        return RuledMessages(pbegin | "Messages" >> self._source, looks | "Look at rules" >> look)


@lru_cache(maxsize=4)
def _follower(followed: FollowedRules, rules: RuleSet) -> RulesFollower:
    """Return the follower of this process: a runner makes a new instance of a step when it likes to."""
    return RulesFollower(followed.path, followed.metrics, rules)


def _one_key(_tick: Any) -> tuple[int, None]:
    return 0, None


@dataclass
class _LookAtRules(beam.DoFn):
    """Yield the rules at the beginning, and each time they have changed."""

    followed: FollowedRules
    rules: RuleSet

    TOLD = ReadModifyWriteStateSpec("told", BytesCoder())  # the change that was told last

    def process(
        self,
        _keyed: tuple[int, None],
        timestamp: Any = beam.DoFn.TimestampParam,
        told: Any = beam.DoFn.StateParam(TOLD),
    ) -> Iterator[bytes]:
        follower = _follower(self.followed, self.rules)
        content = told.read()
        last = None if content is None else decode_change(content)
        if last is None:
            last = RulesChange(ALWAYS_US, self.rules)
            told.write(encode_change(last))
            yield encode_change(last)
        try:
            follower.look()
        except RuleError as error:
            _LOG.warning("the rules stay as they are: %s", error)
            counters.count(counters.RULES_REFUSED)
        rules = follower.latest
        if rules is not None and rules.version != last.rules.version:
            _LOG.info("rules %s: %s", rules.version, ", ".join(rule.id for rule in rules.rules))
            change = encode_change(RulesChange(timestamp.micros, rules, last.sequence + 1))
            told.write(change)
            yield change
