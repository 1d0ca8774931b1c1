"""A Logs Insights query as SQL over the table of records.

Two lines of an invocation are made of its record: the last one (REPORT, or `platform.report` in JSON), and of the
function's own EMF line its downstream calls. Other lines of a log leave no trace in a record, so there are none. Fields
have the names that Insights finds by itself in both log formats:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

# ruff: noqa: S608 -- every value is a parameter of the query; names are ours
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudwatch.errors import UnsupportedError as RefusedError
from cloudwatch.insights import (
    Call,
    Command,
    Display,
    Expression,
    Fields,
    Filter,
    Literal,
    Name,
    Parse,
    Query,
    Sort,
    Stats,
)
from facts import metrics as emitted
from facts.names import FUNCTION_PREFIX, log_group_name
from lab.dashboard.measures import EXPRESSIONS, INVOKED, quantile

MOST_ROWS: Final = 1000
LOG_GROUP_PREFIX: Final = log_group_name(FUNCTION_PREFIX)

_LOG: Final = f"000000000000:{LOG_GROUP_PREFIX}"
"""What `@log` begins with: an account, and the log group."""

_TEXT, _NUMBER, _TRUTH = "VARCHAR", "DOUBLE", "BOOLEAN"

# Of each operator: the type of its sides, and its own. A comparison is of numbers where one side is a number.
_OPERATORS: Final[Mapping[str, tuple[str | None, str]]] = {
    **dict.fromkeys(("+", "-", "*", "/"), (_NUMBER, _NUMBER)),
    **dict.fromkeys(("and", "or"), (_TRUTH, _TRUTH)),
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">="), (None, _TRUTH)),
}


class Sql(NamedTuple):
    """An expression of SQL, its type, and whether it is an aggregate."""

    text: str
    type: str
    aggregate: bool = False


class Compiled(NamedTuple):
    """A whole query: its SQL, its values, and the names of the columns that are shown."""

    text: str
    values: Mapping[str, Any]
    columns: Sequence[str]


_MESSAGE: Final = " || ".join(
    [
        "'REPORT RequestId: ' || coalesce(request_id, '') || chr(9)",
        "'Duration: ' || duration_ms || ' ms' || chr(9)",
        "coalesce('Billed Duration: ' || billed_ms::BIGINT || ' ms' || chr(9), '')",
        "coalesce('Memory Size: ' || memory_mb::BIGINT || ' MB' || chr(9), '')",
        "coalesce('Max Memory Used: ' || max_memory_mb::BIGINT || ' MB' || chr(9), '')",
        "coalesce('Init Duration: ' || init_ms || ' ms' || chr(9), '')",
        "coalesce('Restore Duration: ' || restore_ms || ' ms' || chr(9), '')",
    ]
)
_RARE: Final = {"Init Duration: ": "init_ms", "Restore Duration: ": "restore_ms"}
"""What only few messages hold, and the column that tells which."""

_CALLS: Final = emitted.DOWNSTREAM_CALLS.name
_IN_REPORT: Final = (
    "request_id",
    "duration_ms",
    "billed_ms",
    "memory_mb",
    "max_memory_mb",
    "init_ms",
    "restore_ms",
)
# Literals tell the two kinds apart, so that DuckDB reads no line of a kind that is not asked for.
_LINES: Final = f"""(
    SELECT variant, moment, {", ".join(_IN_REPORT)}, 'REPORT' AS kind, 'platform.report' AS json_kind,
           NULL::DOUBLE AS calls
    FROM records WHERE {INVOKED} AND duration_ms IS NOT NULL
    UNION ALL
    SELECT variant, moment, {", ".join(f"NULL AS {name}" for name in _IN_REPORT)}, NULL AS kind, NULL AS json_kind,
           {EXPRESSIONS[emitted.NAMESPACE, _CALLS]} AS calls
    FROM records WHERE {INVOKED} AND downstream_calls IS NOT NULL)"""

_FIELDS: Final[Mapping[str, Sql]] = {
    "@type": Sql("kind", _TEXT),
    "@log": Sql(f"'{_LOG}' || variant", _TEXT),
    "@message": Sql(f"({_MESSAGE})", _TEXT),
    "@duration": Sql("duration_ms", _NUMBER),
    "@initDuration": Sql("init_ms", _NUMBER),
    "@billedDuration": Sql("billed_ms", _NUMBER),
    "type": Sql("json_kind", _TEXT),
    "record.metrics.durationMs": Sql("duration_ms", _NUMBER),
    "record.metrics.initDurationMs": Sql("init_ms", _NUMBER),
    "record.metrics.restoreDurationMs": Sql("restore_ms", _NUMBER),
    "record.metrics.billedDurationMs": Sql("billed_ms", _NUMBER),
    _CALLS: Sql("calls", _NUMBER),
}


def compile_query(query: Query) -> Compiled:
    """The SQL of a query; ``$start`` and ``$end`` of its range are still to be given.

    Raises:
        RefusedError: it uses a field or a function that is not known here.
    """
    return _Compiler(query).compiled


class _Compiler:
    def __init__(self, query: Query) -> None:
        self._values: dict[str, Any] = {"variants": [_variant(group) for group in query.log_groups]}
        self._names: dict[str, Sql] = dict(_FIELDS)
        self._conditions = ["variant IN $variants", "moment >= $start", "moment < $end"]
        self._select: list[tuple[str, Sql]] = []
        self._groups: list[tuple[str, Sql]] = []
        self._order: list[str] = []
        self._shown: tuple[str, ...] = ()
        for command in query.commands:
            self._add(command)
        self.compiled = self._whole()

    def _add(self, command: Command) -> None:
        if self._select and not isinstance(command, Sort | Display):
            raise RefusedError("its query has a command after `stats` that is neither `sort` nor `display`")
        match command:
            case Filter(condition):
                self._conditions.append(self._of(condition, _TRUTH).text)
            case Parse(field, pattern, name):
                self._names[name] = Sql(self._parsed(field, pattern), _TEXT)
            case Fields(columns):
                self._names |= {name: self._sql(expression) for name, expression in columns}
            case Stats(columns, groups):
                self._groups = [(name, self._sql(expression)) for name, expression in groups]
                self._names |= dict(self._groups)
                for name, expression in columns:
                    found = self._sql(expression)
                    if not found.aggregate:
                        raise RefusedError(f"the column {name!r} of `stats` is no aggregate")
                    self._names[name] = found
                    self._select.append((name, found))
            case Sort(by):
                self._order = [
                    f"{self._column('sort', name)} {'ASC' if ascending else 'DESC'} NULLS LAST"
                    for name, ascending in by
                ]
            case Display(names):
                self._shown = names

    def _column(self, command: str, name: str) -> str:
        """What the SQL calls a column of the table."""
        columns = [column for column, _ in (*self._groups, *self._select)]
        if name not in columns:
            raise RefusedError(f"`{command}` names {name!r}, which is no column")
        return f"column_{columns.index(name)}"

    def _parsed(self, field: Name, pattern: str) -> str:
        pattern = pattern.replace("(?<", "(?P<")
        """What the pattern's group matches. A regular expression is tried no oftener than it can tell anything new."""
        if field.name == "@log":  # one for each log group
            matched = f"nullif(regexp_extract('{_LOG}' || {{0}}, {self._value(pattern)}, 1), '')"
            groups = [self._value(variant) for variant in self._values["variants"]]
            cases = " ".join(f"WHEN {group} THEN {matched.format(group)}" for group in groups)
            return f"CASE variant {cases} END"
        matched = f"nullif(regexp_extract({self._of(field, _TEXT).text}, {self._value(pattern)}, 1), '')"
        column = next((column for label, column in _RARE.items() if pattern.startswith(label)), None)
        return f"CASE WHEN {column} IS NOT NULL THEN {matched} END" if field.name == "@message" and column else matched

    def _whole(self) -> Compiled:
        columns = [*self._groups, *self._select]
        names = self._shown or [name for name, _ in columns]
        shown = ", ".join(self._column("display", name) for name in names)
        # Insights has 1 and 0 for true and false.
        texts = [f"{sql.text}::INTEGER" if sql.type == _TRUTH else sql.text for _, sql in columns]
        computed = ", ".join(f"{text} AS column_{place}" for place, text in enumerate(texts))
        groups = ", ".join(str(place) for place in range(1, len(self._groups) + 1))
        ordered = f" ORDER BY {', '.join(self._order)}" if self._order else ""
        text = (
            f"SELECT {shown} FROM (SELECT {computed} FROM {_LINES} WHERE {' AND '.join(self._conditions)}"
            f"{f' GROUP BY {groups}' if groups else ' HAVING count(*) > 0'}){ordered} LIMIT {MOST_ROWS}"
        )
        return Compiled(text, self._values, names)

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
                if name not in self._names:
                    raise RefusedError(f"the field {name!r} of its query is not known here")
                return self._names[name]
            case Call(function, arguments):
                return self._call(function, arguments)

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
            case "strcontains", (of, Literal(str(wanted))):
                part = self._of(of, _TEXT)
                return _joined([part], f"contains({part.text}, {self._value(wanted)})::DOUBLE", _NUMBER)
        text = self._aggregate(function, arguments)
        if text is None:
            raise RefusedError(f"the function {function!r} of its query is not known with these arguments")
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
                return quantile(self._of(of, _NUMBER).text, percent)
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
    """The same as a value of that type; what is no number is then no value."""
    if found.type == kind:
        return found
    if kind == _TRUTH:
        raise RefusedError("a condition of its query is neither true nor false")
    cast = f"TRY_CAST({found.text} AS {kind})" if kind == _NUMBER else f"({found.text})::{kind}"
    return Sql(cast, kind, found.aggregate)


def _joined(parts: Sequence[Sql], text: str, kind: str) -> Sql:
    return Sql(text, kind, any(part.aggregate for part in parts))


def _variant(log_group: str) -> str:
    if not log_group.startswith(LOG_GROUP_PREFIX):
        raise RefusedError(f"the log group {log_group} is of no variant of the lab")
    return log_group.removeprefix(LOG_GROUP_PREFIX)
