"""The dashboards' widgets: every one draws each variant once, the baseline first."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from facts import names
from functions.registry import Variant
from stacks.log_queries import Table
from stacks.settings import ApplicationSettings
from stacks.variant_metrics import MetricOf

GRID = 24
"""The columns of a dashboard."""

HEIGHT = 6
TOTALS_HEIGHT = 4
HEADING_HEIGHT = 2
MILLISECONDS = cloudwatch.YAxisProps(label="ms", min=0, show_units=False)
PERCENT = cloudwatch.YAxisProps(label="%", min=0, max=100, show_units=False)
COUNT = cloudwatch.YAxisProps(label="count", min=0, show_units=False)
DOLLARS = cloudwatch.YAxisProps(label="USD", min=0, show_units=False)


class Shown:
    """The variants that a dashboard shows, and the widgets that show them.

    Attributes:
        settings: those that the variants are deployed with.
    """

    def __init__(self, variants: Sequence[Variant], settings: ApplicationSettings) -> None:
        self._variants = tuple(variants)
        self.settings = settings

    def over_time(
        self,
        title: str,
        metric: MetricOf,
        *,
        axis: cloudwatch.YAxisProps,
        width: int,
        level: cloudwatch.HorizontalAnnotation | None = None,
    ) -> cloudwatch.IWidget:
        """A line for each variant, and a level to compare with."""
        return cloudwatch.GraphWidget(
            title=title,
            left=[metric(variant) for variant in self._variants],
            left_y_axis=axis,
            left_annotations=[level] if level else None,
            legend_position=cloudwatch.LegendPosition.BOTTOM,
            width=width,
            height=HEIGHT,
        )

    def in_total(self, title: str, metric: MetricOf, *, width: int) -> cloudwatch.IWidget:
        """One number for each variant, over the whole time that the dashboard shows."""
        return cloudwatch.SingleValueWidget(
            title=title,
            metrics=[metric(variant) for variant in self._variants],
            set_period_to_time_range=True,
            width=width,
            height=TOTALS_HEIGHT,
        )

    def from_logs(self, title: str, table: Table, *, width: int) -> cloudwatch.IWidget:
        """A table of what the functions' logs say, as high as its rows where nothing stands beside it."""
        # With groups there are mostly two rows of a variant: warm, and cold starts or restores.
        rows = len(self._variants) * (2 if table.groups else 1)
        return cloudwatch.LogQueryWidget(
            title=title,
            log_group_names=[names.log_group_name(names.function_name(variant.name)) for variant in self._variants],
            query_lines=table.commands([variant.name for variant in self._variants]),
            view=cloudwatch.LogQueryVisualizationType.TABLE,
            width=width,
            height=HEIGHT if width < GRID else 2 + (rows + 1) // 2,
        )


def heading(title: str, how_to_read: str) -> cloudwatch.IWidget:
    """What a section shows, and how to read it."""
    return text(f"## {title}\n{how_to_read}", height=HEADING_HEIGHT)


def text(markdown: str, *, height: int) -> cloudwatch.IWidget:
    """A full row of text."""
    return cloudwatch.TextWidget(markdown=markdown, width=GRID, height=height)
