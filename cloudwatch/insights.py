"""Queries of CloudWatch Logs Insights: the language, parsed. `cloudwatch.insights_sql` makes SQL of them.

Source: CloudWatch Logs User Guide, "CloudWatch Logs Insights language query syntax". The commands are ``SOURCE``,
``filter``, ``parse`` with a regular expression, ``fields``, ``stats … by``, ``sort``, ``display`` and ``limit``; others
are refused by name.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from cloudwatch.errors import UnsupportedError

T = TypeVar("T")


class Name(NamedTuple):
    """A field, or what was given a name before."""

    name: str


class Literal(NamedTuple):
    """A text or a number."""

    value: str | float


class Call(NamedTuple):
    """A function or an operator with its arguments; ``count(*)`` has none."""

    function: str
    arguments: "tuple[Expression, ...]"


Expression = Name | Literal | Call


class Filter(NamedTuple):
    """Keeps the events that fulfil a condition."""

    condition: Expression


class Parse(NamedTuple):
    """A new field: what the named group of a regular expression matches in another field."""

    field: Name
    pattern: str
    name: str


class Named(NamedTuple):
    """An expression with its name."""

    name: str
    expression: Expression


class Fields(NamedTuple):
    """New fields."""

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


class Limit(NamedTuple):
    """The most rows."""

    rows: int


Command = Filter | Parse | Fields | Stats | Sort | Display | Limit


class Query(NamedTuple):
    """A query: the log groups that it reads, and its commands."""

    log_groups: tuple[str, ...]
    commands: tuple[Command, ...]


class QueryResult(NamedTuple):
    """The rows that a query found: text, numbers, or None where there is no value."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


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
    "like": 4, "=": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5,
    "*": 6, "/": 6,
}  # fmt: skip


def parse_query(text: str, log_groups: Sequence[str] = ()) -> Query:
    """Parse a query.

    Args:
        text: the query.
        log_groups: those that it reads beside the ones that it names (``SOURCE``).

    Raises:
        UnsupportedError: it is malformed, or uses what is not known here.
    """
    reader = _Reader(text)
    groups, commands = list(log_groups), []
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
        raise UnsupportedError("its query names no log group (SOURCE)")
    return Query(tuple(groups), tuple(commands))


class _Reader:
    """Parses a query from the left."""

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
            "limit": self._limit,
        }

    def command(self) -> str | Command:
        """The next command; the log group where it is ``SOURCE``."""
        kind, word = self._next()
        read = self._commands.get(word if kind == "name" else "")
        if read is None:
            raise UnsupportedError(f"the command {word!r} of its query is not known here")
        return read()

    def at_end(self) -> bool:
        return not self._text[self._at :].strip()

    def take(self, sign: str) -> None:
        _, found = self._next()
        if found != sign:
            raise UnsupportedError(f"its query has {found or 'its end'!r} where {sign!r} is expected")

    def _parse(self) -> Parse:
        field, pattern = Name(self._name()), self._regex()
        if pattern is None:
            raise UnsupportedError("`parse` of its query has no regular expression")
        names = _GROUP.findall(pattern)
        if len(names) != 1:
            raise UnsupportedError("the regular expression of `parse` has not exactly one named group")
        return Parse(field, pattern, names[0])

    def _regex(self) -> str | None:
        match = _REGEX.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[1]

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

    def _limit(self) -> Limit:
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise UnsupportedError(f"its query has {text!r} where a whole number is expected")
        return Limit(int(text))

    def _listed(self, read: Callable[[], T]) -> Iterator[T]:
        yield read()
        while self._skip(","):
            yield read()

    def _literal_text(self) -> str:
        kind, text = self._next()
        if kind != "text":
            raise UnsupportedError(f"its query has {text!r} where a text is expected")
        return text[1:-1]

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise UnsupportedError(f"its query has {text!r} where a name is expected")
        return text

    def _expression(self, least: int) -> Expression:
        left = self._term()
        while (binding := _BINDING.get(self._peek()[1], 0)) >= max(least, 1):
            _, operator = self._next()
            pattern = self._regex() if operator == "like" else None
            right = self._expression(binding + 1) if pattern is None else Literal(pattern)
            left = Call(operator if pattern is None else "matches", (left, right))
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
        raise UnsupportedError(f"its query has an unexpected {text or 'end'!r}")

    def _call(self, function: str) -> Call:
        if function not in _FUNCTIONS:
            raise UnsupportedError(f"the function {function!r} of its query is not known here")
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
