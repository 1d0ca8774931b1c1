"""What the environments of a function version are made with."""

import dataclasses
from collections.abc import Callable
from typing import Any

from lab.engine.logs.json_log import JsonLog
from lab.engine.logs.platform_log import TextLog
from lab.engine.sandbox.control_groups import Group
from lab.engine.sandbox.sandbox import Sandbox
from lab.engine.settings import EngineSettings
from lab.engine.start_gate import StartGate
from lab.engine.telemetry import TelemetrySink
from lab.engine.watch import Watch


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Handed from the engine to the pools of versions, and from there to their environments.

    ``make_sandbox`` takes the files to join (see `Group`) and the callbacks of a `Sandbox`; ``make_credentials`` gives
    an environment's own credentials and the engine's variables, of which ``forget_credentials`` is told when it has
    ended. The watches take environments that are busy and idle.
    """

    make_sandbox: Callable[..., Sandbox]
    make_credentials: Callable[[], dict[str, str]]
    forget_credentials: Callable[[dict[str, str]], None]
    make_group: Callable[[], Group]
    lines: TextLog | JsonLog
    gate: StartGate
    busy_watch: Watch[Any]
    idle_watch: Watch[Any]
    settings: EngineSettings
    telemetry: TelemetrySink | None
