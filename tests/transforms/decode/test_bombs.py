"""Check that a small message costs little memory, whatever it holds: each is decoded in a process of its own.

Peak memory is the process's own measure. Without bounds each of these would take gigabytes, so that the margin above
what the imports and the message itself take is a wide one.
"""

import json
import subprocess
import sys

import pytest

MARGIN_MB = 400
PROGRAM = """
import gzip, json, resource, sys
from transforms.decode.decode_spec import DecodeSpec
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter
from transforms.decode.codec import decode_parts
from transforms.ledger.entries import row_count

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def gz(*parts, times=1):
    def content():
        for part, count in parts:
            yield part * count
    return Message(gzip.compress(b"".join(content()), 1), {"content-encoding": "gzip"})

ROW = b'{"ts":1594512000,"device":"a","temp":31}\\n'
LONG = {f"k{n:03d}": "v" * 1_000 for n in range(97)}
NEAR_MB = 60 << 20
BOMBS = {
    "attributes": lambda: [Message(b"x\\n" * 50_000 + ROW, LONG)],
    "attributes of objects": lambda: [Message(b"{}\\n" * 33_000, LONG)],
    "lines of one byte": lambda: [gz((b"x\\n", NEAR_MB // 2))],
    "lines of one byte and a reading": lambda: [gz((b"x\\n", NEAR_MB // 8), (ROW, 1))],
    "rows": lambda: [gz((ROW, 500_000))] * 3,
    "times of 1969": lambda: [gz((b'{"ts":-1,"device":"a"}\\n', 400_000))],
    "blank lines": lambda: [gz((b"\\n", NEAR_MB))],
    "zeros": lambda: [gz((b"\\0", NEAR_MB))],
    "zeros and a reading": lambda: [gz((b"\\0", NEAR_MB), (b"\\n" + ROW, 1))],
    "arrays": lambda: [gz((b"[" + b"[]," * 80_000 + b"1]\\n", 200))],
    "a document": lambda: [Message(b"[\\n" + b"[],\\n" * 500_000 + b"1]")],
    "members": lambda: [Message(gzip.compress(b"") * 400_000 + gzip.compress(ROW), {"content-encoding": "gzip"})],
    "gzip of gzip": lambda: [Message(gzip.compress(gzip.compress(b"x" * NEAR_MB)), {"content-encoding": "gzip"})],
    "binary": lambda: [Message(bytes(range(256)) * 38_000)],
}
messages = BOMBS[sys.argv[1]]()
batch = MessageBatch.of(messages)
made_mb = peak_mb()
rows = letters = rejected = stored = 0
for part in decode_parts(batch, DecodeSpec(("temp",))):
    rows += 0 if part.readings is None else len(part.readings)
    letters += len(part.rejected)
    rejected += sum(row_count(json.loads(letter.attributes)) for letter in part.rejected)
    stored += from_records(DeadLetter, part.rejected).nbytes
result = {"rows": rows, "letters": letters, "rejected": rejected, "stored": stored, "more_mb": peak_mb() - made_mb}
print(json.dumps(result))
"""


def run(bomb: str) -> dict[str, float]:
    command = [sys.executable, "-c", PROGRAM, bomb]
    result: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return result


@pytest.mark.parametrize(
    ("bomb", "rows", "letters", "rejected"),
    [
        ("attributes", 1, 1_001, 50_000),
        ("attributes of objects", 0, 1_001, 33_000),
        ("lines of one byte", 0, 1, 1),
        ("lines of one byte and a reading", 1, None, (60 << 20) // 8),
        ("rows", 1_500_000, 0, 0),
        ("times of 1969", 0, None, 400_000),
        ("blank lines", 0, 1, 1),
        ("zeros", 0, 1, 1),
        ("zeros and a reading", 1, 0, 0),
        ("arrays", 0, 1, 1),
        ("a document", 0, 1, 1),
        ("members", 1, 0, 0),
        ("gzip of gzip", 0, 1, 1),
        ("binary", 0, 1, 1),
    ],
)
def test_a_message_costs_little_memory(bomb: str, rows: int, letters: int | None, rejected: int) -> None:
    found = run(bomb)
    assert (found["rows"], found["rejected"]) == (rows, rejected)
    assert found["letters"] == letters if letters is not None else 1_000 < found["letters"] < 1_100
    assert found["stored"] < 20e6
    assert found["more_mb"] < MARGIN_MB
