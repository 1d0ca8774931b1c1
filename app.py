"""The CDK application: the source, one stack for each variant, and the comparison. It makes no AWS call.

The CDK CLI runs it (see cdk.json). Settings come from the context: see ``stacks.settings``.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App

from functions.registry import VARIANTS
from stacks.comparison_stack import ComparisonStack
from stacks.errors import ApplicationError
from stacks.function_parts import PYTHON_VERSION
from stacks.layer import built_layer
from stacks.settings import ApplicationSettings
from stacks.source_stack import SourceStack
from stacks.variant_stack import VariantStack

CDK_JSON = Path(__file__).resolve().parent / "cdk.json"


def make_app(*, context: Mapping[str, object] | None = None, outdir: Path | None = None) -> App:
    """Make the application, ready to be synthesized.

    Args:
        context: settings, as after ``-c``. Those that the CDK CLI gives take precedence.
        outdir: where the cloud assembly goes; by default where the CDK CLI wants it (``CDK_OUTDIR``), or a
            temporary folder.

    Raises:
        ApplicationError: a setting is wrong, or the layer cannot be built.
    """
    # Only the CDK CLI passes the context of cdk.json on. It is loaded here too, so that plain Python and the tests make
    # the templates that are deployed.
    flags = json.loads(CDK_JSON.read_text())["context"]
    app = App(
        context={**flags, **(context or {})},
        outdir=str(outdir) if outdir else None,
        analytics_reporting=False,
    )
    settings = ApplicationSettings.from_context(app.node.get_all_context())
    variants = [variant for variant in VARIANTS if variant.name in settings.variants]
    source = SourceStack(app, settings=settings)
    # One folder for all stacks, since an asset is staged once for each folder, when its stack is made.
    with built_layer(python_version=PYTHON_VERSION, architecture=settings.architecture) as layer:
        for variant in variants:
            VariantStack(app, variant=variant, settings=settings, layer=layer).add_stack_dependency(source)
    ComparisonStack(app, variants=variants, settings=settings)
    if settings.load:
        from stacks.load_stack import LoadStack  # noqa: PLC0415 - Step Functions' constructs take 0.4 s to load

        LoadStack(app, variants=variants, settings=settings)
    return app


def main(context: Mapping[str, object] | None = None) -> None:
    """Synthesize; end with one line and exit code 1 if a setting is wrong."""
    try:
        make_app(context=context).synth()
    except ApplicationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
