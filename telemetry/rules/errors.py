"""Report rules files that cannot be used."""

from telemetry.errors import TelemetryError


class RuleError(TelemetryError):
    """A rules file that cannot be used; the text names the line, the rule and the field."""

    def __init__(self, problem: str, line: int = 0, file: str = "") -> None:
        """Say where the problem is, as far as that is known.

        Args:
            problem: the rule, the field and what is wrong, on one line.
            line: number of the line, from 1; 0 for none.
            file: the file that the line belongs to, if it is not the rules file.
        """
        where = " ".join(part for part in (file, f"line {line}" if line else "") if part)
        super().__init__(f"{where}: {problem}" if where else problem)
        self.line = line
