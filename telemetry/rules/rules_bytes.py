"""Encode rules as versioned bytes: for the state of a stream, and as text that people can read beside its results."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from telemetry.rules.errors import RuleError
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelf import Shelf

_FORMAT: Final = 1


class _Rules(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The fields of a `RuleSet`; a format that is not understood is refused before anything else is read.

    A field of `Rule` that gets another name gets another format with it: a test reads the bytes of the first one.
    """

    format: Annotated[int, Meta(ge=_FORMAT, le=_FORMAT)]
    rules: tuple[Rule, ...]
    incidents: IncidentPolicy = IncidentPolicy()
    roster: Roster | None = None
    shelves: tuple[Shelf, ...] = ()


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Rules)


def encode_rules(rules: RuleSet) -> bytes:
    """Return rules as JSON, with everything that their file and the files it names say; durations in microseconds."""
    return _ENCODER.encode(
        _Rules(
            format=_FORMAT,
            rules=rules.rules,
            incidents=rules.incidents,
            roster=rules.roster,
            shelves=rules.shelves,
        )
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
    return RuleSet(plain.rules, plain.incidents, plain.roster, plain.shelves)
