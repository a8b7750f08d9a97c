"""Repeats of bounded input: the first of equal rows stays, however the rows are divided."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.jobs import cut
from transforms.dedup.reading_keys import ReadingKeys
from transforms.dedup.repeated_rows import (
    PARTS,
    NumberedKeys,
    decode_numbered_keys,
    encode_numbered_keys,
    find_repeats,
    join_repeats,
    split_keys,
)

Given = tuple[int, int]
"""Event time and digest."""
KEYS = st.tuples(st.integers(0, 3), st.sampled_from([0, 1, PARTS, PARTS + 1, 2**63, 2**64 - 1]))
PORTIONS = st.lists(st.lists(KEYS, max_size=25), max_size=5)


def numbered(portion: int, first: int, keys: list[Given]) -> NumberedKeys:
    times, digests = np.array([us for us, _ in keys], np.int64), np.array([d for _, d in keys], np.uint64)
    return NumberedKeys(portion, np.arange(first, first + len(keys)), ReadingKeys(times, digests))


def told(block: NumberedKeys) -> list[tuple[int, int, Given]]:
    keys = zip(block.keys.event_us.tolist(), block.keys.digest.tolist(), strict=True)
    return [(block.portion, row, key) for row, key in zip(block.row.tolist(), keys, strict=True)]


@given(PORTIONS, st.lists(st.integers(1, 7), max_size=10), st.randoms(use_true_random=False))
def test_any_cut_and_any_order_of_blocks_equal_a_set(portions, sizes, random):
    parts: dict[int, list[bytes]] = {}
    for portion, keys in enumerate(portions):
        first = 0
        for piece in cut(keys, sizes):
            for part, block in split_keys(numbered(portion, first, piece)):
                parts.setdefault(part, []).append(encode_numbered_keys(block))
            first += len(piece)
    found: dict[int, list[NumberedKeys]] = {}
    for blocks in parts.values():
        random.shuffle(blocks)
        for block in find_repeats(map(decode_numbered_keys, blocks)):
            found.setdefault(block.portion, []).append(decode_numbered_keys(encode_numbered_keys(block)))
    seen: set[Given] = set()
    expected: dict[int, list[tuple[int, int, Given]]] = {}
    for portion, keys in enumerate(portions):
        for row, key in enumerate(keys):
            if key in seen:
                expected.setdefault(portion, []).append((portion, row, key))
            seen.add(key)
    assert {portion: told(join_repeats(blocks)) for portion, blocks in found.items()} == expected


@given(st.lists(KEYS, min_size=1, max_size=25))
def test_equal_keys_are_in_one_part(keys):
    rows: dict[int, Given] = {}
    for part, block in split_keys(numbered(3, 100, keys)):
        assert (block.keys.digest % np.uint64(PARTS) == part).all()
        assert (np.diff(block.row) > 0).all()
        rows |= {row: key for _, row, key in told(block)}
    assert [rows[row] for row in sorted(rows)] == keys
    assert sorted(rows) == list(range(100, 100 + len(keys)))
