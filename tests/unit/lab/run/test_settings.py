"""The limits of each setting: an error is one line that names the flag."""

from typing import Any

import pytest

from lab.errors import UsageError
from lab.run.settings import RunSettings

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("setting", "flag", "values"),
    [
        ("rate", "--rate", [0, -1, 10_001, NAN, INF, -INF]),
        ("concurrency", "--concurrency", [0, -1, 1_001]),
        ("repeat", "--repeat", [0, -1, 101]),
        ("duration_s", "--duration", [0, -1, 86_401, NAN, INF]),
        ("keys", "--keys", [0, -1, 10_001]),
        ("skew", "--skew", [-0.1, 10.1, NAN, INF]),
        ("updates", "--updates", [-1, 1_001, NAN, INF]),
        ("seed", "--seed", [-1]),
    ],
)
def test_outside_the_limits(setting: str, flag: str, values: list[float]) -> None:
    for value in values:
        given: dict[str, Any] = {setting: value}
        with pytest.raises(UsageError, match=f"^{flag} .* is outside its limits; give a number ") as error:
            RunSettings(variants=("no_cache",), **given)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("rate", [0.1, 10_000]),
        ("duration_s", [0.1, 86_400]),
        ("keys", [1, 10_000]),
        ("skew", [0, 10]),
        ("updates", [0, 1_000]),
        ("seed", [0, 2**80]),
    ],
)
def test_at_the_limits(setting: str, values: list[float]) -> None:
    for value in values:
        given: dict[str, Any] = {setting: value}
        rest: dict[str, Any] = {"rate": 10, "concurrency": 1, "duration_s": 20, "repeat": None} | given
        if setting == "duration_s" and value == 86_400:
            rest["rate"] = 1
        assert getattr(RunSettings(variants=("no_cache",), **rest), setting) == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"--rate 0\.1 for --duration 2 is less than one group of 3 requests in each of 5 repetitions; raise one"),
        ({"repeat": None}, r"is less than one group of 3 requests; raise one"),
        ({"scenario": "burst"}, r"is less than one invocation in each of 5 repetitions; raise one"),
    ],
)
def test_a_repetition_without_an_invocation_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunSettings(variants=("no_cache",), rate=0.1, duration_s=2, **given)


@pytest.mark.parametrize(
    "given",
    [
        {"rate": 1000, "duration_s": 6000, "repeat": None},
        {"rate": 1000, "duration_s": 4500, "repeat": 5},  # one may be repeated
        {"rate": 10_000, "duration_s": 10, "repeat": 100},  # and all settle
    ],
)
def test_too_many_invocations_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="is more than 10,000,000 invocations in all; lower one"):
        RunSettings(variants=("a", "b"), **given)


def test_no_variant_is_refused() -> None:
    with pytest.raises(UsageError, match="--variant"):
        RunSettings(variants=())


def test_an_outage_needs_the_local_target() -> None:
    with pytest.raises(UsageError, match="--scenario outage cannot be combined with --target aws"):
        RunSettings(variants=("no_cache",), scenario="outage", target="aws")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "aws"}, "^--repeat needs --fresh-environments with --target aws"),
        ({"fleet": 2}, "^--fleet cannot be combined with --repeat"),
        ({"fresh_environments": True}, "^--fresh-environments needs --target aws"),
        ({"target": "aws", "fresh_environments": True, "repeat": None, "fleet": 1}, "^--fresh-environments .* --fleet"),
    ],
)
def test_where_repetitions_have_environments_of_their_own(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunSettings(variants=("no_cache",), **given)


@pytest.mark.parametrize("also", [{"via": "url"}, {"scenario": "outage"}])
def test_what_a_fleet_cannot_do(also: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"^--fleet cannot be combined with --(via url|scenario outage)"):
        RunSettings(variants=("no_cache",), fleet=2, **also)
