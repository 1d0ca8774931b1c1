"""The steps of a command, printed on stderr with the time that each took."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

_T = TypeVar("_T")


class Steps:
    """Measures steps, and prints each when it is done."""

    def __init__(self, echo: Callable[[str], None]) -> None:
        """Args: echo: prints a line."""
        self.echo = echo
        self.taken: list[tuple[str, float]] = []

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the block. A step that fails is neither printed nor kept."""
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        self.taken.append((name, seconds))
        self.echo(f"{name}: {seconds:.1f} s")

    @contextlib.contextmanager
    def entering(self, name: str, context: AbstractContextManager[_T]) -> Iterator[_T]:
        """Measure how long it takes to enter a context, then run the block in it."""
        with contextlib.ExitStack() as stack:
            with self.step(name):
                value = stack.enter_context(context)
            yield value
