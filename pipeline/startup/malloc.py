"""How this process keeps memory that it has freed.

By default the C library of Linux gives blocks of a megabyte, as the arrays of a batch are, back to the system and gets
them again, page by page, for the next batch: a tenth of the time of decoding.
"""

import ctypes
import sys
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of malloc.h without their M_
_KEPT: Final = 64 << 20  # bytes at the end of the heap that are kept for what comes next
_LARGEST: Final = 32 << 20  # bytes of the largest block that is taken from the heap; more is not accepted


def keep_freed_memory() -> None:
    """Keep some freed memory for the next batch; does nothing where the C library is another one."""
    if sys.platform != "linux":
        return
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None:
        adjust(_MMAP_THRESHOLD, _LARGEST)
        adjust(_TRIM_THRESHOLD, _KEPT)
