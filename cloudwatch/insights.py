"""Queries of CloudWatch Logs Insights, as far as the lab's dashboards use them: read here, made into SQL in one place.

Source: CloudWatch Logs User Guide, "CloudWatch Logs Insights language query syntax". The commands are ``SOURCE``,
``filter``, ``parse`` with a regular expression, ``fields``, ``stats … by``, ``sort`` and ``display``; others are
refused by name.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

from cloudwatch.refusal import RefusedError

T = TypeVar("T")


class Name(NamedTuple):
    """A field, or what was given a name before."""

    name: str


class Literal(NamedTuple):
    """A text or a number."""

    value: str | float


class Call(NamedTuple):
    """A function or an operator, and what it is applied to. ``count(*)`` is applied to nothing."""

    function: str
    arguments: "tuple[Expression, ...]"


Expression = Name | Literal | Call


class Filter(NamedTuple):
    """Only what fulfils the condition goes on."""

    condition: Expression


class Parse(NamedTuple):
    """A new field: what the group of a regular expression matches in another one."""

    field: Name
    pattern: str
    name: str


class Named(NamedTuple):
    """An expression and its name."""

    name: str
    expression: Expression


class Fields(NamedTuple):
    """New fields, one for each line."""

    columns: tuple[Named, ...]


class Stats(NamedTuple):
    """A row for each group."""

    columns: tuple[Named, ...]
    groups: tuple[Named, ...]


class Sort(NamedTuple):
    """The order of the rows: names, and whether each ascends."""

    by: tuple[tuple[str, bool], ...]


class Display(NamedTuple):
    """The columns that are shown, in this order."""

    names: tuple[str, ...]


Command = Filter | Parse | Fields | Stats | Sort | Display


class Query(NamedTuple):
    """A query: the log groups that it reads, and its commands."""

    log_groups: tuple[str, ...]
    commands: tuple[Command, ...]


_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>\d+\.?\d*|\.\d+)
    |(?P<name>@?[A-Za-z_][\w.]*)
    |(?P<sign><=|>=|!=|[-+*/(),=<>|])
    |(?P<other>\S))""",
    re.VERBOSE,
)
_FUNCTIONS: Final = ("count", "avg", "min", "max", "sum", "pct", "coalesce", "ispresent", "strcontains")
_REGEX: Final = re.compile(r"\s*/((?:[^/\\]|\\.)*)/")
_GROUP: Final = re.compile(r"\(\?P?<(\w+)>")
_BINDING: Final = {
    "or": 1,
    "and": 2,
    "=": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5,
    "*": 6, "/": 6,
}  # fmt: skip


def parse_query(text: str) -> Query:
    """Read a query.

    Raises:
        RefusedError: it cannot be read, or uses what is not known here.
    """
    reader = _Reader(text)
    groups, commands = [], []
    while True:
        command = reader.command()
        if isinstance(command, str):
            groups.append(command)
        else:
            commands.append(command)
        if reader.at_end():
            break
        reader.take("|")
    if not groups:
        raise RefusedError("its query names no log group (SOURCE)")
    if sum(isinstance(command, Stats) for command in commands) != 1:
        raise RefusedError("its query has not exactly one `stats`")
    return Query(tuple(groups), tuple(commands))


class _Reader:
    """Reads a query from the left."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._commands: dict[str, Callable[[], str | Command]] = {
            "SOURCE": self._literal_text,
            "filter": lambda: Filter(self._expression(0)),
            "parse": self._parse,
            "fields": lambda: Fields(tuple(self._listed(self._named))),
            "stats": self._stats,
            "sort": lambda: Sort(tuple(self._listed(self._order))),
            "display": lambda: Display(tuple(self._listed(self._name))),
        }

    def command(self) -> str | Command:
        """The next command; of ``SOURCE`` the log group."""
        kind, word = self._next()
        read = self._commands.get(word if kind == "name" else "")
        if read is None:
            raise RefusedError(f"the command {word!r} of its query is not known here")
        return read()

    def at_end(self) -> bool:
        return not self._text[self._at :].strip()

    def take(self, sign: str) -> None:
        _, found = self._next()
        if found != sign:
            raise RefusedError(f"its query has {found or 'its end'!r} where {sign!r} is expected")

    def _parse(self) -> Parse:
        field = Name(self._name())
        match = _REGEX.match(self._text, self._at)
        if match is None:
            raise RefusedError("`parse` of its query has no regular expression")
        self._at = match.end()
        names = _GROUP.findall(match[1])
        if len(names) != 1:
            raise RefusedError("the regular expression of `parse` has not exactly one named group")
        # Python's and RE2's way of naming a group.
        return Parse(field, _GROUP.sub(r"(?P<\1>", match[1]), names[0])

    def _stats(self) -> Stats:
        columns = tuple(self._listed(self._named))
        groups = tuple(self._listed(self._named)) if self._skip("by") else ()
        return Stats(columns, groups)

    def _named(self) -> Named:
        begin = self._at
        expression = self._expression(0)
        written = self._text[begin : self._at].strip()
        return Named(self._name() if self._skip("as") else written, expression)

    def _order(self) -> tuple[str, bool]:
        name = self._name()
        descending = self._skip("desc")
        if not descending:
            self._skip("asc")
        return name, not descending

    def _listed(self, read: Callable[[], T]) -> Iterator[T]:
        yield read()
        while self._skip(","):
            yield read()

    def _literal_text(self) -> str:
        kind, text = self._next()
        if kind != "text":
            raise RefusedError(f"its query has {text!r} where a text is expected")
        return text[1:-1]

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise RefusedError(f"its query has {text!r} where a name is expected")
        return text

    def _expression(self, least: int) -> Expression:
        left = self._term()
        while (binding := _BINDING.get(self._peek()[1], 0)) >= max(least, 1):
            _, operator = self._next()
            left = Call(operator, (left, self._expression(binding + 1)))
        return left

    def _term(self) -> Expression:
        kind, text = self._next()
        if kind == "number":
            return Literal(float(text))
        if kind == "text":
            return Literal(text[1:-1])
        if kind == "name":
            return self._call(text) if self._peek()[1] == "(" else Name(text)
        if text == "(":
            inner = self._expression(0)
            self.take(")")
            return inner
        raise RefusedError(f"its query has an unexpected {text or 'end'!r}")

    def _call(self, function: str) -> Call:
        if function not in _FUNCTIONS:
            raise RefusedError(f"the function {function!r} of its query is not known here")
        self.take("(")
        if self._peek()[1] == "*":
            self._next()
            self.take(")")
            return Call(function, ())
        arguments = tuple(self._listed(lambda: self._expression(0)))
        self.take(")")
        return Call(function, arguments)

    def _skip(self, word: str) -> bool:
        if self._peek()[1] != word:
            return False
        self._next()
        return True

    def _peek(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        return ("end", "") if match is None or match.lastgroup is None else (match.lastgroup, match[match.lastgroup])

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            return "end", ""
        self._at = match.end()
        return match.lastgroup, match[match.lastgroup]
