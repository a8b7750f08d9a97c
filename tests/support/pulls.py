"""Pulls that were prepared, for streams without a service."""

from pipeline.sources.subscriber import Received
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from tests.support.jobs import ndjson


class Pulls:
    """Hands out pulls that were prepared, as the thread that pulls would."""

    def __init__(self, *pulls: list[Message]) -> None:
        batches = map(MessageBatch.of, pulls)
        self.left = [Received(messages, list(messages.ids)) for messages in batches]
        self.handed_out: list[str] = []
        self.acknowledged: list[str] = []
        self.given_back: list[str] = []
        self.outstanding = self.most_outstanding = 0
        self.failed = None
        self.is_drained = False

    def next(self, timeout_s: float) -> Received | None:
        if not self.left:
            self.is_drained = True
            return None
        received = self.left.pop(0)
        self.handed_out += received.ack_ids
        self.most_outstanding = max(self.most_outstanding, len(self.handed_out) - len(self.acknowledged))
        return received

    def acknowledge(self, received: Received) -> None:
        self.acknowledged += received.ack_ids

    def give_back(self, ack_ids: list[str]) -> None:
        self.given_back += ack_ids

    def silence(self) -> str:
        return ""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


def message(name: str, *times: float, **attributes: str) -> Message:
    rows = [{"ts": ts, "device": "a", "temp": 20.0} for ts in times]
    return Message(ndjson(rows), attributes, name, 2_000_000_000_000_000)
