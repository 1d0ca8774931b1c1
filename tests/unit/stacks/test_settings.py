import dataclasses

import pytest

from functions.registry import VARIANTS
from stacks.errors import ApplicationError
from stacks.settings import ApplicationSettings, settings_table
from tests.snapshot.synthesis import ROOT

ALL = tuple(variant.name for variant in VARIANTS)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"


def test_the_defaults() -> None:
    assert ApplicationSettings.from_context({}) == ApplicationSettings(
        variants=tuple(variant.name for variant in VARIANTS if variant.default),
        source="dynamodb",
        ttl_s=1.0,
        keys=8,
        memory_mb=512,
        architecture="arm64",
        reserved_concurrency=None,
        provisioned_concurrency=None,
        function_url=False,
        log_format="text",
        log_retention_days=7,
        tracing=False,
        alarms=True,
        alarm_count=1,
        alarm_p99_ms=1000,
        alarm_topic=None,
    )


def test_the_command_line_gives_text_and_cdk_json_numbers_and_switches() -> None:
    given: dict[str, object] = {
        "architecture": "x86_64",
        "source": "ssm",
        "ttl_s": 3,
        "memory_mb": 1769,
        "log_retention_days": 30,
        "reserved_concurrency": 20,
        "provisioned_concurrency": "none",
        "tracing": True,
        "alarms": False,
        "alarm_topic": TOPIC,
    }
    expected = ApplicationSettings(
        architecture="x86_64",
        source="ssm",
        ttl_s=3,
        memory_mb=1769,
        log_retention_days=30,
        reserved_concurrency=20,
        tracing=True,
        alarms=False,
        alarm_topic=TOPIC,
    )
    assert ApplicationSettings.from_context(given) == expected
    texts = {name: str(value) for name, value in given.items()} | {"tracing": "true", "alarms": "false"}
    assert ApplicationSettings.from_context(texts) == expected


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ("all", ALL),
        ("ttl_cache", ("no_cache", "ttl_cache")),
        ("snapstart,no_cache,module_cache", ("no_cache", "module_cache", "snapstart")),
    ],
)
def test_chosen_variants_stand_in_the_registrys_order_with_the_baseline(given: str, chosen: tuple[str, ...]) -> None:
    assert ApplicationSettings.from_context({"variants": given}).variants == chosen


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("architecture", "riscv"),
        ("architecture", "ARM64"),
        ("source", "redis"),
        ("ttl_s", "0"),
        ("ttl_s", "soon"),
        ("ttl_s", "²"),
        ("ttl_s", "0.09"),
        ("ttl_s", "86400.1"),
        ("ttl_s", "2.0001"),
        ("ttl_s", "nan"),
        ("ttl_s", ""),
        ("keys", "-1"),
        ("keys", "10001"),
        ("memory_mb", "127"),
        ("memory_mb", "10241"),
        ("log_retention_days", "2"),
        ("variants", "no_such_variant"),
        ("variants", "ttl_cache, tmp_cache"),
        ("variants", ""),
        ("log_format", "JSON"),
        ("tracing", "yes"),
        ("alarms", "1"),
        ("alarm_count", "0"),
        ("alarm_p99_ms", "10001"),
        ("alarm_topic", "on-call"),
        ("alarm_topic", "arn:aws:sqs:eu-west-1:123456789012:on-call"),
        ("reserved_concurrency", "0"),
        ("provisioned_concurrency", "many"),
    ],
)
def test_a_wrong_value_is_one_line_with_the_input_and_the_remedy(name: str, value: str) -> None:
    with pytest.raises(ApplicationError) as error:
        ApplicationSettings.from_context({name: value})
    text = str(error.value)
    assert f"{name}={value!r}" in text
    assert f"-c {name}=" in text
    assert "\n" not in text


def test_the_example_in_a_message_can_be_given() -> None:
    for field in dataclasses.fields(ApplicationSettings):
        with pytest.raises(ApplicationError) as error:
            ApplicationSettings.from_context({field.name: "?"})
        name, _, value = str(error.value).rpartition("-c ")[2].partition("=")
        assert getattr(ApplicationSettings.from_context({name: value}), field.name) == field.default


def test_no_more_can_be_provisioned_than_is_reserved() -> None:
    assert ApplicationSettings.from_context({"reserved_concurrency": "5", "provisioned_concurrency": "5"})
    with pytest.raises(ApplicationError, match="provisioned_concurrency=6 is more than reserved_concurrency=5; for ex"):
        ApplicationSettings.from_context({"reserved_concurrency": "5", "provisioned_concurrency": "6"})


def test_the_table_in_the_docs_is_that_of_the_settings() -> None:
    text = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert settings_table() in text, "run `make docs`"
    for field in dataclasses.fields(ApplicationSettings):
        assert f"| `{field.name}` |" in settings_table()
        assert field.metadata["help"]


def test_a_misspelt_setting_is_not_ignored() -> None:
    with pytest.raises(ApplicationError, match=r"'architechture' is not a setting; these are: variants, source, "):
        ApplicationSettings.from_context({"architechture": "arm64"})


def test_the_keys_of_the_cdk_are_not_settings() -> None:
    context = {
        "@aws-cdk/core:explicitStackTags": True,
        "aws:cdk:bundling-stacks": ["**"],
        "availability-zones:account=1:region=us-east-1": ["us-east-1a"],
        "cli-telemetry": False,
        "acknowledged-issue-numbers": [34892],
    }
    assert ApplicationSettings.from_context(context) == ApplicationSettings()


@pytest.mark.parametrize("name", ["ttl-s", "acknowledged_issue_numbers", "acknowledged", "cli-"])
def test_what_only_looks_like_a_key_of_the_cdk_is_refused(name: str) -> None:
    with pytest.raises(ApplicationError, match=f"'{name}' is not a setting"):
        ApplicationSettings.from_context({name: "1"})


def test_settings_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ApplicationSettings().ttl_s = 1  # type: ignore[misc]
