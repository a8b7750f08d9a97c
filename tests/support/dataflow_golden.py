"""All that a job is compared by when it replaces a running one (--update), frozen in `update_compatible.yaml`.

``python -m tests.support.dataflow_golden`` writes that file anew.
"""

import base64
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from apache_beam.portability.api import beam_runner_api_pb2 as api

from telemetry.model.messages import Message
from telemetry.model.record_batches import from_records
from telemetry.model.records import LedgerEntry
from tests.support.batches import batch_of
from tests.support.dataflow_jobs import EVERYTHING, coder_of_input, stateful, states, timers, transforms, translate
from transforms.dedup.candidates import Candidates, decode_candidates, encode_candidates
from transforms.dedup.key_memory import KeyMemory, decode_key_memory, encode_key_memory
from transforms.dedup.reading_keys import reading_keys
from transforms.dedup.reading_memory import ReadingMemory, decode_reading_memory, encode_reading_memory
from transforms.dedup.shard_readings import decode_readings, encode_readings
from transforms.outputs.waiting_alerts import (
    Waiting,
    decode_failures,
    decode_waiting,
    encode_failures,
    encode_waiting,
)
from transforms.shuffle.record_batch_bytes import decode_record_batch, encode_record_batch
from transforms.windows.aggregate_table import aggregate_batch
from transforms.windows.late import select_rows
from transforms.windows.pane_state import PaneState, decode_pane_state, encode_pane_state
from transforms.windows.partial_aggregate import PartialAggregate, decode_partial, encode_partial
from transforms.windows.table_bytes import decode_table, encode_table
from transforms.windows.window_spec import WindowSpec

PATH: Final = Path(__file__).parents[1] / "dataflow" / "update_compatible.yaml"
HEADER: Final = """\
# Dataflow compares these when a job replaces a running one (--update), with every option on: the names of all
# transforms, and of each stateful step the coders of its input ("beam:coder:" left out), its states and its timers.
# After a change of them running jobs cannot be updated, they must be drained: it needs a line in CHANGELOG.md.
#
# The samples are versioned bytes that a runner keeps in state or on its way to a stateful step, as some version of the
# job wrote them, by kind and format number; no service can compare those. A job must read all of them and write the
# highest format. To change a format give it a new number, go on reading the old one, and add a sample:
# `python -m tests.support.dataflow_golden` writes this file anew, and keeps samples of earlier formats.
"""


@dataclass(frozen=True)
class Kind:
    """A kind of bytes that a runner keeps.

    Attributes:
        example: one thing of the kind.
        encode: to bytes.
        decode: from bytes.
        same_bytes: whether the bytes depend on our code alone; those of Arrow may differ from version to version.
    """

    example: Any
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    same_bytes: bool = True


def kinds() -> dict[str, Kind]:
    """All kinds, by name."""
    batch = batch_of([("a", 0, 50.0, 31.0), ("b", 90_000_000, 51.5, 29.0), ("a", 61_000_000, 49.0, float("nan"))])
    table = aggregate_batch(batch, WindowSpec())
    message = Message(b'{"ts":1,"device":"a"}', {"message_key": "run-1"}, "7", 1_000_000, 5, ("ts", "device"), 2)
    memory = KeyMemory().check([b"0123456789abcdef", b"fedcba9876543210"], [5, 6], 100)[1]
    readings = ReadingMemory().check(reading_keys(batch), 5_000_000, 60_000_000)[1]
    pane_state = PaneState(120_000_000, {0: 2, 60_000_000: 0}, {60_000_000}, {180_000_000}, {0}, 3, True)
    partial = PartialAggregate(table, 90_000_000, select_rows(batch, np.array([0, 2])))
    candidates = Candidates([message, message], [b"0123456789abcdef", None], [1_000_000, 2_000_000])
    records = from_records(LedgerEntry, [LedgerEntry("0f", "run", "decoded", "", 7, 0)])
    return {
        "aggregate table": Kind(table, encode_table, decode_table),
        "pane state": Kind(pane_state, encode_pane_state, decode_pane_state),
        "partial aggregate": Kind(partial, encode_partial, decode_partial),
        "key memory": Kind(memory, encode_key_memory, decode_key_memory),
        "candidates": Kind(candidates, encode_candidates, decode_candidates),
        "reading memory": Kind(readings, encode_reading_memory, decode_reading_memory),
        "readings": Kind(batch, encode_readings, decode_readings),
        "waiting alerts": Kind(Waiting(1_594_512_000_000_000, b"a record batch"), encode_waiting, decode_waiting),
        "failures of a webhook": Kind(7, encode_failures, decode_failures),
        "record batch": Kind(records, encode_record_batch, decode_record_batch, same_bytes=False),
    }


def describe(pipeline: api.Pipeline) -> dict[str, Any]:
    """All that Dataflow compares of a graph."""
    named = transforms(pipeline)
    steps = {
        name: {
            "input": coder_of_input(pipeline, named[name]),
            "states": states(pipeline, step),
            "timers": timers(pipeline, step),
        }
        for name, step in stateful(pipeline).items()
    }
    return {"transforms": list(named), "stateful": steps}


Samples = dict[int, str]
"""Bytes of one kind in base64, by the number of their format."""


def sample_of(kind: Kind) -> Samples:
    """The example of a kind as the job writes it now."""
    content = kind.encode(kind.example)
    return {content[0]: base64.b64encode(content).decode()}


def check_samples(kind: Kind, samples: Samples) -> None:
    """Fail unless the job reads each sample as the example, and writes the one with the highest number."""
    for number, text in samples.items():
        content = base64.b64decode(text)
        assert content[0] == number, f"the sample of format {number} begins with {content[0]}"
        found = kind.decode(content)
        assert same(found, kind.example), f"format {number} is read as {found}"
    ((written, text),) = sample_of(kind).items()
    assert written == max(samples), f"format {written} is written, format {max(samples)} is the highest sample"
    assert not kind.same_bytes or text == samples[written], f"format {written} is written in another way than before"


def same(one: Any, other: Any) -> bool:
    """Whether two examples are alike in type and content, down to the arrays in them."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))
    return bool(one == other)


def frozen() -> dict[str, Any]:
    """The content of the file."""
    content: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return content


def rendered(content: dict[str, Any]) -> str:
    """The text of the file."""
    return HEADER + yaml.safe_dump(content, sort_keys=False, width=120)


def regenerate() -> None:
    """Write the file as the job is now."""
    before = frozen()["samples"] if PATH.exists() else {}
    samples = {name: before.get(name, {}) | sample_of(kind) for name, kind in kinds().items()}
    content = {**describe(translate(*EVERYTHING)), "samples": samples}
    PATH.write_text(rendered(content), encoding="utf-8")


if __name__ == "__main__":
    regenerate()
    print(f"wrote {PATH.name}: running jobs cannot be updated to names or coders that changed; see its first lines")
