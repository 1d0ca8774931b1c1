"""Before a run on AWS, against a double: what is done, in which order, once the user agreed."""

import json
from collections.abc import Iterator

import pytest

from facts.names import Names
from lab.aws.connection import Connection
from lab.deploy.items import open_store
from lab.deploy.lifecycle import Seeded
from lab.run import prepare
from lab.run.settings import RunSettings
from lab.steps import Steps
from tests.unit.lab.aws.aws_double import CONFIGURATION, Answer, AwsDouble, json_error


class Sleeping(AwsDouble):
    """A version that is Inactive until it is invoked, and not by a dry run."""

    def answer(self, request: str) -> tuple[str, Answer]:
        active = self.asked.count("invoke") > 1
        state = {"State": "Active" if active else "Inactive", "Version": "3"}
        self.answers["configuration"] = Answer(200, json.dumps(CONFIGURATION | state))
        self.answers["invoke"] = json_error(409, "SnapStartNotReadyException", "Lambda is initializing your function.")
        return super().answer(request)


@pytest.fixture
def sleeping(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sleeping]:
    double = Sleeping()
    with double.serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield double


def test_an_inactive_version_is_activated_after_the_consent_and_after_the_items(
    sleeping: Sleeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    connection = Connection(target="aws", endpoint_url=None)

    def seed(*_: object) -> Seeded:
        said.append(f"seeded after {sleeping.asked.count('invoke')} invocation")
        return Seeded(open_store("dynamodb", connection, Names()), {})

    monkeypatch.setattr(prepare, "seed_items", seed)
    settings = RunSettings(variants=("snapstart",), target="aws", repeat=None)
    prepare.prepare_aws(settings, "r", connection, lambda lines: said.append(f"asked: {lines[-1]}"), Steps(said.append))

    assert [line.partition(":")[0] for line in said] == [
        "asked",
        "seeded after 1 invocation",
        "version 3 of cache-lab-snapstart is Inactive",
        "version 3 of cache-lab-snapstart is Active",
    ]
    assert "is Inactive" in said[0]
    assert [
        headers.get("X-Amz-Invocation-Type")
        for name, headers in zip(sleeping.asked, sleeping.headers, strict=True)
        if name == "invoke"
    ] == ["DryRun", None]


def test_repetitions_with_versions_of_their_own_need_no_activation(
    sleeping: Sleeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    connection = Connection(target="aws", endpoint_url=None)
    monkeypatch.setattr(prepare, "seed_items", lambda *_: Seeded(open_store("dynamodb", connection, Names()), {}))
    settings = RunSettings(variants=("snapstart",), target="aws", repeat=5, fresh_environments=True)

    prepare.prepare_aws(settings, "r", connection, lambda _: None, Steps(said.append))

    assert said == []
    assert sleeping.asked.count("invoke") == 1
