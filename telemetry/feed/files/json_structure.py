"""Find where JSON documents end, and the elements of arrays, without reading their values."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, IntArray

ByteCodes: TypeAlias = NDArray[np.int8]
_QUOTE, _COMMA, _LINE, _OPEN_OBJECT, _OPEN_ARRAY, _CLOSE_OBJECT, _CLOSE_ARRAY = 1, 2, 3, 4, 5, 6, 7
_KINDS: Final = np.zeros(256, np.int8)  # by byte
_KINDS[np.frombuffer(b'",\n{[}]', np.uint8)] = range(1, 8)
_STEPS: Final = np.zeros(8, np.int64)  # of the depth, by kind
_STEPS[[_OPEN_OBJECT, _OPEN_ARRAY, _CLOSE_OBJECT, _CLOSE_ARRAY]] = (1, 1, -1, -1)
_ESCAPED: Final = re.compile(rb"\\[^\n]")


@dataclass(frozen=True, slots=True, eq=False)
class ScannedBlock:
    """Structure of a block.

    Attributes:
        cuts: (N,) ascending offsets at which a document or an element has ended, or an array has been opened.
        in_array: (N,) whether each of them is in an array that is opened.
        brackets: offsets of the brackets of arrays that are opened.
        objects: ascending offsets at which documents or elements begin that are objects.
    """

    cuts: IntArray
    in_array: BoolArray
    brackets: IntArray
    objects: IntArray


class JsonStructure:
    """Scans a text block by block, wherever the blocks are cut.

    A string ends with its line at the latest, because no line break can be in one, so that a broken string harms no
    other line. A closing bracket outside of all documents is passed over.
    """

    def __init__(self, *, opens_arrays: bool) -> None:
        """Begin outside of any document; arrays that are not within others are opened, or are documents."""
        self._opens_arrays = opens_arrays
        self.restart(in_array=False)

    def restart(self, *, in_array: bool) -> None:
        """Forget what was scanned; what comes next is between documents, or between the elements of an array."""
        self._depth = int(in_array)
        self._in_array = in_array
        self._in_string = False
        self._is_escaped = False

    @property
    def depth(self) -> int:
        """Return how many brackets are open."""
        return self._depth

    def scan(self, block: bytes) -> ScannedBlock:
        """Return the structure of the next block."""
        at, kind = self._outside_strings(block)
        depth, before = self._depths(kind)
        opens = (before == 0) & (depth == 1)
        last = np.maximum.accumulate(np.where(opens, np.arange(len(at)), -1))
        is_list = np.where(last < 0, self._in_array, kind[last] == _OPEN_ARRAY) & self._opens_arrays
        is_list &= np.maximum(depth, before) > 0
        ended = (before == 1) & (depth == 0)
        within = (depth == 1) & is_list & ((kind == _COMMA) | (depth < before))
        within |= opens & is_list
        begins = (kind == _OPEN_OBJECT) & ((before == 0) | ((before == 1) & is_list))
        if len(at):
            self._depth, self._in_array = int(depth[-1]), bool(is_list[-1]) and int(depth[-1]) > 0
        cuts = ended | within
        return ScannedBlock(
            at[cuts] + 1, within[cuts], at[(opens | ended & (kind == _CLOSE_ARRAY)) & is_list], at[begins]
        )

    def _outside_strings(self, block: bytes) -> tuple[IntArray, ByteCodes]:
        """Return where brackets and commas outside of strings are, and their kinds."""
        if self._is_escaped and block and block[0] != ord(b"\n"):
            block = b"_" + block[1:]
        if b"\\" in block:
            block = _ESCAPED.sub(b"__", block)
        self._is_escaped = block.endswith(b"\\")
        kinds: ByteCodes = _KINDS[np.frombuffer(block, np.uint8)]
        at = np.flatnonzero(kinds != 0)
        kind = kinds[at]
        if not len(at):
            return at, kind
        is_inside = np.cumsum(kind == _QUOTE, dtype=np.uint8) + np.uint8(self._in_string)
        is_inside &= 1  # the number of quotes before, modulo 256, is odd in a string
        lines = np.flatnonzero(kind == _LINE)
        if is_inside[lines].any():
            before = np.diff(lines, prepend=0, append=len(at))
            is_inside ^= np.repeat(np.concatenate([np.zeros(1, np.uint8), is_inside[lines]]), before)
        self._in_string = bool(is_inside[-1])
        kept = np.flatnonzero((is_inside == 0) & (kind > _LINE) | (is_inside == 0) & (kind == _COMMA))
        return at[kept], kind[kept]

    def _depths(self, kind: ByteCodes) -> tuple[IntArray, IntArray]:
        """Return how many brackets are open after each one, and before."""
        total = self._depth + np.cumsum(_STEPS[kind])
        depth = total - np.minimum.accumulate(np.minimum(total, 0))
        return depth, np.concatenate([np.array([self._depth]), depth])[:-1]
