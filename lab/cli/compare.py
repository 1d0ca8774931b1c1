"""`lab compare`: two runs side by side."""

import click

from lab.cli.options import Finite
from lab.cli.output import page_width, print_text, waiting
from lab.errors import EXIT_FINDING


@click.command("compare")
@click.argument("run_a", type=click.Path())
@click.argument("run_b", type=click.Path())
@click.option(
    "--fail-above",
    type=Finite(min=0),
    metavar="PERCENT",
    help="Exit 1 on a regression by more than this, as described above.",
)
def compare_command(*, run_a: str, run_b: str, fail_above: float | None) -> int:
    """Compare two runs.

    Shows RUN_B beside RUN_A for each variant, with confidence intervals: median and 99th percentile of latency and
    service time, downstream calls per 1,000 invocations, and the share of failed invocations.

    With --fail-above, the exit code is 1 on a regression. A regression is: one of the five numbers of a variant grew
    by more than PERCENT; the share of failed invocations (function errors, throttled, lost) rose by more than PERCENT
    percentage points; or a variant that answered in RUN_A did not answer in RUN_B. A change counts by the lower end of
    its 95 % interval.
    """
    from lab.report.compare import compare_runs

    with waiting(f"reading {run_a} and {run_b}"):
        text, regressed = compare_runs(run_a, run_b, fail_above, page_width())
    print_text(text)
    return EXIT_FINDING if regressed else 0
