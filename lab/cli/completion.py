"""`lab completion`: the script that completes `lab` in a shell."""

from typing import Final

import click

from lab.cli.errors import PROGRAM
from lab.cli.output import print_text

SHELLS: Final = ("bash", "zsh", "fish")
COMPLETION_VARIABLE: Final = "_LAB_COMPLETE"  # the script sets it to ask what can follow


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(context: click.Context, *, shell: str) -> None:
    """Print the script that completes `lab` in a shell.

    Completes the program that `make setup` puts into .venv/bin. In bash: `eval "$(lab completion bash)"`.
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None, "click supports each of SHELLS"
    print_text(completion(context.find_root().command, {}, PROGRAM, COMPLETION_VARIABLE).source())
