"""`lab report`: the comparison of one run."""

from pathlib import Path
from typing import Final, Literal

import click

from lab.cli.output import PAGE_WIDTH, page_width, print_text, say, waiting
from lab.errors import LabError

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
