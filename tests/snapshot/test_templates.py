"""The templates as they are reviewed: the baseline's in full, of the other variants the differences from it."""

import difflib
import json
import re

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from functions.registry import VARIANTS, Variant
from tests.snapshot.synthesis import NAMES, Assembly, readable, without_names

BASELINE, *OTHERS = VARIANTS
IN_FULL = [NAMES.source_stack, NAMES.stack_name(BASELINE.name), NAMES.comparison_stack]


@pytest.mark.parametrize("stack", IN_FULL)
def test_template(stack: str, assembly: Assembly, snapshot: SnapshotAssertion) -> None:
    assert readable(assembly.templates[stack]) == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("variant", OTHERS, ids=lambda variant: variant.name)
def test_difference_from_the_baseline(variant: Variant, assembly: Assembly, snapshot: SnapshotAssertion) -> None:
    """The name of the stack and the texts of the registry are replaced by `<field>` on both sides."""
    own, baseline = _lines(variant, assembly), _lines(BASELINE, assembly)
    difference = difflib.unified_diff(baseline, own, BASELINE.name, variant.name, n=4, lineterm="")
    assert "\n".join(difference) == snapshot


def test_there_is_a_snapshot_of_every_stack(assembly: Assembly) -> None:
    assert set(assembly.templates) == {*IN_FULL, *(NAMES.stack_name(variant.name) for variant in OTHERS)}


def test_the_mask_hides_all_hashes_of_the_code(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        assert not re.search(r"[0-9a-f]{32}", json.dumps(readable(template)))


def _lines(variant: Variant, assembly: Assembly) -> list[str]:
    template = without_names(readable(assembly.templates[NAMES.stack_name(variant.name)]), variant)
    return json.dumps(template, indent=2, ensure_ascii=False).splitlines()
