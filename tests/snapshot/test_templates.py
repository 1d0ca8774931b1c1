"""The templates as they are reviewed: the baseline's in full, of the other variants the differences from it."""

import copy
import difflib
import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from facts import names
from functions.registry import VARIANTS, Variant
from tests.snapshot.synthesis import Assembly, Template, dashboard_body, resource

BASELINE, *OTHERS = VARIANTS
IN_FULL = [names.SOURCE_STACK, names.stack_name(BASELINE.name), names.COMPARISON_STACK]
TEXTS = ("summary", "staleness", "choose_when", "title", "color", "name")
"""The fields of a variant that stand in its template, the longest texts first."""


@pytest.mark.parametrize("stack", IN_FULL)
def test_template(stack: str, assembly: Assembly, snapshot: SnapshotAssertion) -> None:
    assert _readable(assembly.templates[stack]) == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("variant", OTHERS, ids=lambda variant: variant.name)
def test_difference_from_the_baseline(variant: Variant, assembly: Assembly, snapshot: SnapshotAssertion) -> None:
    """The name of the stack and the texts of the registry are replaced by `<field>` on both sides."""
    own, baseline = _lines(variant, assembly), _lines(BASELINE, assembly)
    difference = difflib.unified_diff(baseline, own, BASELINE.name, variant.name, n=4, lineterm="")
    assert "\n".join(difference) == snapshot


def test_there_is_a_snapshot_of_every_stack(assembly: Assembly) -> None:
    assert set(assembly.templates) == {*IN_FULL, *(names.stack_name(variant.name) for variant in OTHERS)}


def test_the_mask_hides_all_hashes_of_the_code(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        assert not re.search(r"[0-9a-f]{32}", json.dumps(_readable(template)))


def _readable(template: Template) -> Template:
    """The template with its asset hashes masked, and a dashboard's body in place of its text."""
    readable = copy.deepcopy(template)
    if any(found["Type"] == "AWS::CloudWatch::Dashboard" for found in readable["Resources"].values()):
        resource(readable, "AWS::CloudWatch::Dashboard")["DashboardBody"] = dashboard_body(template)
    text = re.sub(r"\b[0-9a-f]{64}\b", "<asset hash>", json.dumps(readable))
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<version hash>", text)
    masked: Template = json.loads(text)
    return masked


def _lines(variant: Variant, assembly: Assembly) -> list[str]:
    template = _replaced(_readable(assembly.templates[names.stack_name(variant.name)]), variant)
    return json.dumps(template, indent=2, ensure_ascii=False).splitlines()


def _replaced(value: Any, variant: Variant) -> Any:
    match value:
        case dict():
            return {key: _replaced(inner, variant) for key, inner in value.items()}
        case list():
            return [_replaced(inner, variant) for inner in value]
        case str():
            value = value.replace(names.stack_name(variant.name), "<stack>")
            for field in TEXTS:
                value = value.replace(getattr(variant, field), f"<{field}>")
            return value
        case _:
            return value
