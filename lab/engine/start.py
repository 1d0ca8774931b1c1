"""One start of an environment: when Lambda would have had it ready, and the invocations that it would have served."""

import collections
import dataclasses
import math
from typing import TYPE_CHECKING

from lab.engine.invocation import Invocation
from lab.engine.startup import Share

if TYPE_CHECKING:
    from lab.engine.environment import Environment

LEAST_WAIT_MS = 1.0  # less is the engine's own time


@dataclasses.dataclass(slots=True)
class Pace:
    """How long a version's last start took, in seconds: the next one is expected to take as long.

    ``own_s``: the function's own init or hooks; ``first_s``: the first invocation; ``later_s``: one after it. Infinite
    where none is known yet.
    """

    own_s: float = math.inf
    first_s: float = math.inf
    later_s: float = math.inf


class Start:
    """A start, from the request that asked for it until its environment is idle. Times are of ``time.perf_counter``.

    On Lambda the first invocation reaches the function when the platform's share and the function's own init (or hooks)
    have passed since the request. Here the start may have to wait for a processor first. The time beyond that is
    ``start_wait_ms`` of the invocation. Requests that Lambda would have sent to this environment meanwhile follow it
    here (`follow`); all their waiting is ``start_wait_ms``.
    """

    def __init__(self, invocation: Invocation, share: Share | None, pace: Pace, asked_at: float) -> None:
        """``share`` is the platform's; without one, all that the start takes here counts as the function's own."""
        self.invocation = invocation
        self.share = share
        self.asked_at = asked_at
        self.environment: Environment | None = None
        self.is_last = False  # whether its environment ends when it has answered
        self.followers: collections.deque[tuple[Invocation, float]] = collections.deque()
        self._pace = pace
        self._due: float | None = None
        self._taken_until: float | None = None
        self._dispatched_at = 0.0
        self._served = 0

    def free_at(self) -> float:
        """When the environment would be idle on Lambda; infinite if that is not known, or it is no later here."""
        if self._taken_until is not None:
            return self._taken_until
        due = self._due
        if due is None:
            due = self._due_at(self._pace.own_s)
        return due + self._pace.first_s

    def loaded(self, own_s: float, now: float) -> float:
        """Init or hooks have taken so long; returns for how many seconds the invocation must still be held."""
        self._pace.own_s = own_s
        self._due = self._due_at(own_s)
        early_s = self._due - now
        if -early_s * 1000 >= LEAST_WAIT_MS:
            self.invocation.start_wait_ms = -early_s * 1000
        else:
            self._taken_until = math.inf  # from here on the environment is as on Lambda
        self._dispatched_at = max(now, self._due)
        return early_s

    def follow(self, invocation: Invocation, now: float) -> None:
        """Have the environment serve this invocation too: on Lambda it would be idle now."""
        self.followers.append((invocation, now))
        self._taken_until = now + min(self._pace.later_s, self._pace.first_s)

    def served_late(self, environment: "Environment", now: float) -> None:
        """Have an environment that is idle here serve the first invocation: this machine is far too late."""
        self.environment = environment
        self.invocation.start_wait_ms = (now - self.asked_at) * 1000
        self._taken_until = now + min(self._pace.later_s, self._pace.first_s)
        self._dispatched_at = now

    def answered(self, now: float) -> Invocation | None:
        """The environment has answered; returns the next invocation for it, if one follows."""
        took_s = now - self._dispatched_at
        if self._served:
            self._pace.later_s = took_s
        elif self._due is not None:
            self._pace.first_s = took_s
        self._served += 1
        if not self.followers:
            return None
        invocation, asked_at = self.followers.popleft()
        invocation.start_wait_ms = (now - asked_at) * 1000
        self._dispatched_at = now
        return invocation

    def _due_at(self, own_s: float) -> float:
        return self.asked_at + own_s + (self.share.ms / 1000 if self.share is not None else 0.0)
