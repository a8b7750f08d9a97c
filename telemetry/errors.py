"""Define the failures that this project expects."""


class TelemetryError(Exception):
    """Base of every expected failure; its text is one line for a person."""


class ConfigError(TelemetryError):
    """Bad configuration; found before anything runs and reported in one line with exit code 2."""

    def __init__(self, flag: str, value: object, problem: str) -> None:
        """Name the flag (``--window``), the offending value and what is wrong with it."""
        super().__init__(f"{flag} {value}: {problem}" if value not in ("", None) else f"{flag}: {problem}")
        self.flag = flag
        self.value = value
        self.problem = problem


class OutputError(TelemetryError):
    """A result that cannot be written; the job fails, and the results that it had not written are computed again."""


class InputChangedError(TelemetryError):
    """Input that is not any more as the job has read it; the job fails, and another run reads it anew."""


class NothingUsableError(TelemetryError):
    """A run that read its whole input and could not use any row; reported in one line with exit code 3."""
