"""What the lab reads in templates; and what both sides have to say alike, since neither imports the other."""

import dataclasses
import json

import pytest

from docs.running_cost import TEMPLATES
from functions.registry import VARIANTS
from lab.drive import deployment, fleet
from lab.drive.invoke import ALIAS, FUNCTION_PREFIX
from lab.drive.settings import Settings as RunSettings
from lab.templates import Template, key_count, variant_functions
from stacks import names
from stacks.settings import Settings as ApplicationSettings
from warmcache.settings import Settings as FunctionSettings


def _function(**variables: str) -> dict[str, object]:
    return {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}


def test_the_number_of_items_is_read_from_the_functions_of_the_variants() -> None:
    variant = _function(CACHE_LAB_VARIANT="no_cache", CACHE_LAB_KEYS="7")
    driver = {"Type": "AWS::Lambda::Function", "Properties": {}}
    templates: list[Template] = [
        {"Resources": {"Driver": driver}},
        {"Resources": {"A": variant}},
        {"Resources": {"B": variant}},
    ]

    assert key_count(templates) == 7
    assert len(variant_functions(templates)) == 2


def _default(settings: type) -> object:
    (field,) = (each for each in dataclasses.fields(settings) if each.name == "keys")
    return field.default


@pytest.mark.parametrize("settings", [RunSettings, ApplicationSettings, FunctionSettings])
def test_all_sides_take_as_many_items_where_nobody_says(settings: type) -> None:
    templates = [json.loads(path.read_text(encoding="utf-8")) for path in TEMPLATES.glob("*.json")]
    assert _default(settings) == key_count(templates)


def test_both_sides_call_what_is_deployed_by_the_same_names() -> None:
    assert (deployment.SOURCE_STACK, deployment.COMPARISON_STACK) == (names.SOURCE_STACK, names.COMPARISON_STACK)
    assert fleet.LOAD_STACK == names.LOAD_STACK
    for variant in VARIANTS:
        assert deployment.variant_stack(variant.name) == names.stack_name(variant.name)
        assert f"{FUNCTION_PREFIX}{variant.name}:{ALIAS}" == names.alias_resource(variant.name)
