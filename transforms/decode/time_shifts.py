"""Read from the attributes of messages by how much a replay has shifted their times."""

from collections.abc import Mapping

import numpy as np

from telemetry.arrays import BoolArray, IntArray
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import TIME_LAPSE, TIME_SHIFT
from telemetry.text.timestamps import MICROS


def shifts_of(messages: MessageBatch) -> tuple[IntArray, BoolArray, dict[int, str]]:
    """Return what the attributes of N messages say of their times.

    Returns:
        (N,) microseconds added to each ts; (N,) whether the replay shifts or speeds up time; by message the error of an
        attribute that is no number.
    """
    shift, exempt = np.zeros(len(messages), np.int64), np.zeros(len(messages), np.bool_)
    broken: dict[int, str] = {}
    for index, attributes in enumerate(messages.attributes):
        if TIME_SHIFT in attributes:
            exempt[index] = True
            try:
                shift[index] = shift_of(attributes)
            except RejectionError as unusable:
                broken[index] = unusable.error
        elif TIME_LAPSE in attributes:
            exempt[index] = True
    return shift, exempt, broken


def shift_of(attributes: Mapping[str, str]) -> int:
    """Return the microseconds that the attributes of a message add to each ts.

    Raises:
        RejectionError: bad_timestamp, if the attribute is not a number of seconds.
    """
    text = attributes.get(TIME_SHIFT, "0")
    try:
        microseconds = float(text) * MICROS
    except ValueError:
        microseconds = float("nan")
    if not abs(microseconds) < 2**60:
        raise RejectionError(Reason.BAD_TIMESTAMP, f"attribute {TIME_SHIFT} {text[:80]!r} is no number of seconds")
    return round(microseconds)
