"""The life of an execution environment as a table: which event leads from which state to which.

`Environment` follows it, and no other path.
Lambda's own description: AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle".
"""

import enum
from collections.abc import Mapping
from typing import Final


class State(enum.StrEnum):
    """Where an environment is in its life."""

    NEW = "new"
    INIT = "init"
    """A cold start: the runtime process loads the function. An invocation waits."""
    INIT_TIMED_OUT = "init timed out"
    """The process is being killed."""
    INIT_AGAIN = "init again"
    """A new process loads the function within the invocation, under its timeout: after a crash or a failed init."""
    PREPARING = "preparing"
    """Being copied from the snapshot before there is an invocation."""
    PREPARED = "prepared"
    """A copy of the snapshot that waits for an invocation to restore it for."""
    FORKING = "forking"
    """Being copied from the snapshot while an invocation waits."""
    RESTORING = "restoring"
    """The copy gets its variables and random state, and runs its hooks. An invocation waits."""
    HELD = "held"
    """The function is loaded or restored, sooner than on Lambda: nothing runs until the platform's share of the start
    has passed. An invocation waits."""
    RESTORE_TIMED_OUT = "restore timed out"
    """The process is being killed."""
    BUSY = "busy"
    """The function runs."""
    TIMED_OUT = "timed out"
    """The invocation took too long: the process is being killed."""
    OUT_OF_MEMORY = "out of memory"
    """The environment holds more memory than the function has: the process is being killed."""
    IDLE = "idle"
    """Answered some milliseconds ago. It can take an invocation."""
    FROZEN = "frozen"
    """Idle, and every process is stopped (SIGSTOP)."""
    NO_PROCESS = "no process"
    """Idle after a crash, a timeout or an exit: the environment and its ``/tmp`` are there, without a process."""
    ENDED = "ended"


class Event(enum.StrEnum):
    """What happens to an environment."""

    # From the pool
    PREPARE = "prepare"
    INVOKE = "invoke"
    RESTORE = "restore"
    """The first invocation, and there is a snapshot to restore from."""
    END = "end"
    # From the runtime process
    SNAPSHOT = "snapshot"
    """It is a copy of the snapshot (over HTTP: its init is done) and waits to be restored."""
    READY = "ready"
    ERROR = "error"
    """Init, or a hook after a restore, failed: the process exits next."""
    ANSWER = "answer"
    NOT_ALONE = "not alone"
    """It has answered, and has threads or children that go on."""
    OVER_MEMORY = "over memory"
    # From the sandbox
    EXIT = "exit"
    """The runtime process ended."""
    KERNEL_KILL = "kernel kill"
    """The runtime process ended because the kernel killed it, or a child, for memory."""
    LOST = "lost"
    """The environment could not be made, or its first process ended."""
    # From timers
    DEADLINE = "deadline"
    """The time for an init, a restore, an invocation or a kill is over, or the platform's share of a start."""
    SETTLE = "settle"
    """It has been idle for 10 ms."""


_END: Final = {Event.LOST: State.ENDED, Event.END: State.ENDED}
_END_WITH_PROCESS: Final = {Event.EXIT: State.ENDED, **_END}

TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.NEW: {Event.INVOKE: State.INIT, Event.RESTORE: State.FORKING, Event.PREPARE: State.PREPARING, **_END},
    # A cold start
    State.INIT: {
        Event.READY: State.HELD,
        Event.ERROR: State.INIT,
        Event.DEADLINE: State.INIT_TIMED_OUT,
        Event.EXIT: State.INIT_AGAIN,
        **_END,
    },
    State.INIT_TIMED_OUT: {Event.EXIT: State.INIT_AGAIN, Event.DEADLINE: State.ENDED, **_END},
    State.INIT_AGAIN: {
        Event.READY: State.BUSY,
        Event.ERROR: State.INIT_AGAIN,
        Event.DEADLINE: State.TIMED_OUT,
        Event.EXIT: State.NO_PROCESS,
        Event.KERNEL_KILL: State.NO_PROCESS,
        **_END,
    },
    # SnapStart
    State.PREPARING: {Event.SNAPSHOT: State.PREPARED, Event.INVOKE: State.FORKING, **_END_WITH_PROCESS},
    State.PREPARED: {Event.INVOKE: State.RESTORING, **_END_WITH_PROCESS},
    State.FORKING: {
        Event.SNAPSHOT: State.RESTORING,
        Event.ERROR: State.FORKING,
        Event.DEADLINE: State.RESTORE_TIMED_OUT,
        **_END_WITH_PROCESS,
    },
    State.RESTORING: {
        Event.READY: State.HELD,
        Event.ERROR: State.RESTORING,
        Event.DEADLINE: State.RESTORE_TIMED_OUT,
        **_END_WITH_PROCESS,
    },
    State.RESTORE_TIMED_OUT: {Event.DEADLINE: State.ENDED, **_END_WITH_PROCESS},
    # The end of both
    State.HELD: {
        Event.DEADLINE: State.BUSY,
        Event.EXIT: State.NO_PROCESS,
        Event.KERNEL_KILL: State.NO_PROCESS,
        **_END,
    },
    # An invocation
    State.BUSY: {
        Event.ANSWER: State.IDLE,
        Event.DEADLINE: State.TIMED_OUT,
        Event.OVER_MEMORY: State.OUT_OF_MEMORY,
        Event.EXIT: State.NO_PROCESS,
        Event.KERNEL_KILL: State.NO_PROCESS,
        **_END,
    },
    State.TIMED_OUT: {Event.EXIT: State.NO_PROCESS, Event.DEADLINE: State.ENDED, **_END},
    State.OUT_OF_MEMORY: {Event.EXIT: State.NO_PROCESS, Event.DEADLINE: State.ENDED, **_END},
    # Between invocations
    State.IDLE: {
        Event.INVOKE: State.BUSY,
        Event.NOT_ALONE: State.IDLE,
        Event.SETTLE: State.FROZEN,
        Event.EXIT: State.NO_PROCESS,
        **_END,
    },
    State.FROZEN: {Event.INVOKE: State.BUSY, Event.EXIT: State.NO_PROCESS, **_END},
    State.NO_PROCESS: {Event.INVOKE: State.INIT_AGAIN, **_END},
    State.ENDED: {},
}

IGNORED: Final = frozenset({Event.SNAPSHOT, Event.READY, Event.ERROR, Event.ANSWER, Event.NOT_ALONE, Event.OVER_MEMORY})
"""Events of the runtime process, ignored in a state that has no transition for them: a function can write to the
channel itself, and what was sent before a kill can be read after it."""

STARTS: Final = frozenset(
    {State.INIT, State.INIT_TIMED_OUT, State.PREPARING, State.FORKING, State.RESTORING, State.RESTORE_TIMED_OUT}
)
"""States of a start that the `StartGate` counts."""


class ImpossibleTransitionError(Exception):
    """An event came in a state in which it cannot: a bug of the engine."""


def check_ignored(state: State, event: Event) -> None:
    """Check an event without a transition in this state.

    Raises:
        ImpossibleTransitionError: the event cannot come in this state.
    """
    if event not in IGNORED:
        raise ImpossibleTransitionError(f"event '{event}' in state '{state}'")
