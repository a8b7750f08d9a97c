"""Send the transitions of incidents to webhooks."""

import logging
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import Timestamp

from telemetry.model.dead_letters import Reason
from telemetry.model.record_batches import to_records
from telemetry.model.records import Incident
from telemetry.retries import GivenUp, Retries, RetryPolicy
from telemetry.webhooks.courier import in_order
from telemetry.webhooks.webhook import Webhook, open_courier
from transforms import counters
from transforms.outputs.deliver_alerts import BUDGET_S, Refused, deliver_all, letters_of, pause_s
from transforms.outputs.sink_result import SinkResult
from transforms.outputs.waiting_alerts import (
    Waiting,
    arrivals,
    decode_failures,
    encode_failures,
    encode_waiting,
    states_of,
)
from transforms.shuffle.processing_time import now_s
from transforms.shuffle.record_batch_bytes import decode_record_batch, encode_record_batch
from transforms.step import Step

_LOG: Final = logging.getLogger(__name__)
HOUR_US: Final = 3_600_000_000
AT_END: Final = RetryPolicy(patience_s=60.0, first_pause_s=0.5, longest_pause_s=5.0)
"""For a request that fails for a passing reason where nothing comes afterwards that could send it again."""
_GATHER_S: Final = 0.2
_SHARDS: Final = 4
_REMOVED: Final = "a webhook of an earlier start"
_NOT_THERE: Final = "the job has it no more"
WebhookKey = tuple[int, int]
"""Key by which transitions are gathered: (`Webhook.number`, shard of the incidents)."""


@dataclass
class SendIncidents(Step):
    """Send each transition of an incident to each webhook; what cannot be delivered becomes a dead letter.

    Bounded or unbounded input in the global window. At least once, an incident's transitions in order of their
    sequence: a transition that is sent again has the same idempotency key.

    Unbounded: transitions are gathered for 0.2 s of processing time and then sent by a timer. Those that a webhook does
    not take for a passing reason stay in the state of its key, and a timer tries again after growing pauses of up to a
    minute, for as long as `patience_us`. Each try ends after some seconds, so that an outage of a webhook holds back
    nothing but its own alerts. At the end of the stream (a drain) they are tried for another minute.

    Bounded: transitions are sent when all are there, and tried again for a minute at most.

    Args:
        webhooks: where to send them; the graph holds names of variables, never their values.
        patience_us: how long a transition of a stream waits for its webhook, microseconds of processing time.
        at_end: for requests that nothing would send again later.
    """

    webhooks: tuple[Webhook, ...]
    patience_us: int = HOUR_US
    at_end: RetryPolicy = AT_END

    @no_annotations
    def expand(self, transitions: beam.PCollection) -> SinkResult:
        """Return the dead letters of a PCollection of RecordBatch of Incident."""
        shards = _SHARDS if transitions.is_bounded else 1
        key = beam.ParDo(_KeyByWebhook(self.webhooks, shards)).with_output_types(tuple[WebhookKey, bytes])
        keyed = transitions | "Key" >> key
        if transitions.is_bounded:
            send = beam.ParDo(_SendGathered(self.webhooks, self.at_end)).with_output_types(pa.RecordBatch)
            return SinkResult(keyed | "Gather" >> beam.GroupByKey() | "Send" >> send)
        keep = beam.ParDo(_SendWaiting(self.webhooks, self.at_end, patience_us=self.patience_us))
        return SinkResult(keyed | "Send" >> keep.with_output_types(pa.RecordBatch))


@dataclass
class _KeyByWebhook(beam.DoFn):
    """Give each webhook its own copy, in shards by incident."""

    webhooks: tuple[Webhook, ...]
    shards: int

    def process(self, batch: pa.RecordBatch) -> Iterator[tuple[WebhookKey, bytes]]:
        ids = batch.column("incident_id").to_pylist()
        shard = np.array([zlib.crc32(incident_id.encode()) % self.shards for incident_id in ids])
        for number in np.unique(shard).tolist():
            content = encode_record_batch(batch.take(pa.array(np.flatnonzero(shard == number))))
            for webhook in self.webhooks:
                yield (webhook.number, number), content


@dataclass
class _Send(beam.DoFn):
    """Send transitions to the webhooks of a job.

    Attributes:
        given_up: whether a webhook is given up for the rest of a bundle, by its number.
    """

    webhooks: tuple[Webhook, ...]
    at_end: RetryPolicy
    given_up: dict[int, GivenUp] = field(default_factory=lambda: defaultdict(GivenUp))

    def start_bundle(self) -> None:
        self.given_up.clear()

    def webhook(self, number: int) -> Webhook | None:
        """Return a webhook by its number; None for one that an earlier start of the job had."""
        return next((webhook for webhook in self.webhooks if webhook.number == number), None)

    def send_all(self, number: int, transitions: Iterable[Incident]) -> Iterator[pa.RecordBatch]:
        """Send transitions for the last time; yield the dead letters of those that the webhook does not take."""
        webhook = self.webhook(number)
        if webhook is None:
            yield from self.settle(number, 0, 0, [(one, _NOT_THERE) for one in in_order(transitions)])
        else:
            retries = Retries(self.at_end, given_up=self.given_up[number])
            delivery = deliver_all(open_courier(webhook, now_s), transitions, retries)
            yield from self.settle(number, delivery.told, delivery.failures, delivery.refused)

    def settle(self, number: int, told: int, failures: int, refused: Sequence[Refused]) -> Iterator[pa.RecordBatch]:
        """Count what became of transitions; yield the dead letters."""
        if told:
            counters.count(counters.ALERTS_SENT, told)
        if failures:
            counters.count(counters.WEBHOOK_FAILURES, failures)
        if refused:
            counters.count(counters.DEAD_LETTERS, len(refused), Reason.NOT_DELIVERED)
            yield letters_of(str(self.webhook(number) or _REMOVED), number, refused)


class _SendGathered(_Send):
    """Send all transitions of some incidents."""

    def process(self, element: tuple[WebhookKey, Iterable[bytes]]) -> Iterator[pa.RecordBatch]:
        (number, _), contents = element
        batches = map(decode_record_batch, contents)
        yield from self.send_all(number, [one for batch in batches for one in to_records(Incident, batch)])


@dataclass
class _SendWaiting(_Send):
    """Keep transitions in state until their webhook has taken them."""

    patience_us: int = HOUR_US

    WAITING = BagStateSpec("waiting", BytesCoder())
    FAILURES = ReadModifyWriteStateSpec("failures", BytesCoder())  # in a row; not set while nothing waits
    SEND = TimerSpec("send", TimeDomain.REAL_TIME)
    END = TimerSpec("end", TimeDomain.WATERMARK)

    def process(
        self,
        element: tuple[WebhookKey, bytes],
        window: Any = beam.DoFn.WindowParam,
        waiting: Any = beam.DoFn.StateParam(WAITING),
        failures: Any = beam.DoFn.StateParam(FAILURES),
        send: Any = beam.DoFn.TimerParam(SEND),
        end: Any = beam.DoFn.TimerParam(END),
    ) -> None:
        waiting.add(encode_waiting(Waiting(int(1e6 * now_s()), element[1])))
        if decode_failures(failures.read()) is None:
            failures.write(encode_failures(0))
            send.set(Timestamp.of(now_s() + _GATHER_S))
            end.set(window.end)

    @on_timer(SEND)
    def on_send(
        self,
        key: WebhookKey = beam.DoFn.KeyParam,
        waiting: Any = beam.DoFn.StateParam(WAITING),
        failures: Any = beam.DoFn.StateParam(FAILURES),
        send: Any = beam.DoFn.TimerParam(SEND),
    ) -> Iterator[pa.RecordBatch]:
        """Send what waits, once; what the webhook does not take is sent again later."""
        webhook, arrived = self.webhook(key[0]), arrivals(waiting.read())
        transitions = in_order(one for _, one in arrived.values())
        before = decode_failures(failures.read()) or 0
        waiting.clear()
        failures.clear()
        if webhook is None:
            yield from self.send_all(key[0], transitions)
            return
        delivery = open_courier(webhook, now_s).deliver(transitions, BUDGET_S)
        left = [arrived[one.incident_id, one.sequence] for one in delivery.left]
        given_up, number = list[Refused](), 0
        if delivery.cause:
            number = 1 if delivery.told else before + 1
            if number == 1:
                _LOG.warning("%s: %s; its alerts wait", webhook, delivery.cause)
            oldest_us = int(1e6 * now_s()) - self.patience_us
            given_up = [(one, delivery.cause) for arrived_us, one in left if arrived_us <= oldest_us]
            left = [(arrived_us, one) for arrived_us, one in left if arrived_us > oldest_us]
        if left:
            for content in states_of(left):
                waiting.add(content)
            failures.write(encode_failures(number))
            send.set(Timestamp.of(now_s() + max(pause_s(number), delivery.wait_s)))
        yield from self.settle(key[0], delivery.told, bool(delivery.cause), [*delivery.refused, *given_up])

    @on_timer(END)
    def on_end(
        self,
        key: WebhookKey = beam.DoFn.KeyParam,
        waiting: Any = beam.DoFn.StateParam(WAITING),
        failures: Any = beam.DoFn.StateParam(FAILURES),
    ) -> Iterator[pa.RecordBatch]:
        """Send what waits, for the last time."""
        transitions = [one for _, one in arrivals(waiting.read()).values()]
        waiting.clear()
        failures.clear()
        yield from self.send_all(key[0], transitions)
