"""Writes docs/results/template-checks.md from the seeded faults: `make template-checks`, some three minutes.

Other validators see each fault too, and the page says which of them report it.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from docs.markdown import table
from tests.snapshot import test_dashboard_faults as dashboards
from tests.snapshot import test_template_faults as templates
from tests.snapshot.synthesis import EVERYTHING_ON, ROOT, Assembly, Template, dashboard_body, resource, synthesize
from tests.snapshot.validators import IGNORED, linted, reviewed_template

PAGE: Final = ROOT / "docs" / "results" / "template-checks.md"
INTRODUCTION: Final = """# Faults that the template checks find

`python -m stacks.checks cdk.out` checks a synthesized cloud assembly. Each fault below is put into a copy of it by a
test, which fails unless the named rule reports it: `tests/snapshot/test_template_faults.py` and
`tests/snapshot/test_dashboard_faults.py`. `make template-checks` generates this page."""
MISSED: Final = """## What is still missed, and why

- **Conditions of IAM statements, permission boundaries and policies of the organization.** A statement with a condition
  counts as one that always applies. Only IAM can evaluate a request.
- **What the fleet's driver may do.** Its permissions follow from its code and not from its environment variables.
  Its role is checked for its log and its trust only.
- **Imports inside imported modules.** The checks read the imports of the handler's own file. A package that another
  package misses shows at the first invocation, so `make demo` finds it.
- **Insights beyond the lab's own.** `log-query` reports every command and function that `lab dashboard` cannot run. AWS
  knows more of them, so a valid query can be reported.
- **Metric math with functions other than `PERIOD`.** Names and parentheses are checked, the arguments are not.
- **Regions that are newer than the locked botocore** are reported as unknown.
- **Sizes that only a run can judge:** a timeout shorter than the slowest read, too little memory, a threshold that is
  too high. The checks know no load.
- **Text.** A heading or an introduction can say what the widgets do not show."""


class _Row(NamedTuple):
    """A seeded fault: its name, the rule that finds it, and the template with it; None if the asset has the fault."""

    name: str
    rule: str
    before: Template | None = None
    after: Template | None = None


def seeded() -> dict[str, str]:
    """The rule that finds each fault, by the fault's name."""
    found = {name: fault.rule for name, fault in templates.OURS.items()}
    found |= {f"in a layer, {name}": "layer-package" for name in templates.PACKAGES}
    return found | {f"on a dashboard, {name}": rule for name, (_, rule) in dashboards.FAULTS.items()}


def _rows(assembly: Assembly, everything_on: Assembly) -> Iterator[_Row]:
    for name, rule in seeded().items():
        if fault := templates.OURS.get(name):
            made = everything_on if fault.everything_on else assembly
            yield _Row(name, rule, made.templates[fault.stack], templates.changed(made, fault))
        elif seed := dashboards.FAULTS.get(name.removeprefix("on a dashboard, ")):
            before = assembly.templates[dashboards.STACK]
            body = dashboard_body(before)
            seed[0](body)
            after = copy.deepcopy(before)
            resource(after, "AWS::CloudWatch::Dashboard")["DashboardBody"] = {"Fn::Sub": json.dumps(body)}
            yield _Row(name, rule, before, after)
        else:
            yield _Row(name, rule)


def _page(rows: list[list[str]]) -> str:
    versions = f"cfn-lint {version('cfn-lint')} and cdk-nag {version('cdk-nag')}"
    counts = [sum(row[column] != "no" for row in rows) for column in (2, 3)]
    others = [
        [name, f"{tool} `{fault.rule}`"]
        for tool, faults in (("cfn-lint", templates.CFN_LINT), ("cdk-nag", templates.CDK_NAG))
        for name, fault in faults.items()
    ]
    return "\n\n".join([
        INTRODUCTION,
        f"Of {len(rows)} faults, {versions} report {counts[0]} and {counts[1]} when this page was generated.",
        table(["fault", "rule", "cfn-lint", "cdk-nag"], rows),
        "## Faults that are left to the other validators\n\nTests run both validators, and seed these faults.",
        table(["fault", "rule"], others),
        MISSED,
    ]) + "\n"  # fmt: skip


def _measured(row: _Row, known: dict[str, tuple[Counter[str], Counter[str]]]) -> list[str]:
    """A row of the table: which other validators report the fault as well."""
    if row.before is None or row.after is None:
        return [row.name, f"`{row.rule}`", "no", "no"]
    before = known.setdefault(json.dumps(row.before), _reported(row.before))
    reported = [sorted(now - then) for now, then in zip(_reported(row.after), before, strict=True)]
    return [row.name, f"`{row.rule}`", *(", ".join(f"`{rule}`" for rule in found) or "no" for found in reported)]


def _reported(template: Template) -> tuple[Counter[str], Counter[str]]:
    """How often each rule of cfn-lint and of cdk-nag reports a template."""
    with TemporaryDirectory() as folder:
        try:
            nag = [re.split(r"[\s\[]", found)[0] for found in reviewed_template(Path(folder), template).open]
        except RuntimeError:  # the CDK reads the template for cdk-nag, and takes no reference to nothing
            nag = ["refused by the CDK"]
    # W1020 reports only the Fn::Sub in which a changed body stands here.
    return Counter(rule for rule in linted(template) if rule not in (*IGNORED, "W1020")), Counter(nag)


def _write() -> None:
    with TemporaryDirectory() as folder:
        made: list[Assembly] = []
        contexts: tuple[Mapping[str, object], ...] = ({}, EVERYTHING_ON)
        for number, context in enumerate(contexts):
            made.append(synthesize(Path(folder) / str(number), **context))
        known: dict[str, tuple[Counter[str], Counter[str]]] = {}
        rows = [_measured(row, known) for row in _rows(*made)]
    PAGE.write_text(_page(rows), encoding="utf-8")


if __name__ == "__main__":
    _write()
