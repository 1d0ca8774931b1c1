"""New execution environments on AWS: a version of each function, published with a changed environment variable.

Environments belong to a version (AWS Lambda Developer Guide, "Manage Lambda function versions"), so the first requests
to a new version start new ones.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from facts.names import ALIAS
from facts.variables import REPETITION
from lab.aws.connection import Connection
from lab.aws.control_plane import ControlPlane
from lab.aws.errors import aws_errors
from lab.errors import LabError

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
        self._lambda = ControlPlane(connection, report)
        self._names = functions
        self._report = report
        self._functions: list[_Function] = []
        self._published = 0

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
            self._lambda.wait_until_updated(function.name)
        versions = [self._publish(function) for function in self._functions]
        for function, version in zip(self._functions, versions, strict=True):
            self._lambda.wait_until_active(function.name, version)
        for function, version in zip(self._functions, versions, strict=True):
            self._lead_to(function, version)

    def stop(self) -> None:
        """End a wait of `renew` in another thread."""
        self._lambda.stopped.set()

    def _read(self, name: str) -> _Function:
        read, doing = self._lambda.call, f"read the versions of {name}"
        latest = read(doing, "get_function_configuration", FunctionName=name)
        version = read(doing, "get_alias", FunctionName=name, Name=ALIAS)["FunctionVersion"]
        live = read(doing, "get_function_configuration", FunctionName=name, Qualifier=version)
        variables, own = _variables(latest), _variables(live)
        if [*map(latest.get, SAME), _without(variables)] != [*map(live.get, SAME), _without(own)]:
            raise LabError(f"{name} was changed after its version {version} was published; deploy again first")
        if REPETITION in own:  # a run was killed before it could put things back
            published = [each["Version"] for each in self._versions(name) if not _is_ours(each)]
            if not published:
                raise LabError(f"{name} has no version of its deployment; deploy again first")
            version = max(published, key=int)
        function = _Function(name, _without(variables), version)
        if REPETITION in variables or REPETITION in own:
            self._put_back(function)
        self._remove_versions(function)
        return function

    def _put_back(self, function: _Function) -> None:
        self._lambda.stopped.clear()
        self._lead_to(function, function.version)
        self._lambda.wait_until_updated(function.name)
        self._configure(function, function.variables)
        self._lambda.wait_until_updated(function.name)

    def _remove_versions(self, function: _Function) -> None:
        for version in list(filter(_is_ours, self._versions(function.name))):
            number = version["Version"]
            doing = f"remove version {number} of {function.name}"
            self._lambda.call(doing, "delete_function", FunctionName=function.name, Qualifier=number)

    def _versions(self, name: str) -> Iterator[dict[str, Any]]:
        """The published versions."""
        with aws_errors(f"list the versions of {name}"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
            yield from (each for page in pages for each in page["Versions"] if each["Version"] != "$LATEST")

    def _configure(self, function: _Function, variables: dict[str, str]) -> None:
        self._lambda.call(
            f"change the variables of {function.name}",
            "update_function_configuration",
            FunctionName=function.name,
            Environment={"Variables": variables},
        )

    def _publish(self, function: _Function) -> str:
        doing = f"publish a version of {function.name}"
        description = "of a run of lab; removed"
        answer = self._lambda.call(doing, "publish_version", FunctionName=function.name, Description=description)
        return str(answer["Version"])

    def _lead_to(self, function: _Function, version: str) -> None:
        doing = f"let alias {ALIAS} of {function.name} lead to version {version}"
        self._lambda.call(doing, "update_alias", FunctionName=function.name, Name=ALIAS, FunctionVersion=version)


def _variables(configuration: dict[str, Any]) -> dict[str, str]:
    return dict(configuration.get("Environment", {}).get("Variables", {}))


def _without(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name != REPETITION}


def _is_ours(version: dict[str, Any]) -> bool:
    return REPETITION in _variables(version)
