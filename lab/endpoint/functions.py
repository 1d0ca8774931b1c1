"""Function versions as the emulator's Lambda API tells them, with their code and layers unpacked for the engine."""

import asyncio
import base64
import contextlib
import dataclasses
import hashlib
import io
import re
import shutil
import threading
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import botocore.exceptions

from lab.endpoint.emulator import ACCESS_KEY, REGION
from lab.engine.function import FunctionVersion

NAME = re.compile(
    r"(?:(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?(?:\d{12}:))?(?:function:)?(?P<name>[A-Za-z0-9_-]{1,64})"
    r"(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)


class UnknownFunctionError(Exception):
    """There is no such function, version or alias. The text is its ARN."""


class UnavailableCodeError(Exception):
    """The code of a version cannot be fetched. The text says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Resolved:
    """What a name and qualifier mean: a version, and the ARN that was invoked."""

    version: FunctionVersion
    invoked_arn: str


def split_name(text: str) -> tuple[str, str | None]:
    """Name and qualifier of a function name, partial ARN or ARN.

    Raises:
        ValueError: it is none of them.
    """
    match = NAME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return match["name"], match["qualifier"]


class Functions:
    """Resolves names and qualifiers to function versions.

    An answer is kept until `changed` is called: the front door does so for every control plane request that passes it,
    so that whoever sees a deployment completed also finds it served.
    """

    def __init__(self, emulator_url: str, folder: Path) -> None:
        self._folder = folder
        self._client = boto3.client(
            "lambda",
            endpoint_url=emulator_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )
        self._kept: dict[tuple[str, str | None], Resolved] = {}
        self._versions: dict[FunctionVersion, FunctionVersion] = {}
        self._lock = threading.Lock()

    def changed(self) -> None:
        """Something may have been deployed: ask again."""
        self._kept.clear()

    def kept(self, name: str, qualifier: str | None) -> Resolved | None:
        """The answer, if it is known already."""
        return self._kept.get((name, qualifier))

    async def resolve(self, name: str, qualifier: str | None) -> Resolved:
        """Ask the Lambda API.

        Raises:
            UnknownFunctionError: no such function, version or alias.
            UnavailableCodeError: its code cannot be fetched.
        """
        kept = self._kept
        resolved = await asyncio.to_thread(self._ask, name, qualifier)
        if kept is self._kept:
            kept[(name, qualifier)] = resolved
        return resolved

    async def deployed(self) -> list[FunctionVersion]:
        """Every version of every function, its code fetched while it can be: see `UnavailableCodeError`."""
        return await asyncio.to_thread(self._deployed)

    def _deployed(self) -> list[FunctionVersion]:
        versions = []
        for page in self._client.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                name = function["FunctionName"]
                for configuration in self._client.list_versions_by_function(FunctionName=name)["Versions"]:
                    with contextlib.suppress(UnavailableCodeError, botocore.exceptions.ClientError):
                        versions.append(self._version(configuration))
        return versions

    def _ask(self, name: str, qualifier: str | None) -> Resolved:
        arguments = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
        try:
            configuration = self._client.get_function_configuration(**arguments)
        except self._client.exceptions.ResourceNotFoundException:
            suffix = f":{qualifier}" if qualifier else ""
            account = "000000000000"
            arn = f"arn:aws:lambda:{REGION}:{account}:function:{name}{suffix}"
            raise UnknownFunctionError(arn) from None
        base = configuration["FunctionArn"].split(":function:")[0] + f":function:{name}"
        return Resolved(self._version(configuration), f"{base}:{qualifier}" if qualifier else base)

    def _version(self, configuration: Any) -> FunctionVersion:
        with self._lock:
            code = self._code(configuration["FunctionName"], configuration["CodeSha256"])
            layers = self._layers([layer["Arn"] for layer in configuration.get("Layers", [])])
        name, version = configuration["FunctionName"], configuration["Version"]
        made = FunctionVersion(
            name=name,
            version=version,
            arn=configuration["FunctionArn"],
            handler=configuration["Handler"],
            runtime=configuration["Runtime"],
            memory_mb=configuration["MemorySize"],
            timeout_s=float(configuration["Timeout"]),
            tmp_mb=configuration.get("EphemeralStorage", {}).get("Size", 512),
            environment=tuple(sorted(configuration.get("Environment", {}).get("Variables", {}).items())),
            code_dir=code,
            layers_dir=layers,
            log_group=configuration.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}"),
            snap_start=configuration.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
            and version != "$LATEST",
            region=REGION,
        )
        return self._versions.setdefault(made, made)

    def _code(self, name: str, sha256: str) -> Path:
        target = self._folder / "code" / sha256.replace("/", "_").rstrip("=")
        if not target.is_dir():
            location = self._client.get_function(FunctionName=name)["Code"]["Location"]
            content = _fetch(location)
            if base64.b64encode(hashlib.sha256(content).digest()).decode() != sha256:
                raise UnavailableCodeError(
                    f"the code of a past version of {name} is no longer to be had from the emulator, which keeps the "
                    f"newest only; publish the version while this endpoint is running"
                )
            _unpack([content], target)
        return target

    def _layers(self, arns: list[str]) -> Path:
        key = hashlib.sha256("\n".join(arns).encode()).hexdigest()
        target = self._folder / "layers" / key
        if not target.is_dir():
            answers = [self._client.get_layer_version_by_arn(Arn=arn) for arn in arns]
            _unpack([_fetch(answer["Content"]["Location"]) for answer in answers], target)
        return target


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the emulator's own address
        content: bytes = answer.read()
    return content


def _unpack(archives: list[bytes], target: Path) -> None:
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for content in archives:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(partial)
            for entry in archive.infolist():
                mode = entry.external_attr >> 16
                if mode & 0o111:
                    (partial / entry.filename).chmod(mode & 0o777 | 0o400)
    partial.replace(target)
