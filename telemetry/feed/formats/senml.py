"""Read SenML in JSON (RFC 8428), with the base fields of a pack resolved into each of its records."""

from collections.abc import Mapping
from typing import Any, Final

from telemetry.feed.formats.json_documents import JsonDocument, read_elements, split_documents
from telemetry.feed.formats.records import BadPart, FeedRecord, keep_whole_if_nothing_read

VERSION: Final = 10
"""Version of SenML that is read, and any before it."""
RELATIVE_BELOW_S: Final = 1 << 28
"""Times below this many seconds are relative to when the pack is received (RFC 8428, section 4.5.3)."""
_VALUES: Final = ("v", "vs", "vb", "vd", "s")
_BASE: Final = ("bn", "bt", "bu", "bv", "bs", "bver")


class SenmlError(ValueError):
    """A pack or record that breaks a rule of RFC 8428."""


class SenmlReader:
    """Reads packs as records with the labels of RFC 8428: n, u, t, and v, vs, vb, vd or s.

    `t` is in seconds since 1970. A time that is relative to the moment at which the pack is received is `relative_t`,
    in seconds; a record without any time has neither. Each record stands for its whole pack, because its own bytes mean
    something else without the base fields.
    """

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records of a payload; a pack of which a record cannot be read is a bad part as well."""
        documents, bad = split_documents(payload)
        records: list[FeedRecord] = []
        for document in documents:
            found, problem = _read_pack(payload, document)
            records += [FeedRecord(value, document.first, document.end) for value in found]
            if problem:
                bad.append(BadPart(document.first, document.end, problem))
        bad.sort(key=lambda part: part.first)
        return keep_whole_if_nothing_read(payload, records, bad)


def _read_pack(payload: bytes, document: JsonDocument) -> tuple[list[dict[str, Any]], str]:
    """Return the resolved records of a pack, and the first problem in it or ""."""
    if isinstance(document.value, dict):
        entries, problem = [document.value], ""
    else:
        records, unusable = read_elements(payload, document.value)
        entries, problem = [record.value for record in records], unusable[0].problem if unusable else ""
    base: dict[str, Any] = {}
    resolved: list[dict[str, Any]] = []
    for entry in entries:
        try:
            base.update(_base_of(entry))
            if any(label in entry for label in _VALUES) or ("bv" in base and "n" in entry):
                resolved.append(_resolve(entry, base))
            elif not any(label in entry for label in _BASE):
                raise SenmlError("a record without a value")
        except SenmlError as error:
            problem = problem or str(error)
            if "bver" in entry:
                return [], problem
    return resolved, problem or ("" if resolved else "a pack without values")


def _base_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    base = {label: entry[label] for label in _BASE if label in entry}
    for label in ("bn", "bu"):
        if label in base and not isinstance(base[label], str):
            raise SenmlError(f"{label} is not text")
    for label in ("bt", "bv", "bs", "bver"):
        if label in base:
            _number(base, label)
    if base.get("bver", VERSION) > VERSION:
        raise SenmlError(f"version {base['bver']}, at most {VERSION} is read")
    return base


def _resolve(entry: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    must = next((label for label in entry if label.endswith("_")), None)
    if must is not None:
        raise SenmlError(f"the label {must[:40]!r} must be understood, and is not")
    value = {label: content for label, content in entry.items() if label not in _BASE}
    name = entry.get("n", "")
    if not isinstance(name, str):
        raise SenmlError("n is not text")
    value["n"] = base.get("bn", "") + name
    if not value["n"]:
        raise SenmlError("a record without a name")
    if "bu" in base:
        value.setdefault("u", base["bu"])
    if "v" in entry or ("bv" in base and not any(label in entry for label in _VALUES)):
        value["v"] = _number(entry, "v") + base.get("bv", 0)
    if "s" in entry:
        value["s"] = _number(entry, "s") + base.get("bs", 0)
    time = value.pop("t", None)
    if time is not None or "bt" in base:
        seconds = base.get("bt", 0) + (0 if time is None else _number(entry, "t"))
        value["t" if seconds >= RELATIVE_BELOW_S else "relative_t"] = seconds
    return value


def _number(fields: Mapping[str, Any], label: str) -> int | float:
    number = fields.get(label, 0)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise SenmlError(f"{label} is not a number")
    return number
