"""Read how incidents behave."""

from telemetry.rules.fields import Fields
from telemetry.rules.file_format import FlappingFields, IncidentFields, field_names
from telemetry.rules.incident_policy import Flapping, IncidentPolicy


def parse_incidents(fields: Fields) -> IncidentPolicy:
    """Return the policy that the fields of `incidents` describe.

    Raises:
        RuleError: if a field is unknown or has no usable value.
    """
    fields.expect(field_names(IncidentFields))
    default = IncidentPolicy()
    flapping = None
    if "flapping" in fields:
        flapping = _flapping(fields.mapping("flapping", "{opens: 5, within: 1h, calm: 1h}"))
    return IncidentPolicy(
        fields.optional_duration("reopen", default.reopen_us),
        fields.optional_duration("update_every", default.update_every_us, 1),
        flapping,
    )


def _flapping(fields: Fields) -> Flapping:
    fields.expect(field_names(FlappingFields))
    return Flapping(fields.whole("opens", 2), fields.duration("within", 1), fields.duration("calm", 1))
