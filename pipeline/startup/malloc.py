"""Keep freed memory in the process.

By default the C library of Linux returns blocks of a megabyte, the size of a batch's arrays, to the system and requests
them again, page by page, for the next batch, which takes a tenth of the time of decoding.
"""

import ctypes
import sys
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of malloc.h without their M_
_KEPT: Final = 64 << 20  # bytes at the end of the heap that are kept
_LARGEST: Final = 32 << 20  # bytes of the largest block that is taken from the heap; the C library accepts no more


def keep_freed_memory() -> None:
    """Keep some freed memory for the next batch; do nothing with other C libraries than glibc."""
    if sys.platform != "linux":
        return
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None:
        adjust(_MMAP_THRESHOLD, _LARGEST)
        adjust(_TRIM_THRESHOLD, _KEPT)
