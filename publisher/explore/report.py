"""What was found, as values: the object of ``--json``, and what the text shows. Times are RFC 3339 UTC."""

import msgspec


class RowCounts(msgspec.Struct, frozen=True):
    """What became of the lines: rows = readings + without_time + without_device + unreadable."""

    rows: int
    """Rows that fit their header."""
    readings: int
    """Rows that the job would decode."""
    without_time: int
    """Rows whose ts is missing, unreadable, or not between 1970 and 2100."""
    without_device: int
    """Rows with a time but no device."""
    unreadable: int
    """Rows with both, but a cell of a decoded metric that is no number, or too long to be read."""
    odd_lines: int
    """Lines that fit no header."""
    repeated: int
    """Rows that are exactly the row before them."""


class GapEntry(msgspec.Struct, frozen=True):
    """A time without readings."""

    seconds: float
    start: str
    end: str
    device: str | None = None
    """None: of all devices."""


class TimeSpan(msgspec.Struct, frozen=True):
    """When the readings were taken, in the order of the input."""

    first_time: str | None
    last_time: str | None
    seconds: float
    out_of_order: int
    """Readings that are earlier than the one before them."""
    furthest_back_seconds: float
    """Longest step back in time from a reading to the next."""
    gaps: list[GapEntry]
    """Longest first."""
    device_gaps: list[GapEntry]
    """Between readings of the same device, longest first."""


class DeviceEntry(msgspec.Struct, frozen=True):
    """One device."""

    device: str
    readings: int
    share: float
    """Of all readings, 0 to 1."""
    usual_interval_seconds: float | None
    """Median time from one reading to the next, to within 5 %; None if there is no next one."""
    longest_gap_seconds: float
    out_of_order: int
    first_time: str
    last_time: str


class MetricEntry(msgspec.Struct, frozen=True):
    """One column other than ts and device."""

    metric: str
    unit: str | None
    values: int
    """Readings with a number; min, mean and max are theirs."""
    missing: int
    """Readings with an empty cell, or of an input without the column."""
    not_numbers: int
    """Cells that are neither a number nor empty, in any row."""
    min: float | None
    mean: float | None
    max: float | None


class RuleEntry(msgspec.Struct, frozen=True):
    """What one rule would flag."""

    rule_id: str
    severity: str
    condition: str
    readings: int
    share: float
    """Of all readings, 0 to 1."""
    devices: int
    """How many devices have such readings."""


class Report(msgspec.Struct, frozen=True):
    """All that `explore` tells of its inputs."""

    inputs: list[str]
    counts: RowCounts
    time: TimeSpan
    device_count: int
    devices: list[DeviceEntry]
    """Those with the most readings first."""
    metrics: list[MetricEntry]
    rules_version: str
    rules: list[RuleEntry]
    flagged: int
    """Readings that any rule would flag."""
