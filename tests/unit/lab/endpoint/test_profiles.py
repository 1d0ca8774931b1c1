"""Latency profiles that the user states in a file."""

import random
import statistics
from pathlib import Path

import pytest

from lab.endpoint.profiles import PROFILES, Latency, find_profile
from lab.errors import UsageError


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_named_profiles_are_found() -> None:
    assert {name: find_profile(name) for name in PROFILES} == PROFILES


def test_a_file_states_latencies_by_service_and_by_function(tmp_path: Path) -> None:
    profile = find_profile(
        write(
            tmp_path,
            """
            dynamodb = {p50_ms = 4, p99_ms = 15.5}
            s3 = {p50_ms = 30, p99_ms = 30}
            [functions.cache-lab-tmp_cache]
            dynamodb = {p50_ms = 1, p99_ms = 2}
            """,
        )
    )

    assert (profile.name, profile.text) == (
        "mine.toml",
        "of this file, log-normal p50/p99 ms: DynamoDB 4/15.5, S3 30/30; "
        "for cache-lab-tmp_cache log-normal p50/p99 ms: DynamoDB 1/2",
    )
    assert profile.latency("cache-lab-no_cache", "dynamodb") == Latency(4, 15.5)
    assert profile.latency("cache-lab-tmp_cache", "dynamodb") == Latency(1, 2)
    assert profile.latency("cache-lab-tmp_cache", "s3") == Latency(30, 30)
    assert profile.latency("cache-lab-tmp_cache", "ssm") is None


def test_the_drawn_latencies_have_the_stated_quantiles() -> None:
    source = random.Random(1)  # noqa: S311 -- latencies, no secrets
    drawn = [1000 * Latency(4, 15).sample_s(source) for _ in range(20_000)]

    assert statistics.median(drawn) == pytest.approx(4, rel=0.03)
    assert statistics.quantiles(drawn, n=100)[-1] == pytest.approx(15, rel=0.06)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "it has no latency"),
        ("dynamodb = ", "Invalid value"),
        ("dynamodb = 5", "dynamodb is not a table"),
        ("functions = 5", "functions is not a table"),
        ("[functions]\na = 5", "functions.a is not a table"),
        ("dynamo = {p50_ms = 1, p99_ms = 2}", "dynamo is not a service; give dynamodb, ssm"),
        ("[functions.a]\nredis = {p50_ms = 1, p99_ms = 2}", "functions.a.redis is not a service"),
        ("dynamodb = {p50_ms = 1}", "dynamodb needs p50_ms"),
        ("dynamodb = {p50_ms = 0, p99_ms = 2}", "dynamodb needs p50_ms above 0"),
        ("dynamodb = {p50_ms = 3, p99_ms = 2}", "dynamodb needs p50_ms"),
        ("dynamodb = {p50_ms = 1, p99_ms = inf}", "dynamodb needs p50_ms"),
        ("dynamodb = {p50_ms = nan, p99_ms = 2}", "dynamodb needs p50_ms"),
        ("dynamodb = {p50_ms = true, p99_ms = 2}", "dynamodb needs p50_ms"),
        ("dynamodb = {p50_ms = '1', p99_ms = 2}", "dynamodb needs p50_ms"),
        ("dynamodb = {p50_ms = 1, p99_ms = 2, p90_ms = 1}", "dynamodb needs p50_ms"),
    ],
)
def test_a_file_that_is_not_valid_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        find_profile(path)

    assert str(caught.value).startswith(f"the profile {path} is not valid: ")
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'mars' is not a file; give typical, none or a TOML file"):
        find_profile("mars")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\n")
    with pytest.raises(UsageError, match="is not valid: 'utf-8'"):
        find_profile(str(tmp_path / "binary.toml"))
