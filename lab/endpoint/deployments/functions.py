"""What callers' names mean: function versions and their settings, as the emulator's Lambda API describes them."""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lab.endpoint.api_error import not_found, not_now, service_error
from lab.endpoint.deployments.code_store import CodeStore, UnavailableCodeError
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.emulator.account import REGION
from lab.endpoint.emulator.emulator import EMULATOR_ERRORS, emulator_client
from lab.engine.function import FunctionVersion

MAX_KEPT = 10_000


@dataclasses.dataclass(frozen=True)
class EventSettings:
    """How asynchronous invocations are retried and recorded; destinations are ARNs.

    The defaults are AWS's (AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
    invocation").
    """

    maximum_retry_attempts: int = 2
    maximum_event_age_s: int = 6 * 3600
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Resolved:
    """What a name means: a version, the ARN that was invoked, and how its invocations are limited.

    ``other_versions`` are those to which an alias sends a share of its invocations, with that share.
    ``unreserved_concurrency`` is shared by all functions that have no reserved concurrency.
    """

    name: FunctionName
    version: FunctionVersion
    invoked_arn: str
    reserved_concurrency: int | None
    unreserved_concurrency: int
    events: EventSettings
    other_versions: tuple[tuple[FunctionVersion, float], ...] = ()

    def pick_version(self) -> FunctionVersion:
        """The version that takes an invocation."""
        if not self.other_versions:
            return self.version
        left = random.random()  # noqa: S311 - traffic is split, nothing is kept secret
        for version, share in self.other_versions:
            left -= share
            if left < 0:
                return version
        return self.version


class Functions:
    """Resolves names to function versions.

    An answer is kept until `changed` is called. The front door calls it for every control plane request that passes, so
    a client that sees a deployment completed also finds it served.
    """

    def __init__(self, emulator_url: str, folder: Path) -> None:
        self.client = emulator_client("lambda", emulator_url)
        self._code = CodeStore(self.client, folder)
        self._kept: dict[Hashable, Resolved] = {}
        self._resolving: dict[FunctionName, asyncio.Task[Resolved]] = {}
        self._versions: dict[FunctionVersion, FunctionVersion] = {}
        self.generation = 0

    def changed(self) -> None:
        """Forget all answers: something may have been deployed. ``generation`` counts these calls."""
        self.generation += 1
        # New ones, not emptied ones: the answer to a question from before must not be kept.
        self._kept, self._resolving = {}, {}

    def kept(self, key: Hashable) -> Resolved | None:
        """What was kept under a key."""
        return self._kept.get(key)

    async def find(self, name: FunctionName) -> Resolved:
        """What is kept under the name, or `resolve` it."""
        return self._kept.get(name) or await self.resolve(name, key=name)

    async def resolve(self, name: FunctionName, *, key: Hashable) -> Resolved:
        """Ask the Lambda API, once for all callers at a time; the answer is kept under the key.

        Raises `ApiError` if there is no such function, version or alias, or it cannot be invoked now.
        """
        kept, resolving = self._kept, self._resolving
        task = resolving.get(name)
        if task is None:
            task = resolving[name] = asyncio.create_task(asyncio.to_thread(self._ask, name))
        try:
            resolved = await asyncio.shield(task)
        finally:
            if task.done() and resolving.get(name) is task:
                del resolving[name]
        if len(kept) < MAX_KEPT:
            kept[key] = resolved
        return resolved

    def deployed(self) -> list[FunctionVersion]:
        """Every version of every function that can run here. Fetches their code. Blocks.

        Raises `ClientError` or `BotoCoreError` or `OSError` if the emulator did not answer, or a function went
        meanwhile.
        """
        versions = []
        for page in self.client.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                name = function["FunctionName"]
                for configuration in self.client.list_versions_by_function(FunctionName=name)["Versions"]:
                    with contextlib.suppress(UnavailableCodeError, ClientError):
                        versions.append(self._version(configuration))
        return versions

    def published(self, name: FunctionName) -> FunctionVersion:
        """A version, which may still be pending. Blocks.

        Raises `UnavailableCodeError`, or what the emulator's client raises.
        """
        return self._version(self.client.get_function_configuration(**name.parameters))

    def keep_code(self, configuration: Any) -> None:
        """Fetch the code of a version, if it can be had. Blocks."""
        with contextlib.suppress(UnavailableCodeError, *EMULATOR_ERRORS):
            self._version(configuration)

    def _ask(self, name: FunctionName) -> Resolved:
        function = self._function(name)
        if function is None:
            raise not_found(f"Function not found: {name.qualified_arn}")
        configuration = function["Configuration"]
        _check_state(configuration)
        account = self.client.get_account_settings()["AccountLimit"]
        try:
            return Resolved(
                name=name,
                version=self._version(configuration),
                invoked_arn=name.arn,
                reserved_concurrency=function.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
                unreserved_concurrency=account["UnreservedConcurrentExecutions"],
                events=self._event_settings(name, configuration),
                other_versions=tuple(self._other_versions(name)),
            )
        except UnavailableCodeError as error:
            raise service_error(502, "InvalidRuntimeException", str(error)) from error

    def _function(self, name: FunctionName) -> Any:
        try:
            return self.client.get_function(**name.parameters)
        except self.client.exceptions.ResourceNotFoundException:
            return None

    def _other_versions(self, name: FunctionName) -> list[tuple[FunctionVersion, float]]:
        if name.qualifier is None or name.qualifier.isdigit() or name.qualifier == "$LATEST":
            return []
        alias = self.client.get_alias(FunctionName=name.name, Name=name.qualifier)
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        shares = []
        for number, share in weights.items():
            function = self._function(FunctionName(name.name, number))
            if function is not None:
                shares.append((self._version(function["Configuration"]), float(share)))
        return shares

    def _event_settings(self, name: FunctionName, configuration: Any) -> EventSettings:
        asked = FunctionName(name.name) if name.qualifier == "$LATEST" else name
        try:
            found = self.client.get_function_event_invoke_config(**asked.parameters)
        except self.client.exceptions.ResourceNotFoundException:
            found = {}
        destinations = found.get("DestinationConfig", {})
        return EventSettings(
            maximum_retry_attempts=found.get("MaximumRetryAttempts", EventSettings.maximum_retry_attempts),
            maximum_event_age_s=found.get("MaximumEventAgeInSeconds", EventSettings.maximum_event_age_s),
            on_success=destinations.get("OnSuccess", {}).get("Destination"),
            on_failure=destinations.get("OnFailure", {}).get("Destination"),
            dead_letter=configuration.get("DeadLetterConfig", {}).get("TargetArn") or None,
        )

    def _version(self, configuration: Any) -> FunctionVersion:
        code, layers = self._code.folders(configuration)
        name, version = configuration["FunctionName"], configuration["Version"]
        logging = configuration.get("LoggingConfig", {})
        snap_start = configuration.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
        made = FunctionVersion(
            name=name,
            version=version,
            # Not the ARN of the answer, which is that of the alias if an alias was asked for.
            arn=FunctionName(name, None if version == "$LATEST" else version).arn,
            handler=configuration["Handler"],
            runtime=configuration["Runtime"],
            memory_mb=configuration["MemorySize"],
            timeout_s=float(configuration["Timeout"]),
            tmp_mb=configuration.get("EphemeralStorage", {}).get("Size", 512),
            environment=tuple(sorted(configuration.get("Environment", {}).get("Variables", {}).items())),
            code_dir=code,
            layers_dir=layers,
            log_group=logging.get("LogGroup", f"/aws/lambda/{name}"),
            log_format=logging.get("LogFormat", "Text"),
            application_log_level=logging.get("ApplicationLogLevel", "INFO"),
            system_log_level=logging.get("SystemLogLevel", "INFO"),
            snap_start=snap_start and version != "$LATEST",
            traced=configuration.get("TracingConfig", {}).get("Mode") == "Active",
            architecture=configuration.get("Architectures", ["x86_64"])[0],
            region=REGION,
        )
        return self._versions.setdefault(made, made)


def _check_state(configuration: Any) -> None:
    state = configuration.get("State")
    if state in {"Pending", "Failed"}:
        raise not_now(state)
