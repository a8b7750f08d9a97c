"""Know the rules of a local stream: those that its steps have, and those that come next."""

import logging
from typing import Final

from telemetry.rules.errors import RuleError
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import ALWAYS_US, RulesChange
from telemetry.rules.watch import RulesWatch
from transforms.incidents.change_bytes import decode_change, encode_change

_LOG: Final = logging.getLogger("pipeline.rules")


class StreamRules:
    """The rules of a local stream.

    The thread that serves the source finds changes, and journals them. They come into force when the runner takes them,
    so that each pull is judged by the same rules whenever it is read again.

    Args:
        rules: those of the rules file at the start.
        kept: those in force when the state was kept, encoded as a change; empty if none was.
        watch: looks at the rules file; None if it is not followed.

    Attributes:
        begun: the rules with which the steps begin.
    """

    def __init__(self, rules: RuleSet, kept: bytes = b"", watch: RulesWatch | None = None) -> None:
        """Begin with the rules that were kept; those of the start, if they are others, are a change."""
        self.begun = decode_change(kept).rules if kept else rules
        self._in_force = self.begun
        self._told = kept
        self._at_start: RuleSet | None = rules
        self._found: RuleSet | RuleError | None = None
        self._watch = watch

    def in_force(self) -> RuleSet:
        """Return the rules that flag single readings now; called by the runner's thread."""
        return self._in_force

    def put_in_force(self, change: bytes) -> None:
        """Put the rules of a change into force; called by the runner's thread."""
        self._in_force = decode_change(change).rules

    @property
    def told(self) -> bytes:
        """The last change that was told, encoded; empty if none was."""
        return self._told

    def note_told(self, change: bytes) -> None:
        """Note that a change is told to the runner."""
        self._told = change

    def start(self) -> None:
        """Begin to look at the rules file."""
        if self._watch is not None:
            self._watch.start()

    def stop(self) -> None:
        """Look at it no more."""
        if self._watch is not None:
            self._watch.stop()

    def next_change(self, watermark_us: int | None) -> bytes | None:
        """Return the next change, encoded, that comes into force at a watermark; None if there is none.

        Args:
            watermark_us: of the source, microseconds UTC; None while it is unknown, and nothing is judged yet.

        Raises:
            RuleError: if the rules file has changed, and cannot be used.
        """
        found = self._next(is_idle=watermark_us is None)
        if isinstance(found, RuleError):
            raise found
        if found is None:
            return None
        since_us = watermark_us if self._told and watermark_us is not None else ALWAYS_US
        if self._told:
            _LOG.info("rules %s: %s", found.version, ", ".join(rule.id for rule in found.rules))
        return encode_change(RulesChange(since_us, found, self._sequence() + 1))

    def _sequence(self) -> int:
        return decode_change(self._told).sequence if self._told else 0

    def _next(self, *, is_idle: bool) -> RuleSet | RuleError | None:
        """Return what comes next; the rules of a new stream only with others, or when it has begun.

        The steps have them from the beginning. A stream that fails at its first message has written nothing then.
        """
        if self._found is None and self._watch is not None:
            self._found = self._watch.take()
        rules = self._at_start
        if rules is not None and not self._told and is_idle and self._found is None:
            return None
        self._at_start = None
        if rules is not None and not (self._told and decode_change(self._told).rules.version == rules.version):
            return rules
        found, self._found = self._found, None
        return found
