"""The dashboards' widgets: every one draws each variant once, the baseline first."""

from aws_cdk import aws_cloudwatch as cloudwatch

from functions.registry import VARIANTS
from stacks.variant_metrics import MetricOf

GRID = 24
"""The columns of a dashboard."""

HEIGHT = 6
TOTALS_HEIGHT = 4
MILLISECONDS = cloudwatch.YAxisProps(label="ms", min=0, show_units=False)
PERCENT = cloudwatch.YAxisProps(label="%", min=0, max=100, show_units=False)
COUNT = cloudwatch.YAxisProps(label="count", min=0, show_units=False)


def over_time(title: str, metric: MetricOf, *, axis: cloudwatch.YAxisProps, width: int) -> cloudwatch.IWidget:
    """A line for each variant."""
    return cloudwatch.GraphWidget(
        title=title,
        left=[metric(variant) for variant in VARIANTS],
        left_y_axis=axis,
        legend_position=cloudwatch.LegendPosition.BOTTOM,
        width=width,
        height=HEIGHT,
    )


def in_total(title: str, metric: MetricOf, *, width: int) -> cloudwatch.IWidget:
    """One number for each variant, over the whole time that the dashboard shows."""
    return cloudwatch.SingleValueWidget(
        title=title,
        metrics=[metric(variant) for variant in VARIANTS],
        set_period_to_time_range=True,
        width=width,
        height=TOTALS_HEIGHT,
    )


def text(markdown: str, *, height: int) -> cloudwatch.IWidget:
    """A full row of text."""
    return cloudwatch.TextWidget(markdown=markdown, width=GRID, height=height)
