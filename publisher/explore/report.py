"""Define the report of `explore`: the object of ``--json``, also shown as text. Times are RFC 3339 UTC."""

import msgspec


class RowCounts(msgspec.Struct, frozen=True):
    """Numbers of lines by result: rows = readings + without_time + without_device + unreadable."""

    rows: int
    """Rows that have the columns of their header, or can be fitted to it."""
    readings: int
    """Rows that the job decodes."""
    without_time: int
    """Rows whose ts is missing, unreadable or not between 1970 and 2100."""
    without_device: int
    """Rows with a time but no device."""
    unreadable: int
    """Rows with both that are too long."""
    odd_lines: int
    """Lines that cannot be fitted to their header."""
    repeated: int
    """Rows identical to the row before them."""


class GapEntry(msgspec.Struct, frozen=True):
    """An interval without readings."""

    seconds: float
    start: str
    end: str
    device: str | None = None
    """Device without readings; None if no device has readings."""


class TimeSpan(msgspec.Struct, frozen=True):
    """Event times of the readings, in the order of the input."""

    first_time: str | None
    last_time: str | None
    seconds: float
    out_of_order: int
    """Readings with an earlier time than the one before them."""
    furthest_back_seconds: float
    """Largest step back in time from a reading to the next."""
    gaps: list[GapEntry]
    """Longest first."""
    device_gaps: list[GapEntry]
    """Gaps between readings of the same device, longest first."""


class DeviceEntry(msgspec.Struct, frozen=True):
    """Summary of one device."""

    device: str
    readings: int
    share: float
    """Fraction of all readings, 0 to 1."""
    usual_interval_seconds: float | None
    """Median interval between readings, accurate to 5 %; None for a single reading."""
    longest_gap_seconds: float
    out_of_order: int
    first_time: str
    last_time: str


class MetricEntry(msgspec.Struct, frozen=True):
    """Summary of one column other than ts and device."""

    metric: str
    unit: str | None
    values: int
    """Readings with a number, which min, mean and max describe."""
    missing: int
    """Readings with an empty cell or one that says that nothing was measured, or from an input without the column."""
    not_numbers: int
    """Cells that cannot be read and do not say that nothing was measured, in any row."""
    min: float | None
    mean: float | None
    max: float | None


class RuleEntry(msgspec.Struct, frozen=True):
    """Readings that one rule flags."""

    rule_id: str
    severity: str
    condition: str
    readings: int
    share: float
    """Fraction of all readings, 0 to 1."""
    devices: int
    """Number of devices with flagged readings."""


class NotRead(msgspec.Struct, frozen=True):
    """Rows, or values of a metric, that cannot be read for one reason."""

    reason: str
    """Reason of the dead letters; for values the metric and what is wrong."""
    count: int
    example: str


class Preview(msgspec.Struct, frozen=True):
    """How foreign telemetry is read."""

    feed: str
    """The feed, as YAML."""
    questions: list[str]
    """Questions about the feed that only a person can answer."""
    first: list[dict[str, str]]
    """The first readings: time, device and each metric that has a value."""
    rejected: list[NotRead]
    """Rows that become dead letters."""
    unread: list[NotRead]
    """Values that are missing because they cannot be read."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """Report of `explore`."""

    inputs: list[str]
    counts: RowCounts
    time: TimeSpan
    device_count: int
    devices: list[DeviceEntry]
    """Devices with the most readings, in descending order."""
    metrics: list[MetricEntry]
    rules_version: str
    rules: list[RuleEntry]
    flagged: int
    """Readings that at least one rule flags."""
    read_as: Preview | None = None
    """How foreign telemetry is read; None for CSV in the canonical form."""
