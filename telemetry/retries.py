"""Decide when a request that fails for a passing reason is sent again, and when it is given up."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Growing pauses between the attempts of a request, for a limited time.

    Attributes:
        patience_s: how long a request that keeps failing is sent again, seconds.
        first_pause_s: pause after the first failure, seconds; each further one is twice as long.
        longest_pause_s: bound of the pauses, seconds.
    """

    patience_s: float
    first_pause_s: float
    longest_pause_s: float


@dataclass(slots=True)
class GivenUp:
    """State that requests to one service share: once one of them is given up, each other gets one attempt.

    Attributes:
        value: whether one was given up since the last success.
    """

    value: bool = False


class Retries:
    """Retries of one request, or of requests that succeed and fail together.

    Patience counts from the first failure since the last success, or from `begin`. The last pause is shortened so that
    the last attempt is made when patience ends. Used by one thread at a time.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        given_up: GivenUp | None = None,
    ) -> None:
        """Prepare.

        Args:
            policy: pauses and patience.
            clock: returns seconds, monotonic.
            sleep: waits for so many seconds, or until there is a reason not to wait any longer.
            given_up: shared with requests to the same service; None to share nothing.
        """
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._given_up = given_up or GivenUp()
        self._since: float | None = None
        self._pause_s = policy.first_pause_s

    def begin(self) -> None:
        """Count patience from now on, so that the first attempt uses some of it, too."""
        self._since = self._clock()

    def succeed(self) -> None:
        """Note a success: the next failure is a first one."""
        self._since, self._pause_s, self._given_up.value = None, self._policy.first_pause_s, False

    def fail(self) -> None:
        """Note a failure."""
        if self._since is None:
            self._since = self._clock()

    def is_over(self, at_most_s: float | None = None) -> bool:
        """Return whether the request is given up after the failures so far.

        Args:
            at_most_s: a patience that counts if it is shorter than that of the policy, seconds.
        """
        if self._since is None:
            return False
        patience_s = self._policy.patience_s if at_most_s is None else min(at_most_s, self._policy.patience_s)
        if self._clock() - self._since >= patience_s:
            self._given_up.value = True
        return self._given_up.value

    def pause(self, at_least_s: float = 0.0) -> None:
        """Wait before the next attempt; the pause after this one is longer.

        Args:
            at_least_s: how long the service asks to wait, seconds; patience counts if it is shorter.
        """
        left_s = self._policy.patience_s
        if self._since is not None:
            left_s -= self._clock() - self._since
        self._sleep(max(0.0, min(max(self._pause_s, at_least_s), left_s)))
        self._pause_s = min(2 * self._pause_s, self._policy.longest_pause_s)

    def wait(self, at_least_s: float = 0.0) -> bool:
        """Note a failure and wait before the next attempt; return False, at once, if the request is given up.

        Args:
            at_least_s: see `pause`.
        """
        self.fail()
        if self.is_over():
            return False
        self.pause(at_least_s)
        return True
