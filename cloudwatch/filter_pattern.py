"""Filter patterns, which select log events.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax": terms, and conditions on JSON. Patterns for
space-delimited events and regular expressions are refused.
"""

import contextlib
import json
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Filter = Callable[[str], bool]
Condition = Callable[[Any], bool]

_TERM: Final = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+))')
_TOKEN: Final = re.compile(
    r'\s*(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<sign>&&|\|\||!=|<=|>=|[()=<>])|(?P<field>\$[^\s()=<>!&|]*)|(?P<word>[^\s()=<>!&|"]+))'
)
_STEP: Final = re.compile(r'\.(\w[\w-]*)|\[(\d+|\*)\]|\["([^"]+)"\]')
_ORDERS: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class PatternError(Exception):
    """A pattern is malformed, or is of a kind that is not supported; the text says which."""


def compiled(pattern: str) -> Filter:
    """A function that says whether a message matches; raises `PatternError`."""
    trimmed = pattern.strip()
    if trimmed.startswith("{"):
        if not trimmed.endswith("}"):
            raise PatternError("Invalid filter pattern: a brace is not closed")
        return _json_filter(trimmed[1:-1])
    if trimmed.startswith("[") or (len(trimmed) > 1 and trimmed.startswith("%")):
        raise PatternError("filter patterns of space-delimited events and regular expressions are not supported here")
    return _term_filter(trimmed)


def _term_filter(pattern: str) -> Filter:
    wanted: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(pattern):
        match = _TERM.match(pattern, position)
        if match is None:
            raise PatternError(f"Invalid character(s) in term '{pattern[position:].strip()[:20]}'")
        quoted = match["quoted"]
        wanted[match["sign"]].append(match["bare"] if quoted is None else _unescaped(quoted))
        position = match.end()
    every, some, none = wanted[""], wanted["?"], wanted["-"]
    if every or none:
        # "The question mark is ignored where it stands beside other terms."
        return lambda message: all(term in message for term in every) and not any(term in message for term in none)
    return lambda message: not some or any(term in message for term in some)


def _json_filter(pattern: str) -> Filter:
    reader = _Reader(_tokens(pattern))
    condition = reader.conditions()
    if reader.kind != "end":
        raise PatternError(f"Invalid filter pattern: unexpected '{reader.text}'")

    def matches(message: str) -> bool:
        if not message.lstrip().startswith("{"):
            return False
        try:
            return condition(json.loads(message))
        except (ValueError, RecursionError):
            return False

    return matches


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    position = 0
    while rest := pattern[position:].strip():
        match = _TOKEN.match(pattern, position)
        if match is None or match.lastgroup is None:
            raise PatternError(f"Invalid filter pattern: unexpected '{rest[:20]}'")
        text = match[match.lastgroup]
        yield match.lastgroup, _unescaped(text) if match.lastgroup == "text" else text
        position = match.end()


class _Reader:
    """Parses the conditions of a JSON pattern."""

    def __init__(self, tokens: Iterator[tuple[str, str]]) -> None:
        self._tokens = tokens
        self.kind, self.text = next(tokens, ("end", ""))

    def conditions(self) -> Condition:
        """Conditions joined by ``&&`` and ``||``."""
        some: list[list[Condition]] = [[self._condition()]]
        while self.text in ("&&", "||"):
            if self._take() == "||":
                some.append([])
            some[-1].append(self._condition())
        return lambda root: any(all(condition(root) for condition in every) for every in some)

    def _condition(self) -> Condition:
        if (self.kind, self.text) == ("sign", "("):
            self._take()
            inner = self.conditions()
            if self._take() != ")":
                raise PatternError("Invalid filter pattern: a parenthesis is not closed")
            return inner
        if self.kind != "field":
            raise PatternError(f"Invalid filter pattern: a field is wanted, not '{self.text}'")
        values = _selector(self._take())
        if self.kind != "word":
            sign, kind = self._take(), self.kind
            return _comparison(values, sign, kind, self._take())
        words = self._take().upper()
        while self.kind == "word":
            words += f" {self._take().upper()}"
        match words:
            case "IS NULL":
                return lambda root: None in values(root)
            case "IS TRUE" | "IS FALSE":
                wanted = words == "IS TRUE"
                return lambda root: any(value is wanted for value in values(root))
            case "NOT EXISTS":
                return lambda root: not values(root)
        raise PatternError(f"Invalid filter pattern: '{words}'")

    def _take(self) -> str:
        text = self.text
        self.kind, self.text = next(self._tokens, ("end", ""))
        return text


def _selector(text: str) -> Callable[[Any], list[Any]]:
    """A function that finds the values of ``$.a.b[0]`` in a document; none where there is no such member."""
    steps, position = [], 1
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise PatternError(f"Invalid filter pattern: '{text}' is not a selector")
        name, index, quoted = match.groups()
        steps.append(name or quoted or (index if index == "*" else int(index)))
        position = match.end()

    def values(root: Any) -> list[Any]:
        found = [root]
        for step in steps:
            found = [value for parent in found for value in _members(parent, step)]
        return found

    return values


def _members(parent: Any, step: str | int) -> list[Any]:
    if isinstance(step, int):
        return parent[step : step + 1] if isinstance(parent, list) else []
    if step == "*" and isinstance(parent, list):
        return parent
    return [parent[step]] if isinstance(parent, dict) and step in parent else []


def _comparison(values: Callable[[Any], list[Any]], sign: str, kind: str, text: str) -> Condition:
    number = None
    with contextlib.suppress(ValueError):
        number = float(text) if kind == "word" else None
    if sign in _ORDERS:
        order = _ORDERS[sign]
        if number is None:
            raise PatternError(f"Invalid filter pattern: '{text}' is not a number")
        return lambda root: any(order(value, number) for value in values(root) if _is_number(value))
    if sign not in ("=", "!=") or kind not in ("word", "text"):
        raise PatternError(f"Invalid filter pattern: unexpected '{sign}'")
    wildcard = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)

    def equal(value: Any) -> bool:
        if _is_number(value):
            return number is not None and bool(value == number)
        return isinstance(value, str) and wildcard.fullmatch(value) is not None

    return lambda root: any(equal(value) == (sign == "=") for value in values(root))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
