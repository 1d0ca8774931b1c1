import dataclasses

import pytest

from stacks.errors import ApplicationError
from stacks.settings import Settings


def test_the_defaults_are_what_the_readme_says() -> None:
    assert Settings.from_context({}) == Settings(
        architecture="arm64", source="dynamodb", ttl_s=10, keys=50, memory_mb=512, log_retention_days=7
    )


def test_the_command_line_gives_text_and_cdk_json_numbers() -> None:
    expected = Settings(architecture="x86_64", source="ssm", ttl_s=3, keys=200, memory_mb=1769, log_retention_days=30)
    numbers = dataclasses.asdict(expected)
    assert Settings.from_context(numbers) == expected
    assert Settings.from_context({name: str(value) for name, value in numbers.items()}) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("architecture", "riscv"),
        ("architecture", "ARM64"),
        ("source", "redis"),
        ("ttl_s", "0"),
        ("ttl_s", "soon"),
        ("ttl_s", "²"),
        ("ttl_s", "2.5"),
        ("ttl_s", ""),
        ("keys", "-1"),
        ("keys", "10001"),
        ("memory_mb", "127"),
        ("memory_mb", "10241"),
        ("log_retention_days", "2"),
    ],
)
def test_a_wrong_value_is_one_line_with_the_input_and_the_remedy(name: str, value: str) -> None:
    with pytest.raises(ApplicationError) as error:
        Settings.from_context({name: value})
    text = str(error.value)
    assert f"{name}={value!r}" in text
    assert f"-c {name}=" in text
    assert "\n" not in text


def test_a_misspelt_setting_is_not_ignored() -> None:
    with pytest.raises(ApplicationError, match=r"'architechture' is not a setting; these are: architecture, "):
        Settings.from_context({"architechture": "arm64"})


def test_the_keys_of_the_cdk_are_not_settings() -> None:
    context = {
        "@aws-cdk/core:explicitStackTags": True,
        "aws:cdk:bundling-stacks": ["**"],
        "availability-zones:account=1:region=us-east-1": ["us-east-1a"],
        "cli-telemetry": False,
    }
    assert Settings.from_context(context) == Settings()


def test_settings_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().ttl_s = 1  # type: ignore[misc]
