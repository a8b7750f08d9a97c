"""What a running job is replaced by (--update): its names and what it keeps, frozen in `update_compatible.yaml`.

``python -m tests.support.dataflow_golden`` writes that file anew.
"""

import base64
import dataclasses
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import yaml
from apache_beam.coders import FastPrimitivesCoder, PickleCoder
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.utils.timestamp import Timestamp

from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records
from telemetry.model.records import LedgerEntry
from tests.support.batches import batch_of
from tests.support.dataflow_jobs import EVERYTHING, coder_of_input, stateful, states, timers, transforms, translate
from transforms.dedup.drop_duplicates import _Candidates
from transforms.dedup.key_memory import KeyMemory, decode_key_memory, encode_key_memory
from transforms.windows.aggregate_table import AggregateTable, aggregate_batch
from transforms.windows.pane_state import PaneState, decode_pane_state, encode_pane_state
from transforms.windows.stateful_windows import PartialAggregate

PATH: Final = Path(__file__).parents[1] / "dataflow" / "update_compatible.yaml"
HEADER: Final = """\
# What Dataflow compares when a job replaces a running one (--update), with every option on: the names of all
# transforms, and of each stateful step the coders of its input ("beam:coder:" left out), its states and its timers.
# Then what no service can compare, since it is pickled: the fields of what is kept or on its way, in their order, and
# a sample of each as an earlier version wrote it. After a change of this file running jobs cannot be updated, they must
# be drained: it needs a line in CHANGELOG.md. `python -m tests.support.dataflow_golden` writes it anew.
"""
WRITTEN: Final = (AggregateTable, PartialAggregate, ReadingBatch, Message, _Candidates, PaneState, KeyMemory)
"""Classes of what is kept in state, or is between steps while a job is replaced."""


def describe(pipeline: api.Pipeline) -> dict[str, Any]:
    """What Dataflow compares of a graph."""
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


def fields() -> dict[str, list[str]]:
    """Names of the fields of all that is written, in the order in which they are pickled."""
    return {f"{one.__module__}.{one.__qualname__}": _names(one) for one in WRITTEN}


def _names(one: Any) -> list[str]:
    return list(one.__struct_fields__) if issubclass(one, msgspec.Struct) else [f.name for f in dataclasses.fields(one)]


def examples() -> dict[str, Any]:
    """One of each thing that is kept or on its way."""
    batch = batch_of([("a", 0, 50.0, 31.0), ("b", 90_000_000, 51.5, 29.0), ("a", 61_000_000, 49.0, float("nan"))])
    table = aggregate_batch(batch, 60_000_000)
    message = Message(b'{"ts":1,"device":"a"}', {"message_key": "run-1"}, "7", 1_000_000)
    seen = KeyMemory().meet([b"0123456789abcdef", b"fedcba9876543210"], [5, 6], 100)[1]
    return {
        "table": table,
        "pane log": PaneState(120_000_000, {0: 2, 60_000_000: 0}, {60_000_000}, 3, True),
        "seen": seen,
        "arrival": PartialAggregate(table, 90_000_000, batch),
        "candidates": _Candidates([message], [b"0123456789abcdef"], [Timestamp(1)]),
        "message": message,
        "records": from_records(LedgerEntry, [LedgerEntry("0f", "run", "decoded", "", 7, 0)]),
    }


_CODECS: Final = {
    "table": (PickleCoder().encode, PickleCoder().decode),
    "pane log": (encode_pane_state, decode_pane_state),
    "seen": (encode_key_memory, decode_key_memory),
}
_ANY: Final = (FastPrimitivesCoder().encode, FastPrimitivesCoder().decode)


def encode(name: str, example: Any) -> str:
    """An example as the job writes it, in base64."""
    return base64.b64encode(_CODECS.get(name, _ANY)[0](example)).decode()


def decode(name: str, text: str) -> Any:
    """An example as the job reads it."""
    return _CODECS.get(name, _ANY)[1](base64.b64decode(text))


def same(one: Any, other: Any) -> bool:
    """Whether two examples are alike in type and content, down to the arrays in them."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, name), getattr(other, name)) for name in _names(type(one)))
    return bool(one == other)


def frozen() -> dict[str, Any]:
    """What the file says."""
    content: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return content


def rendered(content: dict[str, Any]) -> str:
    """The text of the file."""
    return HEADER + yaml.safe_dump(content, sort_keys=False, width=120)


def regenerate() -> None:
    """Write the file as the job is now."""
    samples = {name: encode(name, example) for name, example in examples().items()}
    content = {**describe(translate(*EVERYTHING)), "fields": fields(), "samples": samples}
    PATH.write_text(rendered(content), encoding="utf-8")


if __name__ == "__main__":
    regenerate()
    print(f"wrote {PATH.name}: running jobs cannot be updated to what has changed in it; add a line to CHANGELOG.md")
