"""How environments live: the engine's settings, with the defaults that were seen or documented on AWS."""

import dataclasses
import enum

from lab.engine.startup import NO_STARTUP, StartupProfile


class Routing(enum.StrEnum):
    """Which idle environment takes an invocation. AWS does not say; the default fits a published measurement."""

    MOST_RECENTLY_USED = "most-recently-used"
    LEAST_RECENTLY_USED = "least-recently-used"
    RANDOM = "random"


class Transport(enum.StrEnum):
    """How the engine and a runtime process speak."""

    SOCKET = "socket"
    """Frames over a socketpair: the fast one."""
    HTTP = "http"
    """AWS's Runtime API over HTTP, with the unmodified runtime client. Linux only, as that client is. A SnapStart
    environment is not a fork but a process of its own: the invocation waits for its init."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Settings of an engine.

    Attributes:
        routing: which idle environment takes an invocation.
        idle_s: an environment ends when it has been idle this long. Seen on AWS: 5 to 15 minutes.
        lifetime_s: minimum and maximum age at which an idle environment ends, drawn evenly for each. Seen on AWS with
            a call each minute: 67 to 147 minutes.
        scale_out: new environments of a function in any 10 seconds; more are throttled. Documented by AWS: 1,000.
        clock_speed: seconds of these times that pass per second: 1, more in tests.
        limit_cpu: whether an environment gets processor time in proportion to its memory, 1,769 MB being one processor.
        limit_memory: whether an environment that uses more than its memory is killed.
        transport: how the engine and the runtime processes speak.
        startup: the platform's share of starts.
    """

    routing: Routing = Routing.MOST_RECENTLY_USED
    idle_s: float = 600.0
    lifetime_s: tuple[float, float] = (67 * 60.0, 147 * 60.0)
    scale_out: int = 1000
    clock_speed: float = 1.0
    limit_cpu: bool = True
    limit_memory: bool = True
    transport: Transport = Transport.SOCKET
    startup: StartupProfile = NO_STARTUP
