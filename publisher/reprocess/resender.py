"""Send the dead letters of a plan."""

import threading
from collections.abc import Callable

from publisher.replay.message_sender import MessageSender, PublishChannel
from publisher.reprocess.messages import make_message
from publisher.reprocess.plan import Plan
from publisher.reprocess.topic import needs_own_request
from telemetry.errors import TelemetryError


class Resender:
    """Send the letters of one plan.

    Attributes:
        plan: the letters.
        sender: sends the messages and counts them.
        rows_read: number of rows of the letters passed to the sender.
        interrupted: whether it was stopped before the end.
        error: error that ended it early or prevented letters from being sent, or "".
    """

    def __init__(self, plan: Plan, channel: PublishChannel, ordered: bool, stopped: threading.Event) -> None:
        """Prepare to send.

        Args:
            plan: the letters.
            channel: sends the messages.
            ordered: whether all letters have one ordering key.
            stopped: ends sending when it is set.
        """
        self.plan = plan
        self.sender = MessageSender(channel, 0, stopped)
        self.rows_read = 0
        self.interrupted = False
        self.error = ""
        self._ordered = ordered
        self._stopped = stopped

    def run(self) -> None:
        """Send until the end, a stop or a failure; afterwards no message is in flight."""
        steps: list[Callable[[], None]] = [self._send_all, self.sender.finish]
        for step in steps:
            try:
                step()
            except TelemetryError as error:  # the following step must run nevertheless
                self.error = self.error or str(error)
        self.error = self.error or self.sender.error

    def _send_all(self) -> None:
        self.interrupted = not self.plan.complete  # an incomplete plan is not sent, because its run id would differ
        if self.interrupted:
            return
        for sequence, letter in enumerate(self.plan.in_order()):
            if self._stopped.is_set():
                self.interrupted = True
                return
            message = make_message(letter, self.plan.run_id, sequence, self._ordered)
            is_single = self._ordered and needs_own_request(message)
            if is_single:
                self.sender.finish()
            self.rows_read += message.rows
            self.sender.send(message)
            if is_single:
                self.sender.finish()
