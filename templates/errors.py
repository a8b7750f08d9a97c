"""Define the failure of the template's commands."""

from telemetry.errors import TelemetryError


class TemplateError(TelemetryError):
    """Metadata or a spec that is invalid or out of date, or a command that failed."""
