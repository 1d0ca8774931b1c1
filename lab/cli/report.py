"""`lab report` and `lab compare`: the comparison of one run, and of two."""

from pathlib import Path
from typing import Final, Literal

import click

from lab.cli.options import Finite
from lab.cli.output import PAGE_WIDTH, page_width, print_text, say, waiting
from lab.errors import EXIT_FINDING, LabError

Format = Literal["text", "json", "markdown", "html"]
FORMATS: Final = ("text", "json", "markdown", "html")


@click.command("report")
@click.argument("run", type=click.Path())  # may be s3://…; the type makes shells complete it
@click.option("--format", "fmt", type=click.Choice(FORMATS), default="text", help="Output format.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report to this file.  [default: stdout]",
)
def report_command(*, run: str, fmt: Format, output: Path | None) -> None:
    """Compare the variants of one run.

    RUN is the folder of a run that finished or was killed, or s3://bucket/prefix where a fleet wrote one.
    """
    from lab.report.render import render

    with waiting(f"reading {run}"):
        text = render(run, fmt, page_width() if output is None else PAGE_WIDTH)
    if output is None:
        print_text(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"cannot write {output}: {error.strerror}; name another file with --output") from error
    say(f"wrote {output}")


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
