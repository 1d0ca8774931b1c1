"""What was deployed: learnt from the requests that pass the front door on their way to the control plane."""

import asyncio
import contextlib
import re

from lab.endpoint.functions import Functions
from lab.endpoint.tasks import Tasks
from lab.engine.engine import Engine
from lab.engine.snapshot import Snapshot

STACK_STATE = re.compile(rb"<(?:StackId|StackStatus|CreationTime|LastUpdatedTime)>[^<]*")
SERVICES = frozenset({"lambda", "cloudformation"})
SETTLE_S = 0.3


class Deployments:
    """Has the code of new versions fetched and their snapshots taken, as Lambda does when a version is published."""

    def __init__(self, engine: Engine, functions: Functions, tasks: Tasks) -> None:
        self._engine = engine
        self._functions = functions
        self._tasks = tasks
        self._timer: asyncio.TimerHandle | None = None
        self._settled: set[tuple[bytes, ...]] = set()

    async def passed(self, request_body: bytes, answer_body: bytes) -> None:
        """A control plane request has been answered by the emulator; the caller is not told before this returns."""
        self._functions.changed()
        if b"Action=DescribeStacks" in request_body:
            await self._settle_stacks(answer_body)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_S, self._timer_fired)

    def close(self) -> None:
        """Do nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    async def _settle_stacks(self, body: bytes) -> None:
        """Before anyone is told that a stack is complete, take its snapshots: so does CloudFormation."""
        state = tuple(STACK_STATE.findall(body))
        if state not in self._settled and b"_IN_PROGRESS</StackStatus>" not in body:
            self._settled.add(state)
            await self._settle()

    def _timer_fired(self) -> None:
        self._timer = None
        self._tasks.go(self._settle())

    async def _settle(self) -> None:
        with contextlib.suppress(Exception):  # half-way through a deployment the emulator may answer anything
            versions = await self._functions.deployed()
            self._engine.keep_functions({version.name for version in versions})
            snapshots = []
            for version in versions:
                if version.snap_start:
                    with contextlib.suppress(ValueError):  # a runtime that this machine lacks: told when it is invoked
                        snapshots.append(self._engine.prepare_snapshot(version))
            await asyncio.gather(*(_over(snapshot) for snapshot in snapshots))


def _over(snapshot: Snapshot) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settled() -> None:
        if not future.done():
            future.set_result(None)

    snapshot.when_settled(settled)
    return future
