"""Define a proposed feed and the reasons for it."""

from dataclasses import dataclass

from telemetry.feed.feed import Feed


@dataclass(frozen=True, slots=True)
class Decision:
    """Reason for one field of a proposed feed.

    Attributes:
        field: its path, such as ``time.column``; ``metrics.`` and a name for a metric. It may have its default.
        confidence: that the field is right, 0 to 1.
        reason: one line.
    """

    field: str
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Feed that is proposed for a sample.

    Attributes:
        name: of the file or source.
        rows: how many rows or records of the sample were looked at.
        feed: the proposal; the canonical form if nothing could be recognised.
        decisions: the reasons, in the order of the fields.
        questions: what only a person can answer, in plain words.
        problems: why no reading can be made of the sample, such as a binary file; empty if some can.
        remarks: about parts that cannot be read, although others can.
        left_out: columns with numbers that are not proposed as metrics, and the reason.
    """

    name: str
    rows: int
    feed: Feed
    decisions: tuple[Decision, ...] = ()
    questions: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    def confidence(self, field: str) -> float:
        """Return the confidence of a field; 1 if there was nothing to decide."""
        return min((one.confidence for one in self.decisions if one.field == field), default=1.0)
