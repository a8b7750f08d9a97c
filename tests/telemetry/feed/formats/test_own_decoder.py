import datetime

import numpy as np
import pytest

from telemetry.feed.formats.readers import record_reader
from telemetry.feed.formats.records import BadPart, FeedFormatError, FeedRecord


def decode(payload: bytes):
    """Read two bytes a record: the number of the device and a temperature."""
    for device, temp in zip(payload[::2], payload[1::2], strict=True):
        yield {
            "device": f"d{device}",
            "temp": np.float32(temp) / 2,
            "at": datetime.datetime(2020, 7, 12),
            "raw": b"\x01",
        }


def wrong(payload: bytes):
    match payload:
        case b"none":
            return []
        case b"list":
            return [{"a": 1}, [2]]
        case b"type":
            return [{"a": object()}]
        case b"self":
            looped: dict[str, object] = {}
            looped["a"] = looped
            return [looped]
        case b"exit":
            raise SystemExit
        case _:
            return 5


class Decoders:
    decode = staticmethod(decode)


@pytest.mark.parametrize("name", ["decode", "Decoders.decode"])
def test_a_function_reads_payloads(name):
    records, bad = record_reader(f"{__name__}:{name}").read(b"\x01\x2b\x02\x2c")
    at = "2020-07-12T00:00:00"
    assert records == [
        FeedRecord({"device": "d1", "temp": 21.5, "at": at, "raw": "AQ=="}, 0, 4),
        FeedRecord({"device": "d2", "temp": 22.0, "at": at, "raw": "AQ=="}, 0, 4),
    ]
    assert type(records[0].value["temp"]) is float
    assert bad == []


@pytest.mark.parametrize(
    ("name", "payload", "problem"),
    [
        ("decode", b"abc", "ValueError: zip() argument 2 is shorter than argument 1"),
        ("wrong", b"none", "returned no record"),
        ("wrong", b"list", "returned list and not a dict"),
        ("wrong", b"type", "PlainValueError: a value of type object"),
        ("wrong", b"self", "PlainValueError: nested too deeply"),
        ("wrong", b"5", "TypeError: 'int' object is not iterable"),
    ],
)
def test_a_failure_costs_one_payload(name, payload, problem):
    records, bad = record_reader(f"{__name__}:{name}").read(payload)
    assert records == []
    (part,) = bad
    assert (part.first, part.end) == (0, len(payload))
    assert part.problem.endswith(problem)
    assert part.problem.startswith(f"{__name__}:{name}")
    assert isinstance(part, BadPart)


def test_a_decoder_may_end_the_process():
    with pytest.raises(SystemExit):
        record_reader(f"{__name__}:wrong").read(b"exit")


@pytest.mark.parametrize(
    "name", ["nowhere:f", f"{__name__}:nothing", f"{__name__}:__name__", "os:", ":f", "json:loads:x"]
)
def test_a_name_that_is_no_function_is_refused(name):
    with pytest.raises(FeedFormatError, match="format"):
        record_reader(name)
