"""Turn the bytes of a sample into text: marks at its beginning, UTF-16, older encodings, bytes of zero."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

MAX_SAMPLE_BYTES: Final = 1_000_000
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY: Final = {
    b"PK\x03\x04": "a zip archive or a spreadsheet (.xlsx)",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PAR1": "Parquet",
    b"Obj\x01": "an Avro file",
    b"ARROW1": "an Arrow file",
    b"\x89HDF": "HDF5 or NetCDF",
    b"CDF": "NetCDF",
    b"MATLAB": "a Matlab file",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1b-\x1d\x7f]")
_MOST_CONTROL: Final = 0.02
_MOST_BROKEN: Final = 0.1  # share of letters beyond ASCII that are no UTF-8, in a text that is UTF-8 otherwise
_WESTERN: Final = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True, slots=True)
class SampleText:
    """Text of a sample.

    Attributes:
        text: without a mark at its beginning and without bytes of zero.
        encoding: that a feed has to name; "" if it is found without.
        confidence: that the encoding is right.
        reason: one line about the encoding.
        problem: why it is no text; "" if it is.
    """

    text: str
    encoding: str = ""
    confidence: float = 1.0
    reason: str = "UTF-8"
    problem: str = ""


def decode_sample(sample: bytes) -> SampleText:
    """Return the text of a sample; a character that is cut at its end is dropped."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            text = _decoded(sample, name).removeprefix("\ufeff")
            return _checked(SampleText(text, reason=f"{name.upper()} by the mark at its beginning"))
    kind = next((kind for begin, kind in _BINARY.items() if sample.startswith(begin)), "")
    if kind and _looks_binary(sample[:1000].decode("latin-1")):
        return SampleText("", problem=f"it is {kind}, not text")
    wide = _wide(sample)
    if wide:
        reason = f"every other byte is zero, as in {wide.upper()} without a mark"
        return _checked(SampleText(_decoded(sample, wide), wide, 0.9, reason))
    zeros = sample.count(0)
    sample = sample.replace(b"\0", b"")
    text = _decoded(sample, "utf-8")
    broken = text.count("\ufffd") - sample.count("\ufffd".encode())
    if not broken:
        reason = f"UTF-8, and {zeros:,} bytes of zero, which are dropped" if zeros else "UTF-8"
        return _checked(SampleText(text, reason=reason))
    whole = sum(letter > "\x7f" for letter in text) - text.count("\ufffd")
    if broken <= _MOST_BROKEN * whole:
        return _checked(SampleText(text, confidence=0.8, reason=f"UTF-8 but for {broken:,} places"))
    return _checked(_western(sample))


def _western(sample: bytes) -> SampleText:
    """Return the text in an encoding of one byte a letter."""
    if _WESTERN.search(sample):
        try:
            text = sample.decode("cp1252")
        except UnicodeDecodeError:
            pass
        else:
            return SampleText(text, "cp1252", 0.7, "no UTF-8, and it has letters that only Windows uses")
    return SampleText(sample.decode("latin-1"), "latin-1", 0.7, "no UTF-8, and Western letters make sense of it")


def _decoded(sample: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(sample)


def _wide(sample: bytes) -> str:
    """Return utf-16-le or utf-16-be if every other byte of most pairs is zero, else ""."""
    head = sample[: 4096 & ~1]
    pairs = len(head) // 2
    if pairs < 2:
        return ""
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        other = head[1 - first :: 2]
        if head[first::2].count(0) > 0.7 * pairs and other.count(0) < 0.1 * pairs:
            return name
    return ""


def _checked(found: SampleText) -> SampleText:
    if _looks_binary(found.text):
        return SampleText("", problem="it is binary, not text: a format such as avro or protobuf has to be said")
    return found


def _looks_binary(text: str) -> bool:
    head = text[:100_000].replace("\0", "")
    controls = len(_CONTROL.findall(head))
    return controls > _MOST_CONTROL * len(head)
