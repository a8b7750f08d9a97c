"""Merge rows that are ordered by time, block by block."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from publisher.replay.order.keyed_lines import KeyedLines, sort_lines


class _Source:
    """Ordered rows of which the first blocks are taken; `block` is the current one."""

    def __init__(self, blocks: Iterable[KeyedLines]) -> None:
        self._blocks = iter(blocks)
        self.block: KeyedLines | None = None

    def fill(self) -> bool:
        """Load the next block if the current one is used up; return whether there is any row."""
        while self.block is None or not len(self.block.keys):
            self.block = next(self._blocks, None)
            if self.block is None:
                return False
        return True

    def take_until(self, bound: int, inclusive: bool) -> KeyedLines:
        """Remove and return the rows of the current block below a bound, or up to it."""
        assert self.block is not None, "filled before"
        block = self.block
        end = int(np.searchsorted(block.keys, bound, side="right" if inclusive else "left"))
        self.block = block.take(end, len(block.keys))
        return block.take(0, end)

    def rest(self) -> Iterator[KeyedLines]:
        """Yield what is left."""
        if self.block is not None:
            yield self.block
        yield from self._blocks


def merge(sources: Sequence[Iterable[KeyedLines]]) -> Iterator[KeyedLines]:
    """Yield the rows of all sources by key; of equal keys, those of the first source come first.

    Each source is ordered by key. One block of each is held at a time. The order does not depend on the blocks.
    """
    active = [source for source in map(_Source, sources) if source.fill()]
    while len(active) > 1:
        ends = [int(source.block.keys[-1]) for source in active if source.block is not None]
        bound = min(ends)
        first = ends.index(bound)  # its next block may begin with the same key, before those of the sources after it
        parts = [source.take_until(bound, number <= first) for number, source in enumerate(active)]
        yield sort_lines([part for part in parts if len(part.keys)])
        active = [source for source in active if source.fill()]
    for source in active:
        yield from source.rest()
