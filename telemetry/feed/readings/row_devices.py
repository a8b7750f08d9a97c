"""Read the devices of rows."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from telemetry.arrays import CodeArray
from telemetry.feed.feed import DeviceFields
from telemetry.feed.files.messages import file_name
from telemetry.feed.readings.feed_rows import Envelope
from telemetry.model.messages import FILE

NO_DEVICE: Final = -1
"""Code of a row without a device."""
_LONGEST_SHOWN: Final = 80


class RowDevices(NamedTuple):
    """Devices of N rows.

    Attributes:
        names: distinct names.
        code: (N,) index into `names`, or `NO_DEVICE`.
        problems: why the others have none, by the index of the row; a row that is not here has no text at all.
    """

    names: tuple[str, ...]
    code: CodeArray
    problems: dict[int, str]


class DeviceReader:
    """Reads the devices of the rows of a feed.

    Args:
        fields: those of `device`.
    """

    def __init__(self, fields: DeviceFields) -> None:
        """Compile the pattern."""
        self._fields = fields
        self._match = re.compile(fields.match) if fields.match else None

    @property
    def column(self) -> str:
        """The column or path of the device; "" if it is known of a payload as a whole."""
        fields = self._fields
        return "" if fields.attribute or fields.file or fields.name else fields.column

    @property
    def name(self) -> str:
        """How people know the device of this feed."""
        return self.column or self._fields.attribute or "device"

    def of_payloads(self, envelopes: Sequence[Envelope], payload: CodeArray) -> RowDevices:
        """Return the devices of rows whose payload names it.

        Args:
            envelopes: of the payloads.
            payload: (N,) index of the payload of each row.
        """
        return self._named([self._text(envelope) for envelope in envelopes], payload)

    def of_names(self, names: pa.DictionaryArray) -> RowDevices:
        """Return the devices of a column of CSV."""
        return self._named(names.dictionary.to_pylist(), names.indices.to_numpy(zero_copy_only=False).astype(np.int32))

    def of_values(self, values: Sequence[object]) -> RowDevices:
        """Return the devices of values of records: texts, and whole numbers."""
        texts = [value if isinstance(value, str) else _name_of(value) for value in values]
        index = {text: code for code, text in enumerate(dict.fromkeys(texts))}
        return self._named(tuple(index), np.fromiter(map(index.__getitem__, texts), np.int32, len(texts)))

    def _text(self, envelope: Envelope) -> str:
        fields = self._fields
        if fields.name:
            return fields.name
        if fields.attribute:
            return envelope.attributes.get(fields.attribute, "")
        return name_of_file(envelope.attributes.get(FILE, ""))

    def _named(self, texts: Sequence[str], code: CodeArray) -> RowDevices:
        """Return devices by their texts, each without the blanks around it, and as the pattern finds it."""
        names: dict[str, int] = {}
        mapping = np.full(max(len(texts), 1), NO_DEVICE, np.int32)
        refused: dict[int, str] = {}
        for place, text in enumerate(texts):
            name, problem = self._name(text)
            if name:
                mapping[place] = names.setdefault(name, len(names))
            elif problem:
                refused[place] = problem
        codes = mapping[code]
        if not refused:
            return RowDevices(tuple(names), codes, {})
        lost = np.flatnonzero(np.isin(code, list(refused)))
        return RowDevices(tuple(names), codes, {int(row): refused[int(code[row])] for row in lost})

    def _name(self, text: str) -> tuple[str, str]:
        """Return the device in a text, or why there is none."""
        stripped = text.strip()
        try:
            stripped.encode()
        except UnicodeEncodeError:
            return "", "device holds an unpaired surrogate"
        if self._match is None or not stripped:
            return stripped, ""
        found = self._match.search(stripped)
        name = (found[1] or "").strip() if found is not None else ""
        shown = stripped[:_LONGEST_SHOWN]
        return name, "" if name else f"device {shown!r} does not match {self._match.pattern!r}"


def name_of_file(path: str) -> str:
    """Return the name of a file without its folder and its ending, as of ``in/room-1.0.csv.gz``: ``room-1.0``."""
    return PurePosixPath(file_name(path)).stem


def _name_of(value: object) -> str:
    """Return the name that a value of a record stands for: whole numbers are names as well."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(int(value)) if float(value).is_integer() else str(value)
