"""`lab report`, `lab recommend` and `lab compare`: what one run says, and what changed between two."""

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from lab.cli.options import Finite
from lab.cli.output import PAGE_WIDTH, page_width, print_text, say, waiting
from lab.cli.question import question, question_options
from lab.errors import EXIT_FINDING, LabError

if TYPE_CHECKING:
    from lab.report.compare import CompareFormat
    from lab.report.recommend import AdviceFormat

Format = Literal["text", "json", "markdown", "html"]
FORMATS: Final = ("text", "json", "markdown", "html")


@click.command("report")
@click.argument("run", type=click.Path())  # may be s3://…; the type makes shells complete it
@click.option("--format", "fmt", type=click.Choice(FORMATS), default="text", help="Output format.")
@click.option("--full", is_flag=True, help="With --format text: show every table and how it was measured.")
@question_options
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report to this file.  [default: stdout]",
)
def report_command(
    *,
    run: str,
    fmt: Format,
    full: bool,
    max_staleness_s: float,
    volume: float,
    cold_share: float,
    output: Path | None,
) -> None:
    """Compare the variants of one run.

    RUN is the folder of a run that finished or was killed, or s3://bucket/prefix where a fleet wrote one.
    """
    from lab.report.render import render

    asked = question(max_staleness_s, volume, cold_share)
    with waiting(f"reading {run}"):
        text = render(run, fmt, page_width() if output is None else PAGE_WIDTH, question=asked, full=full)
    if output is None:
        print_text(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"cannot write {output}: {error.strerror}; name another file with --output") from error
    say(f"wrote {output}")


@click.command("recommend")
@click.argument("run", type=click.Path())
@question_options
@click.option("--format", "fmt", type=click.Choice(("text", "json")), default="text", help="Output format.")
def recommend_command(
    *, run: str, max_staleness_s: float, volume: float, cold_share: float, fmt: "AdviceFormat"
) -> int:
    """Recommend a variant by a run, or say why none can be.

    The exit code is 1 if no variant can be recommended.
    """
    from lab.report.recommend import recommend

    asked = question(max_staleness_s, volume, cold_share)
    with waiting(f"reading {run}"):
        text, is_found = recommend(run, asked, fmt, page_width())
    print_text(text)
    return 0 if is_found else EXIT_FINDING


@click.command("compare")
@click.argument("run_a", type=click.Path())
@click.argument("run_b", type=click.Path())
@click.option(
    "--fail-above",
    type=Finite(min=0),
    default=10.0,
    metavar="PERCENT",
    help="Count a change for the worse as a regression only above this.",
)
@click.option("--format", "fmt", type=click.Choice(("text", "json", "markdown")), default="text", help="Output format.")
def compare_command(*, run_a: str, run_b: str, fail_above: float, fmt: "CompareFormat") -> int:
    """Compare two runs.

    Compares what each variant saves against the baseline of its own run, its downstream calls, and its failures. A
    change is shown if it is significant over the repetitions of both runs and exceeds 10 percent. The output states
    which change the two runs could have shown.

    The exit code is 1 on a regression: a change for the worse is shown and exceeds PERCENT (of the baseline's mean for
    milliseconds, of RUN_A for calls; percentage points for failures), or a variant answered in RUN_A only. It is 2 if
    a run cannot be judged: it has no repetitions, its machine was saturated, or invocations were sent late.
    """
    from lab.report.compare import compare_runs, render_comparison

    with waiting(f"reading {run_a} and {run_b}"):
        pair = compare_runs(run_a, run_b, fail_above)
        text = render_comparison(pair, fmt, page_width())
    print_text(text)
    return EXIT_FINDING if pair.regressions else 0
