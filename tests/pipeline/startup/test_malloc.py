"""Memory that is freed is kept for the next batch, seen by how often the system has to give a page."""

import subprocess
import sys

from tests.support import needs

FAULTS = """
import resource, sys
from pipeline.startup.malloc import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    blocks = [b"x" * (1_000_000 + number) for number in range(10)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, check=True).stdout)


@needs.MALLOPT.mark
def test_freed_memory_is_used_again() -> None:
    assert faults("kept") < faults("given back") / 10
