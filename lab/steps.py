"""The steps of a run, told on stderr with the time that each took."""

import contextlib
import time
from collections.abc import Callable, Iterator


class Steps:
    """Measures steps and says each when it is done."""

    def __init__(self, echo: Callable[[str], None]) -> None:
        """Args: echo: takes each line that is to be said."""
        self.echo = echo
        self.taken: list[tuple[str, float]] = []

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what is done inside. A step that fails is neither said nor kept."""
        begun = time.perf_counter()
        yield
        seconds = time.perf_counter() - begun
        self.taken.append((name, seconds))
        self.echo(f"{name}: {seconds:.1f} s")
