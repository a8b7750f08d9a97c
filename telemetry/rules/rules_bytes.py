"""Encode rules as versioned bytes: for the state of a stream, and as text that people can read beside its results."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Condition
from telemetry.rules.errors import RuleError
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule, Severity
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelf import Shelf

_FORMAT: Final = 1


class _Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fields of a `Rule`."""

    id: str
    metric: str
    condition: Condition
    severity: Severity = "warning"
    devices: tuple[str, ...] = ("*",)
    except_: tuple[str, ...] = ()
    for_us: int = 0
    keep_us: int = 0
    max_gap_us: int | None = None
    overrides: dict[str, Bounds] = {}
    line: int = 0


class _Rules(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The fields of a `RuleSet`; a format that is not understood is refused before anything else is read."""

    format: Annotated[int, Meta(ge=_FORMAT, le=_FORMAT)]
    rules: tuple[_Rule, ...]
    incidents: IncidentPolicy = IncidentPolicy()
    roster: Roster | None = None
    shelves: tuple[Shelf, ...] = ()


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Rules)
_FIELDS: Final = _Rule.__struct_fields__


def encode_rules(rules: RuleSet) -> bytes:
    """Return rules as JSON, with everything that their file and the files it names say; durations in microseconds."""
    plain = tuple(_Rule(**{name: getattr(rule, name) for name in _FIELDS}) for rule in rules.rules)
    return _ENCODER.encode(
        _Rules(format=_FORMAT, rules=plain, incidents=rules.incidents, roster=rules.roster, shelves=rules.shelves)
    )


def decode_rules(content: bytes | str) -> RuleSet:
    """Return the rules that were encoded.

    Raises:
        RuleError: if it is no such text, or one of another version of the job.
    """
    try:
        plain = _DECODER.decode(content)
    except msgspec.MsgspecError as error:
        raise RuleError(f"stored rules: {error}") from error
    rules = [Rule(**{name: getattr(rule, name) for name in _FIELDS}) for rule in plain.rules]
    return RuleSet(rules, plain.incidents, plain.roster, plain.shelves)
