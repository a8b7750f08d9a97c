"""Define the error of a feed that cannot be used."""

from telemetry.errors import TelemetryError


class FeedError(TelemetryError):
    """A feed that cannot be used; the text names the line and the field, as far as they are known."""

    def __init__(self, problem: str, line: int = 0) -> None:
        """Say what is wrong, on one line, and in which line of the file, from 1; 0 for none."""
        super().__init__(f"line {line}: {problem}" if line else problem)
