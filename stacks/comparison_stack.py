"""The stack that puts the variants side by side."""

from collections.abc import Sequence

from aws_cdk import Stack
from constructs import Construct

from facts.names import PROJECT
from functions.registry import Variant
from stacks.dashboard import SectionedDashboard
from stacks.sections import sections
from stacks.settings import ApplicationSettings

INTRODUCTION = """\
# Which cache, and what does it cost?
Each variant has one colour everywhere. Compare them with **{baseline}**, the baseline, and read from the top.
A line ends where there was no invocation.

| variant | what it does | stale data | choose it when |
|---|---|---|---|
{rows}"""


class ComparisonStack(Stack):
    """The dashboard of all variants. It refers to no other stack: it deploys before or after the variants."""

    def __init__(self, scope: Construct, *, variants: Sequence[Variant], settings: ApplicationSettings) -> None:
        super().__init__(
            scope,
            settings.names.comparison_stack,
            description="Lambda Cache Lab: the dashboard that compares the variants.",
            tags={"project": PROJECT},
        )
        SectionedDashboard(
            self,
            name=settings.names.comparison_dashboard(self.region),
            names=settings.names,
            variants=variants,
            sections=sections(settings),
            introduction=_introduction(variants),
            introduction_height=1 + len(variants),
        )


def _introduction(variants: Sequence[Variant]) -> str:
    rows = (
        f"| **{variant.title}** | {variant.summary} | {variant.staleness} | {variant.choose_when} |"
        for variant in variants
    )
    return INTRODUCTION.format(baseline=variants[0].title, rows="\n".join(rows))
