"""Queries of CloudWatch Logs Insights, compiled to SQL over the table of log events (see `cloudwatch.log_events`).

The commands are ``SOURCE``, ``filter``, ``parse`` with a regular expression, ``fields``, ``stats … by``, ``sort``,
``display`` and ``limit``. Whatever else a query uses is refused by name. Sources: CloudWatch Logs User Guide,
"CloudWatch Logs Insights language query syntax", and for the fields that Insights discovers by itself:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from cloudwatch.errors import UnsupportedError
from facts.lambda_log import REPORT_FIELDS

T = TypeVar("T")

MOST_ROWS: Final = 10_000
ACCOUNT: Final = "000000000000"


class Query(NamedTuple):
    """A query: the log groups that it reads, and its other commands."""

    log_groups: tuple[str, ...]
    commands: str


class QueryResult(NamedTuple):
    """The rows that a query found: texts, numbers, or None where there is no value."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Catalog(NamedTuple):
    """What a store holds: the numbers of the query's log groups, further columns, whether events have their text."""

    groups: Mapping[str, int]
    fields: Sequence[str] = ()
    has_messages: bool = True


class Compiled(NamedTuple):
    """A query as SQL, its values except ``start`` and ``end`` (Unix ms), and the names of its columns."""

    text: str
    values: Mapping[str, Any]
    columns: Sequence[str]


class _Sql(NamedTuple):
    """An expression of SQL; its type; whether it is an aggregate; its value if it is a literal of the query."""

    text: str
    type: str
    aggregate: bool = False
    literal: str | float | None = None


_TEXT, _NUMBER, _TRUTH = "VARCHAR", "DOUBLE", "BOOLEAN"
_SOURCE: Final = re.compile(r"""\s*SOURCE\s+(?:"([^"]*)"|'([^']*)')\s*(?:\||$)""")
_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>\d+\.?\d*|\.\d+)
    |(?P<name>@?[A-Za-z_][\w.]*)
    |(?P<sign><=|>=|!=|[-+*/(),=<>|])
    |(?P<other>\S))""",
    re.VERBOSE,
)
_REGEX: Final = re.compile(r"\s*/((?:[^/\\]|\\.)*)/")
_GROUP: Final = re.compile(r"\(\?P?<(\w+)>")

# How tightly each operator binds, the type of its operands, and that of its result. A comparison is of numbers where
# one side is a number.
_OPERATORS: Final[Mapping[str, tuple[int, str | None, str]]] = {
    "or": (1, _TRUTH, _TRUTH),
    "and": (2, _TRUTH, _TRUTH),
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">="), (3, None, _TRUTH)),
    "like": (3, _TEXT, _TRUTH),
    **dict.fromkeys("+-", (4, _NUMBER, _NUMBER)),
    **dict.fromkeys("*/", (5, _NUMBER, _NUMBER)),
}
_FUNCTIONS: Final = ("count", "avg", "min", "max", "sum", "pct", "coalesce", "ispresent", "strcontains")

_OF_TEXT, _OF_JSON = REPORT_FIELDS["text"], REPORT_FIELDS["json"]
_FIELDS: Final[Mapping[str, _Sql]] = {
    "@timestamp": _Sql("strftime(make_timestamp(time * 1000), '%Y-%m-%d %H:%M:%S.%g')", _TEXT),
    _OF_TEXT.type: _Sql("type", _TEXT),
    _OF_TEXT.request_id: _Sql("request_id", _TEXT),
    _OF_TEXT.duration: _Sql("duration_ms", _NUMBER),
    _OF_TEXT.billed: _Sql("billed_ms", _NUMBER),
    _OF_TEXT.memory: _Sql("(memory_mb * 1000000)", _NUMBER),
    _OF_TEXT.max_memory: _Sql("(max_memory_mb * 1000000)", _NUMBER),
    _OF_TEXT.init: _Sql("init_ms", _NUMBER),
}
_WITH_MESSAGES: Final[Mapping[str, _Sql]] = {
    "@message": _Sql("message", _TEXT),
    "@ingestionTime": _Sql("ingested", _NUMBER),
    _OF_TEXT.type: _Sql(
        "coalesce(type, nullif(regexp_extract(message, '^(START|END|INIT_START|RESTORE_START) ', 1), ''))", _TEXT
    ),
    _OF_TEXT.request_id: _Sql(
        "coalesce(request_id, nullif(regexp_extract(message, 'RequestId: ([-0-9a-f]{36})', 1), ''))", _TEXT
    ),
}
# Events without their text answer the queries of either log format.
_WITHOUT_MESSAGES: Final[Mapping[str, _Sql]] = {
    _OF_JSON.type: _Sql(f"CASE type WHEN '{_OF_TEXT.report}' THEN '{_OF_JSON.report}' END", _TEXT),
    _OF_JSON.request_id: _Sql("request_id", _TEXT),
    _OF_JSON.duration: _Sql("duration_ms", _NUMBER),
    _OF_JSON.billed: _Sql("billed_ms", _NUMBER),
    _OF_JSON.memory: _Sql("memory_mb", _NUMBER),
    _OF_JSON.max_memory: _Sql("max_memory_mb", _NUMBER),
    _OF_JSON.init: _Sql("init_ms", _NUMBER),
    _OF_JSON.restore: _Sql("restore_ms", _NUMBER),
}


def parse_query(text: str, log_groups: Sequence[str] = ()) -> Query:
    """The log groups of a query, given or named by it (``SOURCE``), and its other commands.

    Raises:
        UnsupportedError: there is no log group.
    """
    groups = list(log_groups)
    while match := _SOURCE.match(text):
        groups.append(match[1] or match[2])
        text = text[match.end() :]
    if not groups:
        raise UnsupportedError("its query names no log group (SOURCE '…')")
    return Query(tuple(groups), text)


def compile_query(query: Query, catalog: Catalog) -> Compiled:
    """The SQL of a query.

    Raises:
        UnsupportedError: it is malformed, or uses what is not known here.
    """
    compiler = _Compiler(query, catalog)
    compiler.read()
    return compiler.whole()


class _Compiler:
    """Reads a query from the left, and makes SQL of each command."""

    def __init__(self, query: Query, catalog: Catalog) -> None:
        self._text, self._at = query.commands, 0
        self._has_messages = catalog.has_messages
        self._values: dict[str, Any] = {}
        self._logs = {number: f"{ACCOUNT}:{name}" for name, number in catalog.groups.items()}
        own = {name: _Sql(f'"{name}"', _NUMBER) for name in catalog.fields}
        self._names = {**_FIELDS, **(_WITH_MESSAGES if catalog.has_messages else _WITHOUT_MESSAGES), **own}
        self._names["@log"] = _Sql(self._by_group(self._logs), _TEXT)
        groups = ", ".join(map(str, catalog.groups.values()))
        self._conditions = [f"log_group IN ({groups})", "time >= $start", "time < $end"]
        self._fields: list[str] = []
        self._groups: dict[str, _Sql] = {}
        self._aggregates: dict[str, _Sql] = {}
        self._order: list[str] = []
        self._shown: Sequence[str] = ()
        self._limit = MOST_ROWS
        self._commands: dict[str, Callable[[], None]] = {
            "filter": lambda: self._conditions.append(_cast(self._expression(), _TRUTH).text),
            "parse": self._parse,
            "fields": self._add_fields,
            "stats": self._stats,
            "sort": self._sort,
            "display": self._display,
            "limit": self._set_limit,
        }

    def read(self) -> None:
        while True:
            kind, word = self._next()
            command = self._commands.get(word if kind == "name" else "")
            if command is None:
                raise UnsupportedError(f"the command {word!r} of its query is not known here")
            if self._aggregates and word not in ("sort", "display", "limit"):
                raise UnsupportedError(f"its query has `{word}` after `stats`")
            command()
            if self._peek()[0] == "end":
                return
            self._take("|")

    def whole(self) -> Compiled:
        source = f"FROM all_events WHERE {' AND '.join(self._conditions)}"
        if self._aggregates:
            columns = self._groups | self._aggregates
            names = self._shown or list(columns)
            computed = ", ".join(f"{_shown(sql)} AS column_{place}" for place, sql in enumerate(columns.values()))
            groups = ", ".join(str(place) for place in range(1, len(self._groups) + 1))
            source = f"FROM (SELECT {computed} {source} {f'GROUP BY {groups}' if groups else 'HAVING count(*) > 0'})"
        else:
            names = self._shown or self._fields or ["@timestamp", "@message"]
            self._order = [*(self._order or ["time DESC"]), "seq DESC"]
        shown = ", ".join(self._column("display", name) for name in names)
        ordered = f" ORDER BY {', '.join(self._order)}" if self._order else ""
        text = f"SELECT {shown} {source}{ordered} LIMIT {self._limit}"
        # DuckDB refuses values that a query does not use.
        return Compiled(text, {name: self._values[name] for name in re.findall(r"\$(value_\d+)", text)}, names)

    def _parse(self) -> None:
        field, pattern = self._name(), self._regex()
        names = _GROUP.findall(pattern or "")
        if pattern is None or len(names) != 1:
            raise UnsupportedError("`parse` of its query has no regular expression with exactly one named group")
        if field == "@log":
            found = {number: re.search(_python(pattern), log) for number, log in self._logs.items()}
            text = self._by_group({number: match and match[1] for number, match in found.items()})
        elif field == "@message" and pattern == _OF_TEXT.parse:
            text = f"{_WITHOUT_MESSAGES[_OF_JSON.restore].text}::{_TEXT}"
        else:
            searched = _cast(self._field(field), _TEXT).text
            text = f"nullif(regexp_extract({searched}, {self._value(_python(pattern))}, 1), '')"
        self._names[names[0]] = _Sql(text, _TEXT)

    def _add_fields(self) -> None:
        for name, found in list(self._listed(self._named)):
            self._names[name] = found
            self._fields.append(name)

    def _stats(self) -> None:
        aggregates = list(self._listed(self._stats_column))
        if self._skip("by"):
            self._groups = dict(self._listed(self._named))
        self._names |= self._groups
        self._aggregates = dict(aggregates)

    def _stats_column(self) -> tuple[str, _Sql]:
        name, found = self._named()
        if not found.aggregate:
            raise UnsupportedError(f"the column {name!r} of `stats` is not an aggregate")
        self._names[name] = found  # the next column may refer to it
        return name, found

    def _sort(self) -> None:
        self._order = list(self._listed(self._order_by))

    def _order_by(self) -> str:
        column = self._column("sort", self._name())
        order = "DESC" if self._skip("desc") else "ASC"
        if order == "ASC":
            self._skip("asc")
        return f"{column} {order} NULLS LAST"

    def _display(self) -> None:
        self._shown = list(self._listed(self._name))

    def _set_limit(self) -> None:
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise UnsupportedError(f"its query has {text!r} where a whole number is expected")
        self._limit = min(int(text), MOST_ROWS)

    def _column(self, command: str, name: str) -> str:
        """What the SQL calls a column."""
        columns = list(self._groups | self._aggregates)
        if name in columns:
            return f"column_{columns.index(name)}"
        if self._aggregates or name not in self._names:
            raise UnsupportedError(f"`{command}` names {name!r}, which is no column")
        return _shown(self._names[name])

    def _by_group(self, texts: Mapping[int, str | None]) -> str:
        return f"CASE log_group {' '.join(f'WHEN {n} THEN {self._value(text)}' for n, text in texts.items())} END"

    def _value(self, value: object) -> str:
        name = f"value_{len(self._values)}"
        self._values[name] = value
        return f"${name}"

    def _named(self) -> tuple[str, _Sql]:
        begin = self._at
        expression = self._expression()
        written = self._text[begin : self._at].strip()
        return (self._name() if self._skip("as") else written), expression

    def _expression(self, least: int = 1) -> _Sql:
        left = self._term()
        while (operator := self._peek()[1]) in _OPERATORS and _OPERATORS[operator][0] >= least:
            self._next()
            if operator == "like" and (pattern := self._regex()) is not None:
                searched = _cast(left, _TEXT).text
                left = _Sql(f"regexp_matches({searched}, {self._value(_python(pattern))})", _TRUTH, left.aggregate)
            else:
                left = _operation(operator, left, self._expression(_OPERATORS[operator][0] + 1))
        return left

    def _term(self) -> _Sql:
        kind, text = self._next()
        if kind == "number":
            return _Sql(f"{float(text)!r}::DOUBLE", _NUMBER, literal=float(text))
        if kind == "text":
            return _Sql(self._value(text[1:-1]), _TEXT, literal=text[1:-1])
        if kind == "name":
            return self._call(text) if self._peek()[1] == "(" else self._field(text)
        if text == "(":
            inner = self._expression()
            self._take(")")
            return inner
        raise UnsupportedError(f"its query has an unexpected {text or 'end'!r}")

    def _field(self, name: str) -> _Sql:
        if name in self._names:
            return self._names[name]
        if name.startswith("@") or not self._has_messages:
            raise UnsupportedError(f"the field {name!r} of its query is not known here")
        path = "$" + "".join(f'."{step}"' for step in name.split("."))
        return _Sql(f"CASE WHEN message LIKE '{{%' AND json_valid(message) THEN message ->> '{path}' END", _TEXT)

    def _call(self, function: str) -> _Sql:
        if function not in _FUNCTIONS:
            raise UnsupportedError(f"the function {function!r} of its query is not known here")
        self._take("(")
        arguments = [] if self._skip("*") else list(self._listed(self._expression))
        self._take(")")
        match function, arguments:
            case "coalesce", [_, *_]:
                parts = [_cast(argument, _NUMBER) for argument in arguments]
                text = f"coalesce({', '.join(part.text for part in parts)})"
                return _Sql(text, _NUMBER, any(part.aggregate for part in parts))
            case "ispresent", [of]:
                return _Sql(f"({of.text} IS NOT NULL)", _TRUTH, of.aggregate)
            case "strcontains", [of, _Sql(literal=str()) as wanted]:
                return _cast(_operation("like", of, wanted), _NUMBER)
            case "count", [] | [_]:
                text = f"count({arguments[0].text if arguments else '*'})::DOUBLE"
            case (("avg" | "max" | "min" | "sum"), [of]):
                text = f"{function}({_cast(of, _NUMBER).text})"
            case "pct", [of, _Sql(literal=float(percent))] if 0 <= percent <= 100:
                # By nearest rank, as metrics. Rounded, for 99.9 / 100 is a last bit above 0.999.
                text = f"quantile_disc({_cast(of, _NUMBER).text}, {round(percent / 100, 12)!r})"
            case _:
                raise UnsupportedError(f"the function {function!r} of its query is not known with these arguments")
        return _Sql(text, _NUMBER, aggregate=True)

    def _listed(self, read: Callable[[], T]) -> Iterator[T]:
        yield read()
        while self._skip(","):
            yield read()

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise UnsupportedError(f"its query has {text!r} where a name is expected")
        return text

    def _regex(self) -> str | None:
        match = _REGEX.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[1]

    def _take(self, sign: str) -> None:
        found = self._next()[1]
        if found != sign:
            raise UnsupportedError(f"its query has {found or 'its end'!r} where {sign!r} is expected")

    def _skip(self, word: str) -> bool:
        if self._peek()[1] != word:
            return False
        self._next()
        return True

    def _peek(self) -> tuple[str, str]:
        begin, found = self._at, self._next()
        self._at = begin
        return found

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            return "end", ""
        self._at = match.end()
        return match.lastgroup, match[match.lastgroup]


def _operation(operator: str, left: _Sql, right: _Sql) -> _Sql:
    _, wanted, kind = _OPERATORS[operator]
    aggregate = left.aggregate or right.aggregate
    if wanted or _NUMBER in (left.type, right.type):
        left, right = _cast(left, wanted or _NUMBER), _cast(right, wanted or _NUMBER)
    if operator == "like":
        return _Sql(f"contains({left.text}, {right.text})", kind, aggregate)
    # A division by zero has no value.
    divisor = f"nullif({right.text}, 0)" if operator == "/" else right.text
    return _Sql(f"({left.text} {operator} {divisor})", kind, aggregate)


def _cast(found: _Sql, kind: str) -> _Sql:
    """The same as a value of that type; a text that is not a number has no value as a number."""
    if found.type == kind:
        return found
    if kind == _TRUTH:
        raise UnsupportedError("a condition of its query is neither true nor false")
    cast = f"TRY_CAST({found.text} AS {kind})" if kind == _NUMBER else f"({found.text})::{kind}"
    return found._replace(text=cast, type=kind)


def _shown(sql: _Sql) -> str:
    """A value as a column: Insights shows true and false as 1 and 0."""
    return f"({sql.text})::INTEGER" if sql.type == _TRUTH else sql.text


def _python(pattern: str) -> str:
    """A regular expression as Python and RE2 write it: they name groups in another way."""
    return pattern.replace("(?<", "(?P<")
