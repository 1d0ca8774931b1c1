"""The validators that others wrote, on templates that the CDK made."""

import functools
import json
from pathlib import Path
from typing import Any, NamedTuple

from aws_cdk import App, Stack, Validations
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]
from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
from cfnlint.runner import Runner  # type: ignore[import-untyped]

from app import make_app
from tests.snapshot.synthesis import Template

REGIONS = ["us-east-1"]
IGNORED = {
    "I1022": "Fn::Join is how the CDK writes a text with references in it; Fn::Sub says the same.",
}
"""The rules of cfn-lint that are ignored, each with its reason."""


class Reviewed(NamedTuple):
    """What cdk-nag found.

    Attributes:
        open: the rules that nobody has explained, with the construct.
        explained: the reasons of the findings that were acknowledged.
    """

    open: list[str]
    explained: set[str]


def linted(template: Template) -> list[str]:
    """The rules of cfn-lint that a template breaks, the informational ones too."""
    decoded, errors = decode_str(json.dumps(template))
    assert decoded is not None, errors
    return [match.rule.id for match in _runner().validate_template(decoded)]


@functools.cache
def _runner() -> Runner:
    # Reading its rules takes longer than a template's check.
    return Runner(ConfigMixIn(regions=REGIONS, include_checks=["I"]))


def reviewed_application(folder: Path, context: dict[str, str]) -> Reviewed:
    """The application with these settings as cdk-nag sees it, synthesized into an empty folder."""
    return _reviewed(make_app(context=context, outdir=folder), folder)


def reviewed_template(folder: Path, template: Template) -> Reviewed:
    """A template as cdk-nag sees it, without the acknowledgements of the application."""
    file = folder / "template.json"
    # What the CDK adds to every stack, it would add once more.
    file.write_text(json.dumps({key: template[key] for key in template if key not in ("Parameters", "Rules")}))
    app = App(outdir=str(folder), analytics_reporting=False)
    CfnInclude(Stack(app, "Included"), "Template", template_file=str(file))
    return _reviewed(app, folder)


def _reviewed(app: App, folder: Path) -> Reviewed:
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        # The report tells what was found; and a synthesis that wrote none has failed for another reason.
        if "ValidationFailed" not in str(error):
            raise
    report: dict[str, Any] = json.loads((folder / "validation-report.json").read_text())
    plugins = report["pluginReports"]
    return Reviewed(
        open=[
            f"{found['ruleName']} {construct['constructPath']}"
            for plugin in plugins
            for found in plugin["violations"]
            for construct in found["violatingConstructs"]
        ],
        explained={found["reason"] for plugin in plugins for found in plugin.get("suppressedViolations", [])},
    )
