"""The kinds of values that a setting can have: what is allowed, how text is read, how a value is written."""

import re
from dataclasses import dataclass
from typing import Any, Protocol


class Kind(Protocol):
    """One kind of value."""

    @property
    def allowed(self) -> str:
        """What may be given, in words that follow "is not"."""

    def parse(self, text: str) -> object:
        """The value that a text gives.

        Raises:
            ValueError: it is not one of those allowed.
        """

    def text(self, value: Any) -> str:
        """A value as it is given after ``-c name=``."""


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """See ``Kind``."""
        return f"one of {', '.join(self.words)}"

    def parse(self, text: str) -> str:
        """See ``Kind``."""
        if text not in self.words:
            raise ValueError(text)
        return text

    def text(self, value: str) -> str:
        """See ``Kind``."""
        return value


@dataclass(frozen=True)
class Number:
    """A whole number from one to another, both included."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """See ``Kind``."""
        return f"a whole number from {self.least} to {self.most}"

    def parse(self, text: str) -> int:
        """See ``Kind``."""
        if not (text.isascii() and text.isdecimal()) or not self.least <= int(text) <= self.most:
            raise ValueError(text)
        return int(text)

    def text(self, value: int) -> str:
        """See ``Kind``."""
        return str(value)


@dataclass(frozen=True)
class OneNumber:
    """One of some whole numbers."""

    numbers: tuple[int, ...]

    @property
    def allowed(self) -> str:
        """See ``Kind``."""
        return f"one of {', '.join(map(str, self.numbers))}"

    def parse(self, text: str) -> int:
        """See ``Kind``."""
        if text not in map(str, self.numbers):
            raise ValueError(text)
        return int(text)

    def text(self, value: int) -> str:
        """See ``Kind``."""
        return str(value)


@dataclass(frozen=True)
class Switch:
    """On or off: ``true`` or ``false``, which is how JSON and the CDK CLI write it."""

    @property
    def allowed(self) -> str:
        """See ``Kind``."""
        return "true or false"

    def parse(self, text: str) -> bool:
        """See ``Kind``."""
        # cdk.json gives Python's True, the command line text.
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"

    def text(self, value: bool) -> str:
        """See ``Kind``."""
        return str(value).lower()


@dataclass(frozen=True)
class Pattern:
    """A text of a certain form."""

    form: str
    words: str

    @property
    def allowed(self) -> str:
        """See ``Kind``."""
        return self.words

    def parse(self, text: str) -> str:
        """See ``Kind``."""
        if not re.fullmatch(self.form, text, re.ASCII):
            raise ValueError(text)
        return text

    def text(self, value: str) -> str:
        """See ``Kind``."""
        return value


@dataclass(frozen=True)
class OrNone:
    """Another kind, or ``none``."""

    kind: Kind

    @property
    def allowed(self) -> str:
        """See ``Kind``."""
        return f"none or {self.kind.allowed}"

    def parse(self, text: str) -> object:
        """See ``Kind``."""
        return None if text == "none" else self.kind.parse(text)

    def text(self, value: Any) -> str:
        """See ``Kind``."""
        return "none" if value is None else self.kind.text(value)


@dataclass(frozen=True)
class Some:
    """Some of certain names, with commas between them, or ``all``. The first is always among them."""

    names: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """See ``Kind``."""
        return f"all or some of {', '.join(self.names)}, with commas between"

    def parse(self, text: str) -> tuple[str, ...]:
        """The names in their own order, whatever the order given. See ``Kind``."""
        chosen = self.names if text == "all" else tuple(text.split(","))
        if not set(chosen) <= set(self.names):
            raise ValueError(text)
        return tuple(name for name in self.names if name in chosen or name == self.names[0])

    def text(self, value: tuple[str, ...]) -> str:
        """See ``Kind``."""
        return "all" if value == self.names else ",".join(value)
