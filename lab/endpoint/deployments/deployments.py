"""Notices deployments: by the requests that pass the front door on their way to the control plane."""

import asyncio
import json
import logging
import re
from typing import Any

from lab.endpoint.deployments.code_store import UnavailableCodeError
from lab.endpoint.deployments.function_names import parse_name
from lab.endpoint.deployments.functions import Functions
from lab.endpoint.emulator.emulator import EMULATOR_ERRORS
from lab.endpoint.http_server import JSON_TYPE, Answer, Request
from lab.endpoint.lab_api import Taken
from lab.endpoint.tasks import Tasks
from lab.engine.engine import Engine
from lab.engine.snapshot import SnapshotState

STACK_STATE = re.compile(rb"<(?:StackId|StackStatus|CreationTime|LastUpdatedTime)>[^<]*")
NUMBERED = re.compile(rb'"Version": ?"\d+"')
SERVICES = frozenset({"lambda", "cloudformation"})
SETTLE_S = 0.3
logger = logging.getLogger(__name__)


class Deployments:
    """Has the code of new versions fetched, and their snapshots taken when the emulator publishes them."""

    def __init__(self, engine: Engine, functions: Functions, tasks: Tasks) -> None:
        self._engine = engine
        self._functions = functions
        self._tasks = tasks
        self._timer: asyncio.TimerHandle | None = None
        self._settled: set[tuple[bytes, ...]] = set()

    async def passed(self, request_body: bytes, answer_body: bytes) -> None:
        """The emulator has answered a control plane request. The client gets the answer when this returns."""
        self._functions.changed()
        if (published := _published(answer_body)) is not None:
            # Now: the emulator forgets the code of a version when the function gets newer code.
            await asyncio.to_thread(self._functions.keep_code, published)
        if b"Action=DescribeStacks" in request_body:
            state = tuple(STACK_STATE.findall(answer_body))
            if state not in self._settled and b"_IN_PROGRESS</StackStatus>" not in answer_body:
                self._settled.add(state)
                await self._settle()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_S, self._timer_fired)

    def close(self) -> None:
        """Do nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _timer_fired(self) -> None:
        self._timer = None
        self._tasks.start(self._settle())

    async def _settle(self) -> None:
        known = self._engine.functions  # others have been deployed since the list was asked for
        try:
            versions = await asyncio.to_thread(self._functions.deployed)
        except EMULATOR_ERRORS:  # a function that is deleted meanwhile, say; the next request tries again
            logger.info("cannot list what is deployed", exc_info=True)
            return
        self._engine.keep_functions({version.name for version in versions} | self._engine.functions - known)

    async def take_snapshot(self, request: Request) -> Answer:
        """Take the snapshot of a version that is being published. The answer, `Taken`, comes when it is settled."""
        arn = json.loads(request.body)["arn"]
        taken: Taken = {"failure": await self._failure(arn)}
        return 200, [JSON_TYPE], json.dumps(taken).encode()

    async def _failure(self, arn: str) -> str | None:
        try:
            version = await asyncio.to_thread(self._functions.published, parse_name(arn, None))
            snapshot = self._engine.prepare_snapshot(version)
        except (*EMULATOR_ERRORS, UnavailableCodeError, ValueError) as error:  # a runtime that this machine lacks, say
            logger.info("no snapshot of %s: %s", arn, error)
            return None
        settled = asyncio.Event()
        snapshot.when_settled(settled.set)
        await settled.wait()
        return snapshot.reason if snapshot.state is SnapshotState.FAILED else None


def _published(answer_body: bytes) -> Any:
    """The configuration of a published version, if that is what the control plane answered."""
    if NUMBERED.search(answer_body) is None:
        return None
    try:
        answer = json.loads(answer_body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and {"Version", "CodeSha256"} <= answer.keys() else None
