"""The whole way on the local endpoint, for `make demo`: `lab run` with its defaults, and the report as a file."""

import click
from rich.console import Console
from rich.table import Table

from lab.cli import DEFAULTS, guarded, page_width, say
from lab.records.folder import RUNS, new_run_id
from lab.report.render import render
from lab.run.run import Surroundings, run
from lab.steps import Steps


@click.command()
def demo() -> None:
    """Deploy every variant to a local endpoint, drive them, compare, write an HTML report."""
    steps, console = Steps(say), Console(stderr=True)
    folder = RUNS / new_run_id("demo")
    surroundings = Surroundings(endpoint_url=None, steps=steps, console=console, ask=lambda _: None)
    tally = run(DEFAULTS, out=folder, surroundings=surroundings)
    with steps.step("compare"):
        text = render(folder, "text", page_width())
    report = folder / "report.html"
    with steps.step("write the report"):
        report.write_text(render(folder, "html"), encoding="utf-8")
    click.echo(text, nl=False)
    console.print(_table(steps))
    say(f"report: {report}")
    tally.check_answered()


def _table(steps: Steps) -> Table:
    table = Table("step", "seconds", title="How long each step took")
    table.columns[1].justify = "right"
    for name, seconds in steps.taken:
        table.add_row(name, f"{seconds:.1f}")
    table.add_section()
    table.add_row("all", f"{sum(seconds for _, seconds in steps.taken):.1f}")
    return table


if __name__ == "__main__":
    guarded(demo)
