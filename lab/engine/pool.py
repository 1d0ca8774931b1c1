"""The execution environments of one function version, and which of them takes an invocation."""

import asyncio
import collections
import functools
import random
import time

from lab.engine.environment import Environment, Services
from lab.engine.function import FunctionVersion
from lab.engine.invocation import NO_REASON, Fault, Invocation, InvocationResult, ThrottledError, fault_payload
from lab.engine.sandbox.sandbox import Sandbox
from lab.engine.settings import Routing
from lab.engine.snapshot import Snapshot, SnapshotState
from lab.engine.start import Pace, Start

SCALE_OUT_WINDOW_S = 10.0
PATIENCE_S = 15.0  # a start that has waited longer at the gate is given up for an environment that is idle


class Pool:
    """Environments of one version: an idle one is reused, the most recently used first; else a new one is started.

    AWS does not say which idle environment it picks; most recently used fits a published measurement. An invocation for
    which none is idle starts one, which may have to wait for the `StartGate`. If a start is late because of that, and
    on Lambda its environment would be idle by now, the invocation waits for that environment instead (see `Start`).
    After `PATIENCE_S` any idle environment takes an invocation that waits at the gate, since its caller may give up.
    """

    def __init__(self, version: FunctionVersion, services: Services) -> None:
        self.version = version
        self._services = services
        self._gate = services.gate
        self._settings = services.settings
        self._started: collections.deque[float] = collections.deque()
        self._ends_at: dict[Environment, float] = {}
        self._starts: list[Start] = []
        self._pace = Pace()
        self._idle: list[Environment] = []
        self.environments: set[Environment] = set()
        self._snapshot: Snapshot | None = None
        self._spare: Environment | None = None
        self._retired = False

    def invoke(self, invocation: Invocation) -> None:
        """Serve an invocation. It is never queued on an environment that would be busy on Lambda.

        Raises:
            ThrottledError: no environment is idle, and too many were started in the last 10 seconds.
        """
        if self._idle:
            self._take_idle().assign(invocation)
            return
        now = time.perf_counter()
        free_on_lambda = [start for start in self._starts if not start.is_last and start.free_at() <= now]
        if free_on_lambda:
            max(free_on_lambda, key=Start.free_at).follow(invocation, now)
            return
        self._check_rate(now)
        if self.version.snap_start:
            self.prepare_snapshot().when_settled(functools.partial(self._ask_for_start, invocation))
        else:
            self._ask_for_start(invocation)

    def prepare_snapshot(self) -> Snapshot:
        """The version's snapshot, made on the first call (as Lambda makes it when the version is published)."""
        if self._snapshot is None:
            self._snapshot = Snapshot(self.version, self._services)
            self._snapshot.when_settled(self._ask_for_spare)
        return self._snapshot

    def snapshot_source(self) -> Sandbox | None:
        """Where environments are restored from; None for an ordinary cold start."""
        if self._snapshot is not None and self._snapshot.state is SnapshotState.READY:
            return self._snapshot.sandbox
        return None

    def snapshot_age_s(self) -> float | None:
        """How long ago the snapshot was taken that environments are restored from."""
        return self._snapshot.age_s() if self._snapshot is not None and self.snapshot_source() is not None else None

    def snapshot_failure(self) -> str | None:
        """Why environments start cold, if a snapshot was taken that cannot be used."""
        if self._snapshot is None or self._snapshot.state not in (SnapshotState.REFUSED, SnapshotState.ENDED):
            return None
        return self._snapshot.reason

    def retire(self) -> None:
        """End idle environments now and busy ones when they have answered: the version is no longer deployed."""
        self._retired = True
        self.end_environments()
        self._end_spare()
        self._end_snapshot_if_unused()

    def end_environments(self) -> tuple[int, int]:
        """End idle environments now and busy ones when they have answered; returns how many of each there were.

        The snapshot stays, and so does the environment that was prepared from it and never used.
        """
        idle = list(self._idle)
        for environment in idle:
            environment.end()
        for start in self._starts:
            start.is_last = True
        for environment in self.environments:
            environment.is_last = True
        return len(idle), len(self.environments) + sum(start.environment is None for start in self._starts)

    def end(self) -> None:
        """End everything at once. Every invocation fails, also those that wait for an environment."""
        self._retired = True
        if self._snapshot is not None:
            self._snapshot.end()  # first: what waits for it then waits for an environment
        starts, self._starts = self._starts, []
        waiting = [start.invocation for start in starts if start.environment is None]
        for start in starts:
            waiting += [invocation for invocation, _ in start.followers]
            start.followers.clear()
        for environment in list(self.environments):
            environment.end()
        self._end_spare()
        for invocation in waiting:
            self._fail(invocation)

    def sweep(self) -> None:
        """End the environments that have been idle for too long or have reached their lifetime."""
        now = time.perf_counter()
        idle_before = now - self._settings.idle_s / self._settings.clock_speed
        for environment in list(self._idle):
            if environment.idle_since <= idle_before or self._ends_at[environment] <= now:
                environment.end()

    def environment_idle(self, environment: Environment) -> None:
        """An environment has answered."""
        if environment.start is not None and self._served(environment, environment.start):
            return
        if environment.is_last:
            environment.end()
        elif (late := self._late_start()) is not None:
            self._serve_late(environment, late)
        else:
            self._idle.append(environment)

    def environment_started(self) -> None:
        """An environment's cold start or restore is over."""
        self._gate.started()
        self._ask_for_spare()

    def environment_gone(self, environment: Environment) -> None:
        """An environment has ended."""
        if environment is self._spare:
            self._spare = None
        self.environments.discard(environment)
        self._ends_at.pop(environment, None)
        if environment in self._idle:
            self._idle.remove(environment)
        if environment.start is not None:
            self._forget(environment.start)
            for invocation, asked_at in environment.start.followers:
                self._ask_for_start(invocation, asked_at)
        self._end_snapshot_if_unused()

    def _end_snapshot_if_unused(self) -> None:
        if self._retired and not self.environments and not self._starts and self._snapshot is not None:
            self._snapshot.end()

    def _take_idle(self) -> Environment:
        match self._settings.routing:
            case Routing.MOST_RECENTLY_USED:
                return self._idle.pop()
            case Routing.LEAST_RECENTLY_USED:
                return self._idle.pop(0)
            case Routing.RANDOM:
                return self._idle.pop(random.randrange(len(self._idle)))  # noqa: S311 - not for secrets

    def _check_rate(self, now: float) -> None:
        while self._started and self._started[0] < now - SCALE_OUT_WINDOW_S / self._settings.clock_speed:
            self._started.popleft()
        if len(self._started) >= self._settings.scale_out:
            raise ThrottledError("ConcurrentInvocationLimitExceeded")

    def _ask_for_start(self, invocation: Invocation, asked_at: float | None = None) -> None:
        asked_at = time.perf_counter() if asked_at is None else asked_at
        share = self._services.shares.draw(self.version, restored=self.snapshot_source() is not None)
        start = Start(invocation, share, self._pace, asked_at)
        self._starts.append(start)
        self._started.append(asked_at)
        self._gate.ask(functools.partial(self._begin, start))
        if start.environment is None:
            asyncio.get_running_loop().call_later(PATIENCE_S, self._give_up_late_start)

    def _late_start(self) -> Start | None:
        asked_before = time.perf_counter() - PATIENCE_S
        return next((each for each in self._starts if each.environment is None and each.asked_at <= asked_before), None)

    def _give_up_late_start(self) -> None:
        if self._idle and (late := self._late_start()) is not None:
            self._serve_late(self._take_idle(), late)

    def _serve_late(self, environment: Environment, start: Start) -> None:
        start.served_late(environment, time.perf_counter())
        environment.start = start
        environment.is_last = start.is_last
        environment.assign(start.invocation)

    def _served(self, environment: Environment, start: Start) -> bool:
        """An environment's first invocation, or one that followed it, is over: whether it takes another."""
        follower = start.answered(time.perf_counter())
        if follower is None:
            self._forget(start)
            environment.start = None
            return False
        environment.assign(follower)
        return True

    def _forget(self, start: Start) -> None:
        if start in self._starts:
            self._starts.remove(start)

    def _fail(self, invocation: Invocation) -> None:
        payload = fault_payload(invocation.request_id, Fault.EXIT, NO_REASON)
        version = self.version.version
        invocation.on_done(
            InvocationResult(payload=payload, function_error=True, executed_version=version, log_tail=b"")
        )

    def _begin(self, start: Start) -> bool:
        if start not in self._starts or start.environment is not None:
            return False
        try:
            environment = start.environment = self._spare or Environment(self.version, self._services, self)
        except OSError:
            self._forget(start)
            raise
        environment.start = start
        environment.is_last = self._retired or start.is_last
        self._spare = None
        self.environments.add(environment)
        lifetime_s = random.uniform(*self._settings.lifetime_s)  # noqa: S311 - not for secrets
        self._ends_at[environment] = time.perf_counter() + lifetime_s / self._settings.clock_speed
        environment.assign(start.invocation)
        return True

    def _ask_for_spare(self) -> None:
        """Have one environment prepared from the snapshot for the next invocation that finds none idle."""
        if self._spare is None and not self._retired and self.snapshot_source() is not None:
            self._gate.ask(self._prepare_spare)

    def _prepare_spare(self) -> bool:
        snapshot = self.snapshot_source()
        if snapshot is None or self._spare is not None or self._retired:
            return False
        self._spare = Environment(self.version, self._services, self)
        self._spare.prepare(snapshot)
        return True

    def _end_spare(self) -> None:
        if self._spare is not None:
            self._spare.end()
