"""The line that a function prints, read by a strict parser of JSON."""

import json
import math
from typing import Any, NoReturn

import pytest

from warmcache.emf import Value, emf_line


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _parsed(**values: float) -> dict[str, Any]:
    line = emf_line(
        "N",
        dimensions={"Variant": "v"},
        metrics={name: Value(value, "Milliseconds") for name, value in values.items()},
        properties={"request_id": "NaN", **{f"{name}_property": value for name, value in values.items()}},
        timestamp=1.5,
    )
    content: dict[str, Any] = json.loads(line, parse_constant=_no_json)
    return content


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_emf_contains_no_nan_or_infinity(value: float) -> None:
    content = _parsed(Age=value, Latency=2.5)
    assert content == {
        "_aws": {
            "Timestamp": 1500,
            "CloudWatchMetrics": [
                {
                    "Namespace": "N",
                    "Dimensions": [["Variant"]],
                    "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}],
                }
            ],
        },
        "Variant": "v",
        "Latency": 2.5,
        "request_id": "NaN",
        "Latency_property": 2.5,
    }


def test_emf_without_a_usable_value_is_still_a_valid_line() -> None:
    content = _parsed(Age=math.nan)
    assert content["_aws"]["CloudWatchMetrics"][0]["Metrics"] == []
    assert content.keys() == {"_aws", "Variant", "request_id"}
