"""The execution environments of one function version, and which of them takes an invocation."""

import collections
import functools
from collections.abc import Callable

from lab.engine.environment import Environment
from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation
from lab.engine.sandbox import Sandbox
from lab.engine.snapshot import Snapshot, SnapshotState
from lab.engine.start_gate import StartGate


class Pool:
    """Environments of one version: an idle one is reused, the most recently used first; else a new one is started.

    AWS does not say which idle environment it picks; most recently used fits a published measurement. An invocation for
    which no start could begin yet (see `StartGate`) takes an environment that becomes idle meanwhile.
    """

    def __init__(
        self,
        version: FunctionVersion,
        make_sandbox: Callable[..., Sandbox],
        make_credentials: Callable[[FunctionVersion], dict[str, str]],
        gate: StartGate,
    ) -> None:
        self.version = version
        self._gate = gate
        self._waiting: collections.deque[Invocation] = collections.deque()
        self._make_sandbox = make_sandbox
        self._make_credentials = make_credentials
        self._idle: list[Environment] = []
        self.environments: set[Environment] = set()
        self._snapshot: Snapshot | None = None
        self._retired = False

    def invoke(self, invocation: Invocation) -> None:
        """Serve an invocation; never queues it on a busy environment."""
        if self._idle:
            self._idle.pop().assign(invocation)
        elif self.version.snap_start:
            self.prepare_snapshot().when_settled(functools.partial(self._place, invocation))
        else:
            self._place(invocation)

    def prepare_snapshot(self) -> Snapshot:
        """The version's snapshot, made on the first call (as Lambda makes it when the version is published)."""
        if self._snapshot is None:
            self._snapshot = Snapshot(self.version, self._make_sandbox, self._make_credentials(self.version))
        return self._snapshot

    def snapshot_source(self) -> Sandbox | None:
        """Where environments are restored from; None for an ordinary cold start."""
        if self._snapshot is not None and self._snapshot.state is SnapshotState.READY:
            return self._snapshot.sandbox
        return None

    def retire(self) -> None:
        """The version is no longer the one deployed: idle environments end now, busy ones when they have answered."""
        self._retired = True
        for environment in list(self._idle):
            environment.end()
        self._idle.clear()
        if not self.environments and self._snapshot is not None:
            self._snapshot.end()

    def end(self) -> None:
        """End everything at once."""
        self._retired = True
        for environment in list(self.environments):
            environment.end()
        if self._snapshot is not None:
            self._snapshot.end()

    def environment_idle(self, environment: Environment) -> None:
        """An environment has answered."""
        if self._waiting:
            environment.assign(self._waiting.popleft())
        elif self._retired:
            environment.end()
        else:
            self._idle.append(environment)

    def environment_started(self, environment: Environment) -> None:  # noqa: ARG002 - each tells who it is
        """An environment's cold start or restore is over."""
        self._gate.started()

    def environment_gone(self, environment: Environment) -> None:
        """An environment has ended."""
        self.environments.discard(environment)
        if environment in self._idle:
            self._idle.remove(environment)
        if self._retired and not self.environments and self._snapshot is not None:
            self._snapshot.end()

    def _place(self, invocation: Invocation) -> None:
        self._waiting.append(invocation)
        self._gate.ask(self._start_for_waiting)

    def _start_for_waiting(self) -> bool:
        if not self._waiting:
            return False
        self._start_environment(self._waiting.popleft())
        return True

    def _start_environment(self, invocation: Invocation) -> None:
        credentials = self._make_credentials(self.version)
        environment = Environment(self.version, self._make_sandbox, self, credentials)
        self.environments.add(environment)
        environment.assign(invocation)
