"""Define the fields of a file of rule tests, with their meaning, for the parser and the documentation."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from telemetry.rules.rule import Severity


class RuleTestFileFields(Struct, forbid_unknown_fields=True):
    """The fields of a file of rule tests."""

    rules: Annotated[str, Meta(description="the rules file; a relative path leads from the folder of this file")]
    interval: Annotated[str, Meta(description="time between two readings of a device, such as `10s`")]
    tests: Annotated[list[Any], Meta(description="list of at least one test")]


class RuleTestFields(Struct, forbid_unknown_fields=True):
    """The fields of a test."""

    name: Annotated[str, Meta(description="what is tested, unique in the file")]
    series: Annotated[
        list[Any], Meta(description="list of devices with their readings, such as `{device: a, temp: 20x5 31}`")
    ]
    incidents: Annotated[list[Any], Meta(description="list of all incidents that are expected; `[]` for none")]
    start: Annotated[
        str | UnsetType,
        Meta(
            description="time of the first readings, RFC 3339 or seconds since the epoch; without it "
            "`2020-01-01T00:00:00Z`"
        ),
    ] = UNSET
    interval: Annotated[str | UnsetType, Meta(description="instead of that of the file")] = UNSET
    until: Annotated[
        str | UnsetType,
        Meta(description="last time that is judged; without it that of the last reading, be it a missing one"),
    ] = UNSET
    only: Annotated[
        list[str] | UnsetType,
        Meta(description="list of rules whose incidents are compared; all are evaluated. Without it every rule"),
    ] = UNSET


class ExpectedFields(Struct, forbid_unknown_fields=True):
    """The fields of an expected incident."""

    rule: Annotated[str, Meta(description="id of the rule")]
    device: Annotated[str, Meta(description="the device")]
    opened: Annotated[
        str,
        Meta(
            description="its first breaching reading, from which `for` counts; the last reading before a silence; "
            "the end of a window"
        ),
    ]
    closed: Annotated[
        str | UnsetType | None, Meta(description="when it closed; `null`, or left out, for one that is still open")
    ] = UNSET
    noticed: Annotated[str | UnsetType, Meta(description="time of its first transition, when people are told")] = UNSET
    metric: Annotated[
        str | UnsetType,
        Meta(description="the metric; `''` for the silence of a device, and for `all`, `any` and `not`"),
    ] = UNSET
    severity: Annotated[Severity | UnsetType, Meta(description="`info`, `warning` or `critical`")] = UNSET
    worst: Annotated[
        float | UnsetType | None, Meta(description="worst value, as last told; `null` without a bound")
    ] = UNSET
    readings: Annotated[int | UnsetType, Meta(description="number of breaching readings, as last told")] = UNSET
    stale: Annotated[bool | UnsetType, Meta(description="whether the device is silent while it is open")] = UNSET
    flapping: Annotated[bool | UnsetType, Meta(description="whether it flaps")] = UNSET
    reason: Annotated[str | UnsetType | None, Meta(description="why it closed, such as `clear`; else `null`")] = UNSET
