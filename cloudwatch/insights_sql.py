"""A Logs Insights query as SQL over the table of log events (see `cloudwatch.log_events`).

Fields have the names that Insights discovers by itself in both log formats. A field of a JSON document is found by its
path, like ``record.metrics.durationMs``:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudwatch.errors import UnsupportedError
from cloudwatch.insights import (
    Call,
    Command,
    Display,
    Expression,
    Fields,
    Filter,
    Limit,
    Literal,
    Name,
    Parse,
    Query,
    Sort,
    Stats,
)
from facts.lambda_log import REPORT_FIELDS

MOST_ROWS: Final = 10_000
ACCOUNT: Final = "000000000000"

_TEXT, _NUMBER, _TRUTH = "VARCHAR", "DOUBLE", "BOOLEAN"

# The type of the operands of each operator, and of its result. A comparison is of numbers where one side is a number.
_OPERATORS: Final[Mapping[str, tuple[str | None, str]]] = {
    **dict.fromkeys(("+", "-", "*", "/"), (_NUMBER, _NUMBER)),
    **dict.fromkeys(("and", "or"), (_TRUTH, _TRUTH)),
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">="), (None, _TRUTH)),
}


class Catalog(NamedTuple):
    """What a store holds.

    Attributes:
        groups: the numbers of the log groups of the query.
        fields: names of further columns of the events.
        has_messages: whether events have their text.
    """

    groups: Mapping[str, int]
    fields: Sequence[str] = ()
    has_messages: bool = True


class Sql(NamedTuple):
    """An expression of SQL, its type, and whether it is an aggregate."""

    text: str
    type: str
    aggregate: bool = False


class Compiled(NamedTuple):
    """A whole query: its SQL, its values except ``start`` and ``end`` (Unix ms), and the names of its columns."""

    text: str
    values: Mapping[str, Any]
    columns: Sequence[str]


_MEGABYTE: Final = 1e6
_TEXT_FIELDS, _JSON_FIELDS = REPORT_FIELDS["text"], REPORT_FIELDS["json"]
_FIELDS: Final[Mapping[str, Sql]] = {
    "@timestamp": Sql("strftime(make_timestamp(time * 1000), '%Y-%m-%d %H:%M:%S.%g')", _TEXT),
    _TEXT_FIELDS.type: Sql("type", _TEXT),
    _TEXT_FIELDS.request_id: Sql("request_id", _TEXT),
    _TEXT_FIELDS.duration: Sql("duration_ms", _NUMBER),
    _TEXT_FIELDS.billed: Sql("billed_ms", _NUMBER),
    _TEXT_FIELDS.memory: Sql(f"(memory_mb * {_MEGABYTE})", _NUMBER),
    _TEXT_FIELDS.max_memory: Sql(f"(max_memory_mb * {_MEGABYTE})", _NUMBER),
    _TEXT_FIELDS.init: Sql("init_ms", _NUMBER),
}
_MESSAGE_FIELDS: Final[Mapping[str, Sql]] = {
    "@message": Sql("message", _TEXT),
    "@ingestionTime": Sql("ingested", _NUMBER),
    _TEXT_FIELDS.type: Sql(
        "coalesce(type, nullif(regexp_extract(message, '^(START|END|INIT_START|RESTORE_START) ', 1), ''))", _TEXT
    ),
    _TEXT_FIELDS.request_id: Sql(
        "coalesce(request_id, nullif(regexp_extract(message, 'RequestId: ([-0-9a-f]{36})', 1), ''))", _TEXT
    ),
}
"""The fields that are found in the text of an event."""

_MADE_FIELDS: Final[Mapping[str, Sql]] = {
    _JSON_FIELDS.type: Sql(f"CASE type WHEN '{_TEXT_FIELDS.report}' THEN '{_JSON_FIELDS.report}' END", _TEXT),
    _JSON_FIELDS.request_id: Sql("request_id", _TEXT),
    _JSON_FIELDS.duration: Sql("duration_ms", _NUMBER),
    _JSON_FIELDS.billed: Sql("billed_ms", _NUMBER),
    _JSON_FIELDS.memory: Sql("memory_mb", _NUMBER),
    _JSON_FIELDS.max_memory: Sql("max_memory_mb", _NUMBER),
    _JSON_FIELDS.init: Sql("init_ms", _NUMBER),
    _JSON_FIELDS.restore: Sql("restore_ms", _NUMBER),
}
"""Of events without their text, which answer the queries of either log format."""


def compile_query(query: Query, catalog: Catalog) -> Compiled:
    """The SQL of a query.

    Raises:
        UnsupportedError: it uses a field or a function that is not known here.
    """
    return _Compiler(query, catalog).compiled


class _Compiler:
    def __init__(self, query: Query, catalog: Catalog) -> None:
        self._catalog = catalog
        self._values: dict[str, Any] = {}
        own = {name: Sql(f'"{name}"', _NUMBER) for name in catalog.fields}
        self._names = {**_FIELDS, **(_MESSAGE_FIELDS if catalog.has_messages else _MADE_FIELDS), **own}
        self._logs = {number: f"{ACCOUNT}:{name}" for name, number in catalog.groups.items()}
        self._names["@log"] = Sql(self._by_group(self._logs), _TEXT)
        groups = ", ".join(map(str, catalog.groups.values()))
        self._conditions = [f"log_group IN ({groups})", "time >= $start", "time < $end"]
        self._select: list[tuple[str, Sql]] = []
        self._groups: list[tuple[str, Sql]] = []
        self._order: list[str] = []
        self._shown: tuple[str, ...] = ()
        self._limit = MOST_ROWS
        self._has_stats = any(isinstance(command, Stats) for command in query.commands)
        self._aggregated = False
        for command in query.commands:
            self._add(command)
        self.compiled = self._whole()

    def _add(self, command: Command) -> None:
        if self._aggregated and not isinstance(command, Sort | Display | Limit):
            raise UnsupportedError("its query has a command after `stats` that is not `sort`, `display` or `limit`")
        match command:
            case Filter(condition):
                self._conditions.append(self._of(condition, _TRUTH).text)
            case Parse(field, pattern, name):
                self._names[name] = Sql(self._parsed(field, pattern), _TEXT)
            case Fields(columns):
                new = [(name, self._sql(expression)) for name, expression in columns]
                self._names |= dict(new)
                if not self._has_stats:
                    self._select += new
            case Stats(columns, groups):
                self._aggregated = True
                self._groups = [(name, self._sql(expression)) for name, expression in groups]
                self._names |= dict(self._groups)
                for name, expression in columns:
                    found = self._sql(expression)
                    if not found.aggregate:
                        raise UnsupportedError(f"the column {name!r} of `stats` is no aggregate")
                    self._names[name] = found
                    self._select.append((name, found))
            case Sort(by):
                self._order = [
                    f"{self._column('sort', name)} {'ASC' if ascending else 'DESC'} NULLS LAST"
                    for name, ascending in by
                ]
            case Display(names):
                self._shown = names
            case Limit(rows):
                self._limit = min(rows, MOST_ROWS)

    def _column(self, command: str, name: str) -> str:
        """What the SQL calls a column of the table."""
        columns = [column for column, _ in (*self._groups, *self._select)]
        if self._has_stats and name in columns:
            return f"column_{columns.index(name)}"
        if self._has_stats or name not in self._names:
            raise UnsupportedError(f"`{command}` names {name!r}, which is no column")
        return _shown(self._names[name])

    def _parsed(self, field: Name, pattern: str) -> str:
        """What the pattern's group matches."""
        if field.name == "@log":
            found = {number: re.search(_python(pattern), log) for number, log in self._logs.items()}
            return self._by_group({number: match and match[1] for number, match in found.items()})
        if field.name == "@message" and pattern == _TEXT_FIELDS.parse:
            return "restore_ms::VARCHAR"
        return f"nullif(regexp_extract({self._of(field, _TEXT).text}, {self._value(_python(pattern))}, 1), '')"

    def _by_group(self, texts: Mapping[int, str | None]) -> str:
        cases = " ".join(f"WHEN {number} THEN {self._value(text)}" for number, text in texts.items())
        return f"CASE log_group {cases} END"

    def _whole(self) -> Compiled:
        where = f"FROM all_events WHERE {' AND '.join(self._conditions)}"
        if self._has_stats:
            columns = [*self._groups, *self._select]
            names = self._shown or [name for name, _ in columns]
            computed = ", ".join(f"{_shown(sql)} AS column_{place}" for place, (_, sql) in enumerate(columns))
            groups = ", ".join(str(place) for place in range(1, len(self._groups) + 1))
            where = f"FROM (SELECT {computed} {where} {f'GROUP BY {groups}' if groups else 'HAVING count(*) > 0'})"
        else:
            names = self._shown or [name for name, _ in self._select] or ["@timestamp", "@message"]
            self._order = self._order or ["time DESC", "seq DESC"]
        shown = ", ".join(self._column("display", name) for name in names)
        ordered = f" ORDER BY {', '.join(self._order)}" if self._order else ""
        text = f"SELECT {shown} {where}{ordered} LIMIT {self._limit}"
        # DuckDB refuses values that a query does not use.
        return Compiled(text, {name: self._values[name] for name in re.findall(r"\$(value_\d+)", text)}, names)

    def _value(self, value: object) -> str:
        name = f"value_{len(self._values)}"
        self._values[name] = value
        return f"${name}"

    def _of(self, expression: Expression, kind: str) -> Sql:
        """The expression as a value of that type."""
        return _cast(self._sql(expression), kind)

    def _sql(self, expression: Expression) -> Sql:
        match expression:
            case Literal(str(text)):
                return Sql(self._value(text), _TEXT)
            case Literal(number):
                return Sql(f"{float(number)!r}::DOUBLE", _NUMBER)
            case Name(name):
                return self._names.get(name) or self._json_field(name)
            case Call(function, arguments):
                return self._call(function, arguments)

    def _json_field(self, name: str) -> Sql:
        if name.startswith("@") or not self._catalog.has_messages:
            raise UnsupportedError(f"the field {name!r} of its query is not known here")
        path = "$" + "".join(f'."{step}"' for step in name.split("."))
        return Sql(f"CASE WHEN message LIKE '{{%' AND json_valid(message) THEN message ->> '{path}' END", _TEXT)

    def _call(self, function: str, arguments: tuple[Expression, ...]) -> Sql:
        if function in _OPERATORS and len(arguments) == 2:
            return self._operator(function, *arguments)
        match function, arguments:
            case "coalesce", (_, *_):
                parts = [self._of(argument, _NUMBER) for argument in arguments]
                return _joined(parts, f"coalesce({', '.join(part.text for part in parts)})", _NUMBER)
            case "ispresent", (of,):
                part = self._sql(of)
                return _joined([part], f"({part.text} IS NOT NULL)", _TRUTH)
            case (("strcontains" | "like" | "matches"), (of, Literal(str(wanted)))):
                part = self._of(of, _TEXT)
                test = "regexp_matches" if function == "matches" else "contains"
                found = f"{test}({part.text}, {self._value(_python(wanted) if function == 'matches' else wanted)})"
                is_number = function == "strcontains"
                return _joined([part], f"{found}::DOUBLE" if is_number else found, _NUMBER if is_number else _TRUTH)
        text = self._aggregate(function, arguments)
        if text is None:
            raise UnsupportedError(f"the function {function!r} of its query is not known with these arguments")
        return Sql(text, _NUMBER, aggregate=True)

    def _aggregate(self, function: str, arguments: tuple[Expression, ...]) -> str | None:
        match function, arguments:
            case "count", ():
                return "count(*)::DOUBLE"
            case "count", (of,):
                return f"count({self._sql(of).text})::DOUBLE"
            case (("avg" | "max" | "min" | "sum"), (of,)):
                return f"{function}({self._of(of, _NUMBER).text})"
            case "pct", (of, Literal(float(percent))) if 0 <= percent <= 100:
                # By nearest rank, as metrics. Rounded, for 99.9 / 100 is a last bit above 0.999.
                return f"quantile_disc({self._of(of, _NUMBER).text}, {round(percent / 100, 12)!r})"
        return None

    def _operator(self, operator: str, one: Expression, other: Expression) -> Sql:
        wanted, kind = _OPERATORS[operator]
        parts = [self._sql(one), self._sql(other)]
        if wanted or _NUMBER in (parts[0].type, parts[1].type):
            parts = [_cast(part, wanted or _NUMBER) for part in parts]
        left, right = (part.text for part in parts)
        # A division by zero has no value.
        right = f"nullif({right}, 0)" if operator == "/" else right
        return _joined(parts, f"({left} {operator} {right})", kind)


def _cast(found: Sql, kind: str) -> Sql:
    """The same as a value of that type; a text that is no number has no value as a number."""
    if found.type == kind:
        return found
    if kind == _TRUTH:
        raise UnsupportedError("a condition of its query is neither true nor false")
    cast = f"TRY_CAST({found.text} AS {kind})" if kind == _NUMBER else f"({found.text})::{kind}"
    return Sql(cast, kind, found.aggregate)


def _shown(sql: Sql) -> str:
    """A value as a column: Insights shows true and false as 1 and 0."""
    return f"({sql.text})::INTEGER" if sql.type == _TRUTH else sql.text


def _joined(parts: Sequence[Sql], text: str, kind: str) -> Sql:
    return Sql(text, kind, any(part.aggregate for part in parts))


def _python(pattern: str) -> str:
    """A regular expression as Python and RE2 write it: they name groups in another way."""
    return pattern.replace("(?<", "(?P<")
