"""`make demo`: `lab run` with its defaults on the local endpoint, and the report as a file."""

import click
from rich.console import Console
from rich.table import Table

from lab.cli.errors import run_program
from lab.cli.options import DEFAULTS
from lab.cli.output import page_width, print_text, say
from lab.records.folder import RUNS, new_run_id
from lab.report.render import render
from lab.run.run import Surroundings, run
from lab.steps import Steps


@click.command()
def demo() -> None:
    """Deploy the variants to a local endpoint, drive them, compare them, and write an HTML report."""
    steps, console = Steps(say), Console(stderr=True)
    folder = RUNS / new_run_id("demo")
    surroundings = Surroundings(endpoint_url=None, steps=steps, console=console, ask=lambda _: None)
    tally = run(DEFAULTS, out=folder, surroundings=surroundings)
    with steps.step("compare"):
        text = render(folder, "text", page_width())
    report = folder / "report.html"
    with steps.step("write the report"):
        report.write_text(render(folder, "html"), encoding="utf-8")
    print_text(text)
    console.print(_table(steps))
    say(f"report: {report}")
    tally.check_answered()


def _table(steps: Steps) -> Table:
    table = Table("step", "seconds", title="Time of each step")
    table.columns[1].justify = "right"
    for name, seconds in steps.taken:
        table.add_row(name, f"{seconds:.1f}")
    table.add_section()
    table.add_row("total", f"{sum(seconds for _, seconds in steps.taken):.1f}")
    return table


if __name__ == "__main__":
    run_program(demo, "python -m lab.cli.demo")
