"""The life of an environment follows its table and no other path: every event in every state, by a scripted sandbox."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from lab.engine.environment import Environment, Services
from lab.engine.invocation import Invocation, InvocationResult
from lab.engine.lifecycle import IGNORED, STARTS, TRANSITIONS, Event, ImpossibleTransitionError, State
from lab.engine.logs.platform_log import TextLog
from lab.engine.runtime import channel
from lab.engine.sandbox.isolation import Layout
from lab.engine.settings import EngineSettings
from lab.engine.start import Pace, Start
from lab.engine.start_gate import StartGate
from lab.engine.startup import NO_STARTUP, Share, Shares
from lab.engine.timers import Watch
from tests.function_versions import function_version

VERSION = function_version("f", "1")
WITH_AN_INVOCATION = STARTS - {State.PREPARING} | {
    State.HELD,
    State.INIT_AGAIN,
    State.BUSY,
    State.TIMED_OUT,
    State.OUT_OF_MEMORY,
}
A_DAY_MS = 86_400_000.0
FRAMES = {
    Event.SNAPSHOT: (channel.SNAPSHOT, b"", b""),
    Event.READY: (channel.READY, b"1 ", b""),
    Event.ERROR: (channel.INIT_ERROR, b"", b'{"errorType": "E", "errorMessage": ""}'),
    Event.ANSWER: (channel.RESULT, b"1 id", b"1"),
    Event.NOT_ALONE: (channel.NOT_ALONE, b"", b""),
}


class Scripted:
    """Stands for the sandbox, the control group and the pool of one environment; counts what they are asked for."""

    layout = Layout({"task": "/var/task", "opt": "/opt", "runtime": "/var/runtime"}, {}, "python", "3.13")
    pid = 1

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.joins: list[str] = []
        self.is_killed = self.has_snapshot = False
        self.granted = self.assigned = self.answered = 0
        self.invocation: Invocation | None = None
        me: Any = self
        self.environment = Environment(
            VERSION,
            Services(
                make_sandbox=lambda *_, **__: me,
                make_credentials=dict,
                forget_credentials=lambda _: self._count("forget"),
                make_group=lambda: me,
                lines=TextLog(VERSION),
                gate=StartGate(),
                shares=Shares(NO_STARTUP),
                busy_watch=Watch(Environment.check_memory),
                idle_watch=Watch(Environment.freeze),
                settings=EngineSettings(),
                telemetry=None,
            ),
            me,
        )

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self._count(name)

    def _count(self, name: str) -> None:
        self.asked[name] += 1

    def snapshot_source(self) -> "Scripted | None":
        return self if self.has_snapshot else None

    def over_memory(self, pid: int) -> bool:
        return True

    def was_killed(self) -> bool:
        return self.is_killed

    def environment_idle(self, environment: Environment) -> None:
        assert environment.state in (State.IDLE, State.NO_PROCESS)

    def environment_gone(self, environment: Environment) -> None:
        self._count("gone")

    def fire(self, event: Event) -> None:
        """Make an event happen, as the pool, the sandbox or a timer would."""
        environment = self.environment
        if event in FRAMES:
            environment._frame(*FRAMES[event])
        elif event in (Event.INVOKE, Event.RESTORE):
            self._assign(event)
        elif event is Event.PREPARE:
            self.granted += environment.state is State.NEW
            environment.prepare(self)  # type: ignore[arg-type]
        elif event is Event.KERNEL_KILL and event not in TRANSITIONS[environment.state]:
            environment._move(event)  # nobody asks the kernel there
        else:
            self.is_killed = event is Event.KERNEL_KILL
            calls: dict[Event, Callable[[], None]] = {
                Event.END: environment.end,
                Event.OVER_MEMORY: environment.check_memory,
                Event.EXIT: lambda: environment._exited(1, None),
                Event.KERNEL_KILL: lambda: environment._exited(-9, None),
                Event.LOST: lambda: environment._exited(-9, "gone"),
                Event.DEADLINE: environment._deadline_passed,
                Event.SETTLE: environment.freeze,
            }
            calls[event]()

    def _assign(self, event: Event) -> None:
        environment = self.environment
        if event is Event.RESTORE and environment.state is not State.NEW:
            environment._move(event)  # a snapshot is looked for in a new one only
        self.has_snapshot = event is Event.RESTORE
        invocation = Invocation(request_id="id", payload=b"{}", arn="", on_done=self._answer, wants_log=True)
        if environment.start is None:  # held for a day, unless the test ends that
            environment.start = Start(invocation, Share(A_DAY_MS, 0.0), Pace(), time.perf_counter())
        possible = event in TRANSITIONS[environment.state]
        self.granted += possible and environment.state in (State.NEW, State.PREPARING, State.PREPARED)
        environment.assign(invocation)
        self.assigned += 1

    def _answer(self, result: InvocationResult) -> None:
        self.answered += 1


def paths() -> dict[State, list[Event]]:
    """A shortest path of events to every state."""
    found: dict[State, list[Event]] = {State.NEW: []}
    for state in (queue := [State.NEW]):
        for event, after in TRANSITIONS[state].items():
            if after not in found:
                found[after] = [*found[state], event]
                queue.append(after)
    return found


PATHS = paths()


def test_every_state_is_reached() -> None:
    assert set(PATHS) == set(State) == set(TRANSITIONS)


@pytest.mark.parametrize("state", list(State), ids=str)
async def test_an_event_leads_where_the_table_says_or_nowhere(state: State) -> None:
    for event in Event:
        scripted = Scripted()
        for step in PATHS[state]:
            scripted.fire(step)
        assert scripted.environment.state is state
        after = TRANSITIONS[state].get(event)
        if after is not None or event in IGNORED or (state, event) == (State.ENDED, Event.END):
            scripted.fire(event)
            assert scripted.environment.state is (after or state), event
        else:
            with pytest.raises(ImpossibleTransitionError):
                scripted.fire(event)
            assert scripted.environment.state is state


async def test_on_every_path_invocations_are_answered_once_and_starts_are_given_back() -> None:
    """On 300 random walks through the table, to the end of the environment."""
    chance = random.Random(9)  # noqa: S311 - a test
    for _ in range(300):
        scripted = Scripted()
        while (state := scripted.environment.state) is not State.ENDED:
            scripted.fire(chance.choice(list(TRANSITIONS[state])))
            state = scripted.environment.state
            assert scripted.assigned - scripted.answered == (state in WITH_AN_INVOCATION)
            assert scripted.granted - scripted.asked["environment_started"] == (state in STARTS)
        assert scripted.asked["forget"] == scripted.asked["gone"] == 1
        assert scripted.asked["close"] == 2  # sandbox and group
