"""Write the job's log lines as text, or as one JSON object each for log collectors; never one for each element."""

import json
import logging
import sys
import uuid
from typing import Final

from pipeline.config import JobConfig
from telemetry.text.timestamps import format_time

_QUIET: Final = logging.CRITICAL + 1
_QUIET_LEVELS: Final = {
    "pipeline": logging.ERROR,
    "pipeline.beam_patches": logging.WARNING,
    "pipeline.rules": logging.INFO,
    "apache_beam": _QUIET,
}
"""Levels without ``--verbose``: libraries log the errors that they raise, and the job reports each in one line. Whoever
changes the rules of a running stream waits for a line."""
_SEVERITIES: Final = {logging.WARNING: "WARNING", logging.ERROR: "ERROR", logging.CRITICAL: "CRITICAL"}


class JsonFormatter(logging.Formatter):
    """Formatter of log lines as JSON objects, with the fields of Cloud Logging (``time``, ``severity``, ``message``).

    Args:
        fields: added to every line.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        """Keep the fields of every line."""
        super().__init__()
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception is appended to the message."""
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        content = {
            "time": format_time(int(record.created * 1e6)),
            "severity": _SEVERITIES.get(record.levelno, "INFO" if record.levelno >= logging.INFO else "DEBUG"),
            "logger": record.name,
            "message": message,
        }
        return json.dumps(content | self._fields, ensure_ascii=False)


def set_up(config: JobConfig) -> None:
    """Send log lines to standard error in the format of the flags; must be called before Beam sets up logging."""
    handler = logging.StreamHandler(sys.stderr)
    if config.log_format == "json":
        handler.setFormatter(JsonFormatter(fields_of(config)))
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if config.verbose else _QUIET, handlers=[handler], force=True)
    for name, level in _QUIET_LEVELS.items():  # a job of this process before may have been quiet
        logging.getLogger(name).setLevel(logging.NOTSET if config.verbose else level)


def fields_of(config: JobConfig) -> dict[str, str]:
    """Return the fields that identify one run of the job."""
    return {"job_run": uuid.uuid4().hex[:12], "rules_version": config.rules.version}
