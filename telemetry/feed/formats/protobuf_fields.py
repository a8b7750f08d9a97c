"""Turn messages of Protocol Buffers into dicts."""

import base64
from typing import Any, Final

from telemetry.feed.formats.plain import Budget

_WRAPPER: Final = "Value"
_TEXTUAL: Final = ("google.protobuf.Timestamp", "google.protobuf.FieldMask")
_JSON: Final = ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")


class MessageReader:
    """Reads the fields of messages within a budget of values: sub-messages of two bytes can have many fields."""

    def __init__(self, budget: Budget) -> None:
        """Take the budget of the payload."""
        self._budget = budget

    def fields_of(self, message: Any) -> dict[str, Any]:
        """Return all fields by the names in the schema.

        A field with presence that is not set is left out. Enumerations are the names of their values, bytes are base64
        text, timestamps RFC 3339 text and durations seconds; wrappers and Struct are what they hold.

        Raises:
            PlainValueError: if the payload holds too many values.
        """
        fields = message.DESCRIPTOR.fields
        self._budget.spend(len(fields) + 1)
        return {
            field.name: self._value(field, getattr(message, field.name))
            for field in fields
            if not field.has_presence or message.HasField(field.name)
        }

    def _value(self, field: Any, value: Any) -> Any:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            self._budget.spend(len(value))
            inner = field.message_type.fields_by_name["value"]
            return {str(key): self._one(inner, value[key]) for key in value}
        if _is_repeated(field):
            self._budget.spend(len(value))
            return [self._one(field, one) for one in value]
        return self._one(field, value)

    def _one(self, field: Any, value: Any) -> Any:
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            return value if known is None else known.name
        if isinstance(value, bytes):
            return base64.b64encode(value).decode("ascii")
        return value if field.message_type is None else self._message(value)

    def _message(self, message: Any) -> Any:
        name = message.DESCRIPTOR.full_name
        if name in _TEXTUAL:
            return message.ToJsonString()
        if name == "google.protobuf.Duration":
            return message.seconds + message.nanos / 1e9
        if name in _JSON:
            from google.protobuf import json_format

            self._budget.spend(message.ByteSize())
            return json_format.MessageToDict(message)
        if name.startswith("google.protobuf.") and name.endswith(_WRAPPER):
            return self._one(message.DESCRIPTOR.fields_by_name["value"], message.value)
        return self.fields_of(message)


def _is_repeated(field: Any) -> bool:
    """Return whether a field is a list; old releases of the library say it by a label that new ones deprecate."""
    repeated = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if repeated is None else repeated)
