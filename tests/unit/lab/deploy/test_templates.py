"""What the lab reads in templates."""

from lab.deploy.templates import Template, key_count, variant_functions


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
