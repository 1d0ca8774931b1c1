"""Versions that are published for a run, and the way back, against ministack's control plane."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from facts.variables import REPETITION
from lab.aws.connection import Connection
from lab.aws.published_versions import PublishedVersions
from lab.errors import LabError

ROLE = "arn:aws:iam::000000000000:role/none"
VARIABLES = {"CACHE_LAB_TTL_S": "2"}


def code(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handler.py", text)
    return packed.getvalue()


class Functions:
    """Two functions of an account, and what is said about them."""

    def __init__(self, url: str) -> None:
        self.connection = Connection(target="local", endpoint_url=url)
        self.client: Any = self.connection.client("lambda")
        self.names = ("versions-a", "versions-b")
        self.said: list[str] = []

    def create(self) -> None:
        for name in self.names:
            self.client.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=ROLE,
                Handler="handler.handler",
                Code={"ZipFile": code("handler = None")},
                Environment={"Variables": VARIABLES},
            )
            version = self.client.publish_version(FunctionName=name)["Version"]
            self.client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def remove(self) -> None:
        for name in self.names:
            self.client.delete_function(FunctionName=name)

    def versions(self) -> PublishedVersions:
        return PublishedVersions(self.connection, self.names, self.said.append)

    def live(self, name: str) -> str:
        return str(self.client.get_alias(FunctionName=name, Name="live")["FunctionVersion"])

    def variables(self, name: str, version: str = "$LATEST") -> dict[str, str]:
        found = self.client.get_function_configuration(FunctionName=name, Qualifier=version)
        return dict(found["Environment"]["Variables"])

    def check_as_before(self) -> None:
        for name in self.names:
            found = self.client.list_versions_by_function(FunctionName=name)["Versions"]
            assert [each["Version"] for each in found] == ["$LATEST", "1"]
            assert self.live(name) == "1"
            assert self.variables(name) == VARIABLES


@pytest.fixture
def functions(ministack: str) -> Iterator[Functions]:
    found = Functions(ministack)
    found.create()
    yield found
    found.remove()


def test_each_repetition_has_a_version_of_each_function(functions: Functions) -> None:
    with functions.versions() as versions:
        for number in ("2", "3"):
            versions.renew()
            assert [functions.live(name) for name in functions.names] == [number, number]
            assert functions.variables("versions-a", number).items() > VARIABLES.items()
        values = [functions.variables("versions-a", number)[REPETITION] for number in ("2", "3")]
        assert values[0] != values[1]

    functions.check_as_before()


@pytest.mark.parametrize("error", [LabError, KeyboardInterrupt])
def test_all_is_put_back_after_an_error(functions: Functions, error: type[BaseException]) -> None:
    def fail() -> None:
        with functions.versions() as versions:
            versions.renew()
            raise error

    with pytest.raises(error):
        fail()
    functions.check_as_before()


def test_what_a_killed_run_left_is_put_back_by_the_next_one(functions: Functions) -> None:
    killed = functions.versions().__enter__()
    killed.renew()
    assert functions.live("versions-a") == "2"

    with functions.versions():
        functions.check_as_before()
    functions.check_as_before()


def test_code_that_is_not_published_is_refused(functions: Functions) -> None:
    functions.client.update_function_code(FunctionName="versions-b", ZipFile=code("handler = 1"))

    with pytest.raises(LabError, match="versions-b was changed after its version 1 was published; deploy again first"):
        functions.versions().__enter__()


def test_what_cannot_be_put_back_is_said_and_the_rest_is(functions: Functions) -> None:
    with functions.versions() as versions:
        versions.renew()
        functions.client.delete_alias(FunctionName="versions-a", Name="live")

    assert functions.live("versions-b") == "1"
    assert len(functions.said) == 2
    assert functions.said[1].startswith("cannot let alias live of versions-a lead to version 1: ")
    functions.client.create_alias(FunctionName="versions-a", Name="live", FunctionVersion="1")


def test_a_stop_ends_the_wait_for_a_version(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    with functions.versions() as versions:
        versions.stop()
        client = functions.client
        monkeypatch.setattr(versions._lambda, "_client", client)
        read = client.get_function_configuration
        monkeypatch.setattr(client, "get_function_configuration", lambda **asked: read(**asked) | {"State": "Pending"})
        with pytest.raises(LabError, match="stopped"):
            versions.renew()
        monkeypatch.undo()


def test_a_version_of_a_repetition_that_lambda_still_prepares_has_a_line(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with functions.versions() as versions:
        client = functions.client
        monkeypatch.setattr(versions._lambda, "_client", client)
        read, pending = client.get_function_configuration, iter([{"State": "Pending"}])

        def snapshot_first(**asked: Any) -> Any:
            return read(**asked) | (next(pending, {}) if asked.get("Qualifier") == "2" else {})

        monkeypatch.setattr(client, "get_function_configuration", snapshot_first)
        versions.renew()
        monkeypatch.undo()

    assert functions.said[:2] == [
        "version 2 of versions-a is Pending: Lambda prepares it; with SnapStart, that takes some minutes",
        "version 2 of versions-a is Active",
    ]
    functions.check_as_before()
