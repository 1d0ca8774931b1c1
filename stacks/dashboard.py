"""One dashboard: what it is about, then every section for the variants that it shows."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from functions.registry import Variant
from stacks.segments import SEGMENTS
from stacks.settings import ApplicationSettings
from stacks.widgets import Shown, text


class SegmentedDashboard(Construct):
    """A dashboard of some variants. It names metrics and log groups, and refers to nothing."""

    def __init__(
        self,
        scope: Construct,
        *,
        name: str,
        variants: Sequence[Variant],
        settings: ApplicationSettings,
        introduction: str,
        introduction_height: int,
    ) -> None:
        super().__init__(scope, "Dashboard")
        shown = Shown(variants, settings)
        dashboard = cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name=name,
            default_interval=Duration.hours(1),
            widgets=[
                [text(introduction, height=introduction_height)],
                *(row for segment in SEGMENTS for row in segment(shown)),
            ],
        )
        CfnOutput(self, "Name", value=dashboard.dashboard_name, description="The dashboard in CloudWatch.")
