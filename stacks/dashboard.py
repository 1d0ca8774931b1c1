"""One dashboard: an introduction, then every section for the variants that it shows, each once, the baseline first."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from facts.names import Names, log_group_name
from functions.registry import Variant
from stacks.log_queries import LogQuery
from stacks.variant_metrics import MetricOf

GRID = 24
"""The columns of a dashboard."""

HEIGHT = 6
TOTALS_HEIGHT = 4
HEADING_HEIGHT = 2


class Graph(NamedTuple):
    """A line for each variant, and a level to compare with."""

    title: str
    metric: MetricOf
    axis: cloudwatch.YAxisProps
    level: cloudwatch.HorizontalAnnotation | None = None


class Total(NamedTuple):
    """One number for each variant, over the whole time that the dashboard shows."""

    title: str
    metric: MetricOf


class LogTable(NamedTuple):
    """A table of what the functions' logs say. Beside a graph it is twice as wide."""

    title: str
    query: LogQuery


Panel: TypeAlias = Graph | Total | LogTable


class Section(NamedTuple):
    """A heading, how to read it, and rows of widgets. Without a title it has no heading."""

    title: str
    how_to_read: str
    rows: Sequence[Sequence[Panel]]


class SectionedDashboard(Construct):
    """A dashboard of some variants. It names metrics and log groups, and refers to nothing."""

    def __init__(
        self,
        scope: Construct,
        *,
        name: str,
        names: Names,
        variants: Sequence[Variant],
        sections: Sequence[Section],
        introduction: str,
        introduction_height: int,
    ) -> None:
        super().__init__(scope, "Dashboard")
        rows = [[_text(introduction, introduction_height)]]
        for section in sections:
            if section.title:
                rows.append([_text(f"## {section.title}\n{section.how_to_read}", HEADING_HEIGHT)])
            rows += [_row(panels, variants, names) for panels in section.rows]
        dashboard = cloudwatch.Dashboard(
            self, "Resource", dashboard_name=name, default_interval=Duration.hours(1), widgets=rows
        )
        CfnOutput(self, "Name", value=dashboard.dashboard_name, description="The dashboard in CloudWatch.")


def _text(markdown: str, height: int) -> cloudwatch.IWidget:
    return cloudwatch.TextWidget(markdown=markdown, width=GRID, height=height)


def _row(panels: Sequence[Panel], variants: Sequence[Variant], names: Names) -> list[cloudwatch.IWidget]:
    shares = [2 if isinstance(panel, LogTable) else 1 for panel in panels]
    return [
        _widget(panel, variants, names, GRID * share // sum(shares))
        for panel, share in zip(panels, shares, strict=True)
    ]


def _widget(panel: Panel, variants: Sequence[Variant], names: Names, width: int) -> cloudwatch.IWidget:
    match panel:
        case Graph():
            return cloudwatch.GraphWidget(
                title=panel.title,
                left=[panel.metric(variant, names) for variant in variants],
                left_y_axis=panel.axis,
                left_annotations=[panel.level] if panel.level else None,
                legend_position=cloudwatch.LegendPosition.BOTTOM,
                width=width,
                height=HEIGHT,
            )
        case Total():
            return cloudwatch.SingleValueWidget(
                title=panel.title,
                metrics=[panel.metric(variant, names) for variant in variants],
                set_period_to_time_range=True,
                width=width,
                height=TOTALS_HEIGHT,
            )
        case LogTable():
            # With groups there are mostly two rows of a variant: warm, and cold starts or restores.
            rows = len(variants) * (2 if panel.query.groups else 1)
            return cloudwatch.LogQueryWidget(
                title=panel.title,
                log_group_names=[log_group_name(names.function_name(variant.name)) for variant in variants],
                query_lines=panel.query.commands([variant.name for variant in variants], names),
                view=cloudwatch.LogQueryVisualizationType.TABLE,
                width=width,
                height=HEIGHT if width < GRID else 2 + (rows + 1) // 2,
            )
