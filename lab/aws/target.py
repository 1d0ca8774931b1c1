"""Where the functions are."""

from typing import Final, Literal

Target = Literal["local", "aws"]
TARGETS: Final = ("local", "aws")
