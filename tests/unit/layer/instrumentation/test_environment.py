import os
from datetime import UTC, datetime

import pytest

from instrumentation.environment import Environment
from tests.unit.layer.hooks import SnapStart


def test_the_first_invocation_is_a_cold_start_and_the_next_is_not() -> None:
    environment = Environment()
    first, second = environment.begin_invocation(), environment.begin_invocation()
    assert (first["invocation"], first["cold_start"], first["restored"]) == (1, True, False)
    assert (second["invocation"], second["cold_start"], second["restored"]) == (2, False, False)
    assert first["id"] == second["id"]
    assert first["pid"] == os.getpid()


def test_an_environment_of_provisioned_concurrency_was_not_started_for_its_first_invocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")
    first = Environment().begin_invocation()
    assert (first["invocation"], first["cold_start"], first["restored"]) == (1, False, False)


def test_started_at_is_iso_8601_with_its_zone() -> None:
    before = datetime.now(UTC)
    started_at = datetime.fromisoformat(Environment().begin_invocation()["started_at"])
    assert abs(started_at - before).total_seconds() < 5


def test_no_two_environments_are_one() -> None:
    assert Environment().begin_invocation()["id"] != Environment().begin_invocation()["id"]


def test_a_restored_environment_is_a_new_one_and_never_a_cold_start(snap_start: SnapStart) -> None:
    environment = Environment()
    taken = environment.begin_invocation()
    snap_start.snapshot()
    snap_start.restore()
    first, second = environment.begin_invocation(), environment.begin_invocation()
    assert first["id"] != taken["id"]
    assert first["started_at"] >= taken["started_at"]
    assert [(answer["invocation"], answer["cold_start"], answer["restored"]) for answer in (first, second)] == [
        (1, False, True),
        (2, False, True),
    ]
