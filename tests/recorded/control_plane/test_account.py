"""The settings of the account."""

import itertools
from typing import Any

import pytest

from tests.engine.endpoint import zipped
from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import ControlPlane

API = "test_lambda_api.py, TestLambdaAccountSettings"


def settings(plane: ControlPlane) -> dict[str, Any]:
    return plane.do("get_account_settings").body


@behaviour("the account has five limits and two figures of usage", source=f"{API}.test_account_settings")
def test_settings(plane: ControlPlane) -> None:
    found = settings(plane)
    limits = {"CodeSizeUnzipped", "CodeSizeZipped", "ConcurrentExecutions", "TotalCodeSize"}
    assert set(found["AccountLimit"]) == limits | {"UnreservedConcurrentExecutions"}
    assert set(found["AccountUsage"]) == {"FunctionCount", "TotalCodeSize"}


@pytest.fixture(scope="module")
def sizes(plane: ControlPlane) -> list[int]:
    """How much each step adds to the size of all code."""
    name = plane.new()
    found = [settings(plane)["AccountUsage"]["TotalCodeSize"]]
    layer = {"LayerName": "recorded-account", "Content": {"ZipFile": zipped("")}}
    for operation, params in (
        ("update_function_configuration", {"FunctionName": name, "Timeout": 9}),
        ("get_function", {"FunctionName": name}),
        ("publish_version", {"FunctionName": name}),
        ("update_function_code", {"FunctionName": name, "ZipFile": zipped("handler = print"), "Publish": True}),
        ("publish_layer_version", layer),
    ):
        plane.do(operation, **params)
        found.append(settings(plane)["AccountUsage"]["TotalCodeSize"])
    return [after - before for before, after in itertools.pairwise(found)]


@behaviour(
    "a change of the configuration takes no storage, and the version of it does",
    source=f"{API}.test_account_settings_total_code_size_config_update",
)
def test_configuration(sizes: list[int]) -> None:
    assert sizes[0] == 0 < sizes[2]


@behaviour("new code with a version, and layers, take storage", source=f"{API}.test_account_settings_total_code_size")
def test_code(sizes: list[int]) -> None:
    assert min(sizes[3], sizes[4]) > 0
