"""One sending of dead letters from beginning to end."""

import threading
from collections.abc import Callable

from publisher.replay.delivery import Delivery, PublishChannel
from publisher.reprocess.messages import make_message
from publisher.reprocess.plan import Plan
from publisher.reprocess.topic import goes_alone
from telemetry.errors import TelemetryError


class ReprocessSession:
    """A plan that is about to be carried out.

    Attributes:
        plan: what is sent.
        delivery: what has become of the messages.
        rows_read: rows of the letters that were handed to the delivery.
        interrupted: whether it was asked to stop before its end.
        error: what ended it early or kept letters from being sent, or "".
    """

    def __init__(self, plan: Plan, channel: PublishChannel, ordered: bool, stopped: threading.Event) -> None:
        """Prepare.

        Args:
            plan: what is sent.
            channel: where it goes.
            ordered: whether one ordering key keeps the letters in order.
            stopped: ends the sending when it is set.
        """
        self.plan = plan
        self.delivery = Delivery(channel, 0, stopped)
        self.rows_read = 0
        self.interrupted = False
        self.error = ""
        self._ordered = ordered
        self._stopped = stopped

    def run(self) -> None:
        """Send all letters, or until stopped or until it fails; afterwards nothing is in flight."""
        steps: list[Callable[[], None]] = [self._send_all, self.delivery.finish]
        for step in steps:
            try:
                step()
            except TelemetryError as error:  # the step after it is due all the same
                self.error = self.error or str(error)
        self.error = self.error or self.delivery.error

    def _send_all(self) -> None:
        self.interrupted = not self.plan.complete  # of a part nothing is sent: its run would have another id
        if self.interrupted:
            return
        for sequence, letter in enumerate(self.plan.in_order()):
            if self._stopped.is_set():
                self.interrupted = True
                return
            outgoing = make_message(letter, self.plan.run_id, sequence, self._ordered)
            alone = self._ordered and goes_alone(outgoing)
            if alone:
                self.delivery.finish()
            self.rows_read += outgoing.rows
            self.delivery.send(outgoing)
            if alone:
                self.delivery.finish()
