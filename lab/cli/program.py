"""The program `lab`: the group of all commands."""

import os
import sys
from typing import Final

import click

from functions.registry import VARIANTS
from lab.cli.collect import collect_command
from lab.cli.dashboard import dashboard_command
from lab.cli.deploy import deploy_command, destroy_command
from lab.cli.errors import PROGRAM, run_program
from lab.cli.output import print_text
from lab.cli.report import compare_command, recommend_command, report_command
from lab.cli.run import run_command
from lab.cli.serve import serve_command

SHELLS: Final = ("bash", "zsh", "fish")
COMPLETION_VARIABLE: Final = "_LAB_COMPLETE"  # the completion script sets it to ask what can follow


HELP: Final = f"""Which cache should my Lambda function use, and what does it cost?

The lab deploys {len(VARIANTS)} variants of one function, to a local endpoint or to AWS. It drives them in the same
window, and compares latency, cost, downstream calls and stale data.
"""


@click.group(help=HELP, no_args_is_help=False, context_settings={"show_default": True, "max_content_width": 110})
@click.option(
    "--verbose", "-v", count=True, show_default=False, help="Log to stderr; repeat for more: -vv logs every detail."
)
@click.pass_context
def commands(context: click.Context, verbose: int) -> None:
    """The help is above."""
    from lab.cli.logs import log_to_stderr

    if context.invoked_subcommand != "serve":  # configures its own logging
        context.with_resource(log_to_stderr(verbose))


for _command in (
    run_command,
    report_command,
    recommend_command,
    compare_command,
    serve_command,
    dashboard_command,
    collect_command,
    deploy_command,
    destroy_command,
):
    commands.add_command(_command)


@commands.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion_command(*, shell: str) -> None:
    """Print the script that completes `lab` in a shell.

    Completes the program that `make setup` puts into .venv/bin. In bash: `eval "$(lab completion bash)"`.
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None, "click supports each of SHELLS"
    print_text(completion(commands, {}, PROGRAM, COMPLETION_VARIABLE).source())


def main() -> None:
    """Run the command that the arguments name, and exit; or complete a shell's line."""
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(commands, {}, PROGRAM, COMPLETION_VARIABLE, instruction))
    run_program(commands, PROGRAM)
