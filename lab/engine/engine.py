"""The engine: function versions and invocations in, results out."""

import asyncio
import functools
import secrets
from pathlib import Path

from lab.engine import interpreters
from lab.engine.environment import Environment, Services
from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation
from lab.engine.logs.platform_log import platform_log
from lab.engine.pool import Pool
from lab.engine.sandbox import control_groups
from lab.engine.sandbox.isolation import Isolation, Layout
from lab.engine.sandbox.sandbox import Sandbox
from lab.engine.sandbox.supervisor import Supervisor
from lab.engine.settings import EngineSettings, Transport
from lab.engine.snapshot import Snapshot
from lab.engine.start_gate import StartGate
from lab.engine.startup import Shares, StartupProfile
from lab.engine.telemetry import TelemetrySink
from lab.engine.timers import Watch

DEFAULTS = EngineSettings()
KEY_KEPT_S = 300.0  # after its end, the last requests of an environment still count as its function's
ACCESS_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Engine:
    """Runs function versions in execution environments of their own processes.

    Made inside a running asyncio event loop, and used from it only. ``extra_variables`` are set in every environment.
    Each environment has an access key of its own: ``function_of_access_key`` has the function's name.
    """

    def __init__(
        self,
        folder: Path,
        extra_variables: dict[str, str],
        settings: EngineSettings = DEFAULTS,
        telemetry: TelemetrySink | None = None,
    ) -> None:
        interpreters.refresh_packs()
        self.isolation = Isolation.probe()
        self._settings = settings
        self._telemetry = telemetry
        self._limits = control_groups.probe(limit_memory=settings.limit_memory, limit_cpu=settings.limit_cpu)
        self._busy_watch = Watch(Environment.check_memory)
        self._idle_watch = Watch(Environment.freeze)
        self._supervisor = Supervisor(folder / "environments", self.isolation, self._limits.folders)
        self._loop = asyncio.get_running_loop()
        self._sweeping = self._loop.call_later(self._sweep_interval_s(), self._sweep)
        self._extra_variables = extra_variables
        self.gate = StartGate()
        self._shares = Shares(settings.startup)
        self._pools: dict[FunctionVersion, Pool] = {}
        self._current: dict[tuple[str, str], FunctionVersion] = {}
        self.function_of_access_key: dict[str, str] = {}
        self.interpreters: dict[str, tuple[interpreters.Interpreter, bool]] = {}

    def invoke(self, version: FunctionVersion, invocation: Invocation) -> None:
        """Run one invocation; its ``on_done`` gets the result.

        Raises:
            ThrottledError: too many environments of the version started in the last 10 seconds.
        """
        self._pool(version).invoke(invocation)

    def throttled(self, version: FunctionVersion, arn: str) -> None:
        """Report an invocation that was refused because its function's concurrency is in use."""
        if self._telemetry is not None:
            self._telemetry.throttled(version, arn)

    def prepare_snapshot(self, version: FunctionVersion) -> Snapshot:
        """The snapshot of a SnapStart version, begun now if it was not (Lambda takes it at publication)."""
        return self._pool(version).prepare_snapshot()

    @property
    def functions(self) -> set[str]:
        """The names of the functions that have environments or a snapshot."""
        return {name for name, _ in self._current}

    def keep_functions(self, names: set[str]) -> None:
        """End the environments of all functions but these."""
        for key in [key for key in self._current if key[0] not in names]:
            self._pools.pop(self._current.pop(key)).retire()

    def end_environments(self) -> tuple[int, int]:
        """End idle environments now and busy ones when they have answered; returns how many of each there were.

        Environments that are starting are busy. Snapshots stay.
        """
        counts = [pool.end_environments() for pool in self._pools.values()]
        return sum(ended for ended, _ in counts), sum(busy for _, busy in counts)

    @property
    def startup(self) -> StartupProfile:
        """The start-up profile."""
        return self._settings.startup

    def snapshot_ages_s(self) -> dict[FunctionVersion, float]:
        """How long ago the snapshots were taken that environments are restored from; none over HTTP."""
        if self._settings.transport is Transport.HTTP:  # each environment runs its own init
            return {}
        ages = ((version, pool.snapshot_age_s()) for version, pool in self._pools.items())
        return {version: age for version, age in ages if age is not None}

    def unusable_snapshots(self) -> dict[FunctionVersion, str]:
        """The SnapStart versions whose environments start cold, and why."""
        failures = ((version, pool.snapshot_failure()) for version, pool in self._pools.items())
        return {version: failure for version, failure in failures if failure is not None}

    def tiers(self) -> dict[str, str]:
        """How environments are isolated and limited on this machine."""
        return {"isolation": self.isolation.tier, "limits": self._limits.tier}

    def close(self) -> None:
        """End every environment, and the process that made them."""
        self._sweeping.cancel()
        for pool in list(self._pools.values()):
            pool.end()
        self._supervisor.close()
        self._limits.close()

    def _pool(self, version: FunctionVersion) -> Pool:
        pool = self._pools.get(version)
        if pool is None:
            pool = self._pools[version] = self._new_pool(version)
            before = self._current.get((version.name, version.version))
            if before is not None:
                self._pools.pop(before).retire()
            self._current[(version.name, version.version)] = version
        return pool

    def _new_pool(self, version: FunctionVersion) -> Pool:
        interpreter, exact = interpreters.choose(version.runtime)
        self.interpreters[version.runtime] = (interpreter, exact)
        layout = Layout.of(version, interpreter, self.isolation)
        transport = self._settings.transport
        services = Services(
            make_sandbox=functools.partial(Sandbox, self._supervisor, layout, version.tmp_mb, transport=transport),
            make_credentials=functools.partial(self._credentials, version),
            forget_credentials=self._forget_credentials,
            make_group=functools.partial(self._limits.group, version.memory_mb, version.tmp_mb),
            lines=platform_log(version),
            gate=self.gate,
            shares=self._shares,
            busy_watch=self._busy_watch,
            idle_watch=self._idle_watch,
            settings=self._settings,
            telemetry=self._telemetry,
        )
        return Pool(version, services)

    def _sweep_interval_s(self) -> float:
        settings = self._settings
        return min(settings.idle_s, settings.lifetime_s[0]) / settings.clock_speed / 20

    def _sweep(self) -> None:
        for pool in self._pools.values():
            pool.sweep()
        self._sweeping = self._loop.call_later(self._sweep_interval_s(), self._sweep)

    def _credentials(self, version: FunctionVersion) -> dict[str, str]:
        access_key = "ASIA" + "".join(secrets.choice(ACCESS_KEY_ALPHABET) for _ in range(16))
        self.function_of_access_key[access_key] = version.name
        return {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
            "AWS_SESSION_TOKEN": secrets.token_urlsafe(60),
            **self._extra_variables,
        }

    def _forget_credentials(self, credentials: dict[str, str]) -> None:
        self._loop.call_later(KEY_KEPT_S, self.function_of_access_key.pop, credentials["AWS_ACCESS_KEY_ID"], None)
