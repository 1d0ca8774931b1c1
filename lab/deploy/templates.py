"""What the lab reads in the application's synthesized templates."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from facts import variables

Template: TypeAlias = Mapping[str, Any]

FUNCTION = "AWS::Lambda::Function"


def properties(kind: str, templates: Iterable[Template]) -> Iterator[Mapping[str, Any]]:
    """The properties of every resource of a type, such as ``AWS::Lambda::Function``."""
    for template in templates:
        for resource in template["Resources"].values():
            if resource["Type"] == kind:
                yield resource.get("Properties", {})


def variant_functions(templates: Iterable[Template]) -> list[Mapping[str, Any]]:
    """The properties of the variants' functions."""
    functions = properties(FUNCTION, templates)
    return [each for each in functions if variables.VARIANT in each.get("Environment", {}).get("Variables", {})]


def key_count(templates: Iterable[Template]) -> int:
    """The number of items that the functions are configured for: the setting ``keys``, or its default."""
    (count,) = {int(each["Environment"]["Variables"][variables.KEYS]) for each in variant_functions(templates)}
    return count
