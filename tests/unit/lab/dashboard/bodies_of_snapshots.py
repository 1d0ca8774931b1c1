"""The dashboards as the snapshots of the templates have them: those of the application, without a synthesis."""

import functools
import json
from pathlib import Path

from cloudwatch.dashboard import Dashboard, read_dashboard
from lab.dashboard.bodies import in_templates

SNAPSHOTS = Path(__file__).resolve().parents[3] / "snapshot" / "__snapshots__" / "test_templates"
DEMO = Path(__file__).resolve().parents[4] / "docs" / "results" / "demo"


@functools.cache
def dashboards() -> dict[str, Dashboard]:
    """Every dashboard by its name, the comparison first."""
    templates = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SNAPSHOTS.glob("*.json"))]
    resources = [resource for template in templates for resource in template["Resources"].values()]
    # The snapshots have the bodies as objects, in templates as texts.
    for resource in resources:
        if resource["Type"] == "AWS::CloudWatch::Dashboard":
            resource["Properties"]["DashboardBody"] = json.dumps(resource["Properties"]["DashboardBody"])
    return {body.name: read_dashboard(body.name, body.text) for body in in_templates(templates)}
