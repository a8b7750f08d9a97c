"""Describe feed files to editors, as a JSON Schema."""

import json
from typing import Any, Final

import msgspec

from telemetry.feed.feed import Feed

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def feed_schema() -> dict[str, Any]:
    """Return the schema of feed files.

    It accepts every valid file. Mistakes that no schema can describe, such as a zone that does not exist, are left to
    ``telemetry feed check``.
    """
    schema = msgspec.json.schema(Feed)
    schema["$defs"][Feed.__name__]["required"] = ["version"]
    return {"$schema": DIALECT, "title": "Feed of iot-telemetry-anomalies", **schema}


def feed_schema_text() -> str:
    """Return the schema as indented JSON, with a newline at its end."""
    return json.dumps(feed_schema(), indent=2, ensure_ascii=False) + "\n"


def described_fields(fields: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """Return name and meaning of each field of a feed, or of one of its parts, in order."""
    properties = msgspec.json.schema(fields)["$defs"][fields.__name__]["properties"]
    return [
        (field.encode_name, properties[field.encode_name]["description"]) for field in msgspec.structs.fields(fields)
    ]
