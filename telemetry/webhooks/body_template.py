"""Fill a template of a webhook's body with the fields of a transition.

The language is that of `string.Template`: ``$name`` or ``${name}`` is a field, ``$$`` a dollar, and ``${env:NAME}`` a
variable of the environment. Nothing in it is executed. Values are escaped for JSON: a text stands between quotes of the
template, a number or ``null`` without.
"""

import json
import re
import string
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from telemetry.errors import TelemetryError
from telemetry.model.incident_sentences import sentence
from telemetry.model.records import Incident
from telemetry.text.timestamps import format_time
from telemetry.webhooks.address import AddressError
from telemetry.webhooks.alerts import is_over

_ENVIRONMENT: Final = "env:"
_TIMES: Final = ("event_time", "opened_at", "last_at", "closed_at")
_ODD: Final = 'a "quote" \\ and\na line'
_OPENED: Final = Incident(
    incident_id="0",
    sequence=0,
    state="opened",
    rule_id=_ODD,
    severity="info",
    condition="above",
    device=_ODD,
    metric=_ODD,
    event_time=0,
    opened_at=0,
    last_at=0,
    closed_at=None,
    reason=None,
    value=1.5,
    worst=1.5,
    threshold=1.0,
    threshold_upper=2.0,
    score=9.5,
    expected=0.5,
    spread=0.25,
    why=_ODD,
    readings=1,
    first=True,
    stale=False,
    flapping=False,
    rules_version="v",
)
_CLOSED: Final = msgspec.structs.replace(
    _OPENED,
    state="closed",
    closed_at=9,
    reason="clear",
    **dict.fromkeys(("value", "worst", "threshold", "threshold_upper", "score", "expected", "spread", "why")),
)
FIELDS: Final = (*Incident.__struct_fields__, "status", "event_action", "summary")
"""Names that a template may use: those of the record, and three that are derived from it.

``status`` is firing or resolved, ``event_action`` trigger or resolve, ``summary`` one sentence.
"""


class TemplateTextError(TelemetryError):
    """A template that does not make JSON of every transition."""


class BodyTemplate:
    """Template of the body of a request that tells one transition."""

    def __init__(self, text: str) -> None:
        """Check a template.

        Raises:
            TemplateTextError: if it is invalid, uses a name that is no field, or does not make JSON.
        """
        self._template = _Template(text)
        try:
            identifiers = self._template.get_identifiers()
            self._template.substitute(dict.fromkeys(identifiers, ""))
        except ValueError as error:
            problem = str(error).replace("Invalid placeholder in string", "no field and no variable behind a $")
            raise TemplateTextError(problem) from error
        names = [name for name in identifiers if not name.startswith(_ENVIRONMENT)]
        unknown = next((name for name in names if name not in FIELDS), None)
        if unknown is not None:
            raise TemplateTextError(f"${unknown}: no field, there are {', '.join(sorted(FIELDS))}")
        self.variables = tuple(name.removeprefix(_ENVIRONMENT) for name in identifiers if name not in names)
        for sample in (_OPENED, _CLOSED):
            try:
                json.loads(self.fill(sample, dict.fromkeys(self.variables, "x")), parse_constant=_refuse)
            except ValueError as error:
                raise TemplateTextError(f"does not make JSON: {error} (texts need quotes around them)") from error

    def fill(self, transition: Incident, environment: Mapping[str, str]) -> bytes:
        """Return the body that tells a transition.

        Raises:
            AddressError: if a variable is not set.
        """
        missing = next((name for name in self.variables if name not in environment), None)
        if missing is not None:
            raise AddressError(f"the variable {missing} is not set")
        values: dict[str, Any] = msgspec.structs.asdict(transition)
        for name in _TIMES:
            values[name] = None if values[name] is None else format_time(values[name])
        over = is_over(transition)
        values["status"], values["event_action"] = ("resolved", "resolve") if over else ("firing", "trigger")
        values["summary"] = sentence(transition)
        values |= {_ENVIRONMENT + name: environment[name].strip() for name in self.variables}
        return self._template.substitute({name: _escaped(value) for name, value in values.items()}).encode()


class _Template(string.Template):
    """Template whose names may also be ``env:NAME``, in braces."""

    idpattern = r"(?a:[_a-zA-Z][_a-zA-Z0-9]*)"
    braceidpattern = r"(?a:(?:env:)?[_a-zA-Z][_a-zA-Z0-9]*)"
    flags = re.NOFLAG


def _escaped(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text[1:-1] if isinstance(value, str) else text


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
