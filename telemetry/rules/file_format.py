"""Define the fields of a rules file as types with their meaning, for editors, the documentation and the parser.

The types describe the text, not its meaning: durations are text, and every condition is a field of the rule. The module
`telemetry.rules.parse` checks what types cannot say, and names lines.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from telemetry.rules.rule import Severity
from telemetry.rules.unusual import Direction, Season, UnusualKind

_DURATION: Final = r"^\s*[0-9]+(\.[0-9]+)?(ms|s|m|h|d)\s*$"
_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_STATISTIC: Final = r"^(mean|min|max|stddev|count|first|last|range|median|p[1-9][0-9]?(\.[0-9]+)?)$"

_Duration = Annotated[str, Meta(pattern=_DURATION)] | UnsetType
_Needed = Annotated[str, Meta(pattern=_DURATION)]
_Number = float | UnsetType
_Range = tuple[float, float] | UnsetType
_Globs = Annotated[list[str], Meta(min_length=1)] | UnsetType
_Name = Annotated[str, Meta(min_length=1)]


def _one_of(*names: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [name]} for name in names]}


_COMPARES: Final = Meta(extra_json_schema=_one_of("above", "below", "outside", "inside"))


class RateFields(Struct, forbid_unknown_fields=True):
    """The fields of `rate`."""

    per: Annotated[_Needed, Meta(description="unit of time of the rate, such as `1m`")]
    above: Annotated[_Number, Meta(description="breached by rates strictly above it")] = UNSET
    below: Annotated[_Number, Meta(description="breached by rates strictly below it; falling is negative")] = UNSET
    clear: Annotated[_Number, Meta(description="rate at which a breach ends; without it the bound")] = UNSET
    over: Annotated[_Duration, Meta(description="time between the two values; without it two readings in a row")] = (
        UNSET
    )


class StuckFields(Struct, forbid_unknown_fields=True):
    """The fields of `stuck`, which may also be the word `learned`."""

    for_: Annotated[_Duration, Meta(description="how long the values must not have moved")] = msgspec.field(
        name="for", default=UNSET
    )
    within: Annotated[
        Annotated[float, Meta(ge=0)] | UnsetType,
        Meta(description="largest difference between the values of that time; without it 0"),
    ] = UNSET
    learn: Annotated[
        _Duration,
        Meta(description="instead of `for`: how long each device is only learned from; `learned` is `1d`"),
    ] = UNSET


class UnusualFields(Struct, forbid_unknown_fields=True):
    """The fields of `unusual`."""

    kind: Annotated[UnusualKind, Meta(description="`jump`, `level`, `drift`, `novel` or `together`")]
    sensitivity: Annotated[
        Annotated[float, Meta(gt=0)] | UnsetType,
        Meta(
            description="score above which a reading breaches; without it 8 (`jump`, `level`), 10 (`drift`), "
            "6 (`together`) or 4"
        ),
    ] = UNSET
    clear: Annotated[
        Annotated[float, Meta(ge=0)] | UnsetType,
        Meta(description="score at which a breach ends; without it half the sensitivity, for `novel` all of it"),
    ] = UNSET
    direction: Annotated[
        Direction | UnsetType,
        Meta(description="`up` or `down` for one side only; not for `novel`, `together`; without it `both`"),
    ] = UNSET
    season: Annotated[
        Season | UnsetType,
        Meta(description="`hour`: what is usual depends on the hour of the day (UTC); for `level`"),
    ] = UNSET
    learn: Annotated[
        _Duration,
        Meta(
            description="time after the first reading of a device without incidents; without it `1d`, `jump` `10m`, "
            "`drift` `6h`"
        ),
    ] = UNSET
    half_life: Annotated[
        _Duration,
        Meta(
            description="time in which a reading loses half its weight; without it `1d`, `jump` `6h`, `drift` `30m`, "
            "`novel` `14d`"
        ),
    ] = UNSET
    window: Annotated[
        _Duration, Meta(description="means of windows are judged instead of readings; for `novel`, with many readings")
    ] = UNSET
    span: Annotated[
        _Duration, Meta(description="half-life of the running mean that is judged, too; for `novel`; without it `1h`")
    ] = UNSET
    metrics: Annotated[
        Annotated[list[_Name], Meta(min_length=2, extra_json_schema={"uniqueItems": True})] | UnsetType,
        Meta(description="those that are judged together; for `together`, in place of the rule's `metric`"),
    ] = UNSET


class SilenceFields(Struct, forbid_unknown_fields=True):
    """The fields of `silence`."""

    for_: Annotated[_Duration, Meta(description="time without a reading")] = msgspec.field(name="for", default=UNSET)
    intervals: Annotated[
        Annotated[float, Meta(ge=1)] | UnsetType,
        Meta(description="instead of `for`: a number of the device's own usual intervals"),
    ] = UNSET
    grace: Annotated[
        _Duration, Meta(description="after the start, for devices of the roster that were never seen; without it `1h`")
    ] = UNSET


class WindowFields(Struct, forbid_unknown_fields=True):
    """The fields of `window`."""

    statistic: Annotated[
        str,
        Meta(
            pattern=_STATISTIC,
            description="`mean`, `min`, `max`, `stddev`, `count`, `first`, `last`, `range`, `median`, or `p1`–`p99.9`",
        ),
    ]
    length: Annotated[_Needed, Meta(description="length of a window of event time")]


class PartFields(Struct, forbid_unknown_fields=True):
    """The fields of a part of `all`, `any` or `not`."""

    metric: Annotated[_Name, Meta(description="one of `--metrics`")]
    above: Annotated[_Number, Meta(description="as in a rule")] = UNSET
    below: Annotated[_Number, Meta(description="as in a rule")] = UNSET
    outside: Annotated[_Range, Meta(description="as in a rule")] = UNSET
    inside: Annotated[_Range, Meta(description="as in a rule")] = UNSET
    clear: Annotated[float | tuple[float, float] | UnsetType, Meta(description="as in a rule")] = UNSET


_Parts = Annotated[list[Annotated[PartFields, _COMPARES]], Meta(min_length=1)] | UnsetType


class RuleFields(Struct, forbid_unknown_fields=True):
    """The fields of a rule."""

    id: Annotated[
        str,
        Meta(pattern=_ID, description="unique; letters, digits, `.`, `_`, `-`, at most 100, first a letter or digit"),
    ]
    metric: Annotated[
        _Name | UnsetType,
        Meta(description="one of `--metrics`; not with `all`, `any`, `not`, `together`; optional with `silence`"),
    ] = UNSET
    above: Annotated[_Number, Meta(description="a number: breached by values strictly above it")] = UNSET
    below: Annotated[_Number, Meta(description="a number: breached by values strictly below it")] = UNSET
    outside: Annotated[_Range, Meta(description="`[low, high]`: breached by values below `low` or above `high`")] = (
        UNSET
    )
    inside: Annotated[
        _Range, Meta(description="`[low, high]`: breached by values from `low` to `high`, bounds included")
    ] = UNSET
    severity: Annotated[Severity | UnsetType, Meta(description="`info`, `warning` (default) or `critical`")] = UNSET
    devices: Annotated[_Globs, Meta(description="list of case-sensitive globs; all devices without it")] = UNSET
    except_: Annotated[_Globs, Meta(description="list of globs of devices that the rule leaves out")] = msgspec.field(
        name="except", default=UNSET
    )
    clear: Annotated[
        float | tuple[float, float] | UnsetType,
        Meta(description="value at which a breach ends, or `[low, high]` of a range; without it the bound"),
    ] = UNSET
    for_: Annotated[_Duration, Meta(description="how long the condition must hold before an incident opens")] = (
        msgspec.field(name="for", default=UNSET)
    )
    keep: Annotated[_Duration, Meta(description="how long it must be clear before the incident closes")] = UNSET
    max_gap: Annotated[_Duration, Meta(description="a longer time without a reading begins `for` anew")] = UNSET
    window: Annotated[
        WindowFields | UnsetType, Meta(description="a statistic of a window is compared instead of each value")
    ] = UNSET
    min_readings: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="fewest values of a `window` that is judged; without it 1"),
    ] = UNSET
    rate: Annotated[
        Annotated[RateFields, Meta(extra_json_schema=_one_of("above", "below"))] | UnsetType,
        Meta(description="the metric rises or falls by more than a bound in a time"),
    ] = UNSET
    stuck: Annotated[
        StuckFields | Literal["learned"] | UnsetType,
        Meta(
            description="the metric does not move for a time, or longer than it ever does: `learned`",
            extra_json_schema={
                "oneOf": [
                    {"type": "string"},
                    {"type": "object", "required": ["for"]},
                    {"type": "object", "required": ["learn"]},
                ]
            },
        ),
    ] = UNSET
    unusual: Annotated[
        UnusualFields | UnsetType, Meta(description="the metric is unusual by what the device taught before")
    ] = UNSET
    silence: Annotated[
        Annotated[SilenceFields, Meta(extra_json_schema=_one_of("for", "intervals"))] | UnsetType,
        Meta(description="the device sends nothing for a time, or nothing of the metric if one is given"),
    ] = UNSET
    all: Annotated[_Parts, Meta(description="list of comparisons of metrics of a device: every one is breached")] = (
        UNSET
    )
    any: Annotated[_Parts, Meta(description="list of comparisons: at least one is breached")] = UNSET
    not_: Annotated[_Parts, Meta(description="list of comparisons: every one is clear")] = msgspec.field(
        name="not", default=UNSET
    )
    within: Annotated[
        _Duration, Meta(description="oldest value that counts in `all`, `any`, `not`; without it `0s`, one reading")
    ] = UNSET


class FlappingFields(Struct, forbid_unknown_fields=True):
    """The fields of `incidents.flapping`."""

    opens: Annotated[int, Meta(ge=2, description="number of openings of a series that makes it flap")]
    within: Annotated[_Needed, Meta(description="time in which they are counted")]
    calm: Annotated[_Needed, Meta(description="time without an opening after which the incident closes")]


class IncidentFields(Struct, forbid_unknown_fields=True):
    """The fields of `incidents`."""

    reopen: Annotated[
        _Duration, Meta(description="an opening this soon after closing continues the incident; without it `0s`")
    ] = UNSET
    update_every: Annotated[
        _Duration, Meta(description="least time between two updates of an open incident; without it `5m`")
    ] = UNSET
    flapping: Annotated[
        FlappingFields | UnsetType, Meta(description="when a series that opens again and again is one incident")
    ] = UNSET


_CONDITIONS: Final = Meta(
    extra_json_schema=_one_of(
        *("above", "below", "outside", "inside", "rate", "stuck", "unusual", "silence", "all", "any", "not"),
    )
)


class FileFields(Struct, forbid_unknown_fields=True):
    """The fields of a rules file."""

    version: Annotated[
        Literal[1, 2], Meta(description="`2`; a file of version `1` has comparisons of single values only")
    ]
    rules: Annotated[
        list[Annotated[RuleFields, _CONDITIONS]], Meta(min_length=1, description="list of at least one rule")
    ]
    roster: Annotated[
        _Name | Annotated[list[_Name], Meta(min_length=1, extra_json_schema={"uniqueItems": True})] | UnsetType,
        Meta(
            description="devices that are expected to send: a list, or a file with one name a line, or a CSV file "
            "with a column `device`"
        ),
    ] = UNSET
    overrides: Annotated[
        _Name | UnsetType,
        Meta(
            description="CSV file with the columns `device`, `rule`, `bound` and, for a range, `upper`: bounds of "
            "single devices"
        ),
    ] = UNSET
    incidents: Annotated[IncidentFields | UnsetType, Meta(description="how the incidents of all rules behave")] = UNSET


def field_names(fields: type[Struct]) -> tuple[str, ...]:
    """Return the names of fields as a file writes them."""
    return fields.__struct_encode_fields__


def described_fields(fields: type[Struct]) -> list[tuple[str, str]]:
    """Return name and meaning of each field, in order."""
    properties = msgspec.json.schema(fields)["$defs"][fields.__name__]["properties"]
    return [(name, properties[name]["description"]) for name in field_names(fields)]
