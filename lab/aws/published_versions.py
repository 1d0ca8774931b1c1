"""New execution environments on AWS: a version of each function, published with a changed environment variable.

Environments belong to a version (AWS Lambda Developer Guide, "Manage Lambda function versions"), so the first requests
to a new version start new ones.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from facts.names import ALIAS
from facts.variables import REPETITION
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.errors import LabError

BETWEEN_S: Final = 0.5
PATIENCE_S: Final = 900.0
"""For a version to become ready: a snapshot takes some minutes."""
SAME: Final = ("CodeSha256", "MemorySize", "Timeout", "Runtime", "Architectures")


@dataclasses.dataclass(slots=True)
class _Function:
    """A function as it was: its variables, and the version that its alias leads to."""

    name: str
    variables: dict[str, str]
    version: str


class PublishedVersions:
    """New versions of functions, and the way back. A context manager: leaving it puts everything back.

    Putting back is tried for every function; what fails is reported and does not hide another error.
    """

    def __init__(self, connection: Connection, functions: Sequence[str], report: Callable[[str], None]) -> None:
        """Args: functions: their names; report: shows a line to the user."""
        self._client = connection.client("lambda")
        self._names = functions
        self._report = report
        self._functions: list[_Function] = []
        self._published = 0
        self._stopped = threading.Event()

    def __enter__(self) -> "PublishedVersions":
        """Read the functions as they are.

        Raises `LabError` if an alias leads to other code than the function's own: its next version would be other.
        """
        self._functions = [self._read(name) for name in self._names]
        return self

    def __exit__(self, *_: object) -> None:
        if self._published:
            self._report("put the functions and aliases back, and remove the versions")
            for function in self._functions:
                for undo in (self._put_back, self._remove_versions):
                    try:
                        undo(function)
                    except LabError as error:
                        self._report(f"{error}; the next run with --fresh-environments tries it again")

    def renew(self) -> None:
        """Publish a version of each function, wait until all are ready, and let the aliases lead to them.

        Raises `LabError` if AWS refuses, a version does not become ready in time, or `stop` was called.
        """
        self._published += 1
        value = f"{int(time.time())}-{self._published}"
        for function in self._functions:
            self._configure(function, function.variables | {REPETITION: value})
        for function in self._functions:
            self._wait(function, "$LATEST", "LastUpdateStatus", "Successful")
        versions = [self._publish(function) for function in self._functions]
        for function, version in zip(self._functions, versions, strict=True):
            self._wait(function, version, "State", "Active")
        for function, version in zip(self._functions, versions, strict=True):
            self._lead_to(function, version)

    def stop(self) -> None:
        """End a wait of `renew` in another thread."""
        self._stopped.set()

    def _read(self, name: str) -> _Function:
        with aws_errors(f"read the versions of {name}"):
            latest = self._client.get_function_configuration(FunctionName=name)
            version = self._client.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
            live = self._client.get_function_configuration(FunctionName=name, Qualifier=version)
        variables, own = _variables(latest), _variables(live)
        if [*map(latest.get, SAME), _without(variables)] != [*map(live.get, SAME), _without(own)]:
            raise LabError(f"{name} was changed after its version {version} was published; deploy again first")
        if REPETITION in own:  # a run was killed before it could put things back
            published = [each["Version"] for each in self._versions(name) if not _is_ours(each)]
            if not published:
                raise LabError(f"{name} has no version of its deployment; run `lab deploy --target aws` first")
            version = max(published, key=int)
        function = _Function(name, _without(variables), version)
        if REPETITION in variables or REPETITION in own:
            self._put_back(function)
        self._remove_versions(function)
        return function

    def _put_back(self, function: _Function) -> None:
        self._lead_to(function, function.version)
        self._stopped.clear()
        self._wait(function, "$LATEST", "LastUpdateStatus", "Successful")
        self._configure(function, function.variables)
        self._wait(function, "$LATEST", "LastUpdateStatus", "Successful")

    def _remove_versions(self, function: _Function) -> None:
        for version in list(filter(_is_ours, self._versions(function.name))):
            with aws_errors(f"remove version {version['Version']} of {function.name}"):
                self._client.delete_function(FunctionName=function.name, Qualifier=version["Version"])

    def _versions(self, name: str) -> Iterator[dict[str, Any]]:
        """The published versions."""
        with aws_errors(f"list the versions of {name}"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
            yield from (each for page in pages for each in page["Versions"] if each["Version"] != "$LATEST")

    def _configure(self, function: _Function, variables: dict[str, str]) -> None:
        with aws_errors(f"change the variables of {function.name}"):
            self._client.update_function_configuration(FunctionName=function.name, Environment={"Variables": variables})

    def _publish(self, function: _Function) -> str:
        with aws_errors(f"publish a version of {function.name}"):
            answer = self._client.publish_version(FunctionName=function.name, Description="of a run of lab; removed")
        return str(answer["Version"])

    def _lead_to(self, function: _Function, version: str) -> None:
        with aws_errors(f"let alias {ALIAS} of {function.name} lead to version {version}"):
            self._client.update_alias(FunctionName=function.name, Name=ALIAS, FunctionVersion=version)

    def _wait(self, function: _Function, version: str, field: str, wanted: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            with aws_errors(f"read the state of {function.name}"):
                found = self._client.get_function_configuration(FunctionName=function.name, Qualifier=version)
            if found[field] == wanted:
                return
            if found[field] == "Failed" or time.monotonic() > until:
                reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or found[field]
                raise LabError(f"version {version} of {function.name} is not ready: {reason}; deploy again")
            if self._stopped.wait(BETWEEN_S):
                raise LabError("stopped while versions were published")


def _variables(configuration: dict[str, Any]) -> dict[str, str]:
    return dict(configuration.get("Environment", {}).get("Variables", {}))


def _without(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name != REPETITION}


def _is_ours(version: dict[str, Any]) -> bool:
    return REPETITION in _variables(version)
