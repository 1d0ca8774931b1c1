import dataclasses

import pytest

from instrumentation.settings import FunctionSettings

LEAST = {"CACHE_LAB_VARIANT": "no_cache", "CACHE_LAB_TABLE": "cache-lab-items"}


def test_what_is_not_given_has_its_default() -> None:
    assert FunctionSettings.from_environment(LEAST) == FunctionSettings(
        variant="no_cache", source="dynamodb", table="cache-lab-items", bucket="", ttl_s=1.0, keys=8
    )


def test_everything_can_be_given() -> None:
    given = {
        "CACHE_LAB_VARIANT": "snapstart",
        "CACHE_LAB_SOURCE": "s3",
        "CACHE_LAB_BUCKET": "b",
        "CACHE_LAB_TTL_S": "0.5",
        "CACHE_LAB_KEYS": "0",
    }
    assert FunctionSettings.from_environment(given) == FunctionSettings(
        variant="snapstart", source="s3", bucket="b", ttl_s=0.5, keys=0
    )


def test_settings_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FunctionSettings.from_environment(LEAST).ttl_s = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"CACHE_LAB_VARIANT": ""}, "CACHE_LAB_VARIANT is not set"),
        ({"CACHE_LAB_TABLE": ""}, "CACHE_LAB_TABLE is not set"),
        ({"CACHE_LAB_SOURCE": "s3"}, "CACHE_LAB_BUCKET is not set"),
        ({"CACHE_LAB_SOURCE": "redis"}, "CACHE_LAB_SOURCE is 'redis': give one of dynamodb, ssm"),
        ({"CACHE_LAB_TTL_S": "soon"}, "CACHE_LAB_TTL_S is 'soon': give a number of seconds"),
        ({"CACHE_LAB_TTL_S": "-1"}, "CACHE_LAB_TTL_S is '-1'"),
        ({"CACHE_LAB_TTL_S": "nan"}, "CACHE_LAB_TTL_S is 'nan'"),
        ({"CACHE_LAB_TTL_S": "inf"}, "CACHE_LAB_TTL_S is 'inf'"),
        ({"CACHE_LAB_TTL_S": ""}, "CACHE_LAB_TTL_S is ''"),
        ({"CACHE_LAB_KEYS": "-1"}, "CACHE_LAB_KEYS is '-1': give a whole number"),
        ({"CACHE_LAB_KEYS": "1.5"}, "CACHE_LAB_KEYS is '1.5'"),
        ({"CACHE_LAB_KEYS": "²"}, "CACHE_LAB_KEYS is '²'"),
    ],
)
def test_wrong_use_names_the_variable_and_the_remedy(given: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=r"^CACHE_LAB_\w+ ") as raised:
        FunctionSettings.from_environment(LEAST | given)
    assert str(raised.value).startswith(text)
