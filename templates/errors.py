"""The template's own kind of failure."""

from telemetry.errors import TelemetryError


class TemplateError(TelemetryError):
    """A template that does not say what it must say, or a command that failed."""
