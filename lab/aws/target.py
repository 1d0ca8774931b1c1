"""Where the functions are."""

from typing import Final, Literal

from facts.names import Names

Target = Literal["local", "aws"]
TARGETS: Final = ("local", "aws")


def command(verb: str, target: Target, names: Names) -> str:
    """Return the command that does this to an instance at a target, for a message: `lab deploy --target aws`."""
    return f"lab {verb} --target {target}" + ("" if names.instance is None else f" --instance {names.instance}")
