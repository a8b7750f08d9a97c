"""Describe rules files to editors, as a JSON Schema."""

import json
from typing import Any, Final

import msgspec

from telemetry.rules.file_format import FileFields

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def rules_schema() -> dict[str, Any]:
    """Return the schema of rules files.

    It accepts every valid file. Mistakes that no schema can describe, such as a `clear` on the wrong side of its bound,
    are left to ``telemetry rules check``.
    """
    return {"$schema": DIALECT, "title": "Rules of iot-telemetry-anomalies", **msgspec.json.schema(FileFields)}


def rules_schema_text() -> str:
    """Return the schema as indented JSON, with a newline at its end."""
    return json.dumps(rules_schema(), indent=2, ensure_ascii=False) + "\n"
