"""Metric math, as far as the lab's dashboards use it: numbers, ids, ``+ - * / ^``, parentheses and ``PERIOD(id)``.

Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". Operators work point by point:
there is a result where every operand has a value at that time, and none where it is no number (a division by zero).
PERIOD is a metric's period in seconds. Other functions are refused by name. The endpoint's GetMetricData and
`lab dashboard` both evaluate with it.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Final

Points = dict[float, float]
"""Values by time, Unix seconds."""

Operand = Points | float
_TOKEN: Final = re.compile(r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z]\w*)|(?P<sign>\S))")
_OPERATORS: Final[dict[str, tuple[int, Callable[[float, float], float]]]] = {
    "+": (1, operator.add),
    "-": (1, operator.sub),
    "*": (2, operator.mul),
    "/": (2, operator.truediv),
    "^": (4, operator.pow),
}
_NEGATION: Final = 3
_PERIOD: Final = "PERIOD"


class MathError(Exception):
    """An expression cannot be evaluated; the text says why."""


def names(expression: str) -> set[str]:
    """The ids that an expression refers to, and the functions that it calls."""
    return {text for kind, text in _tokens(expression) if kind == "name"}


def evaluate(expression: str, operands: Mapping[str, Points], periods: Mapping[str, float]) -> Points:
    """The expression's values.

    Args:
        expression: as a dashboard or GetMetricData has it.
        operands: the values of every id that it may refer to.
        periods: the periods, in seconds, of those ids that are metrics.

    Raises:
        MathError: it cannot be read, uses what is not here, or gives no time series.
    """
    reader = _Reader(_tokens(expression), operands, periods)
    try:
        result = reader.expression(0)
    except RecursionError:
        raise MathError("the expression is nested too deeply") from None
    if reader.kind != "end":
        raise MathError(f"unexpected '{reader.text}'")
    if isinstance(result, float):
        raise MathError("the expression gives no time series")
    return result


class _Reader:
    """Reads and evaluates at once, operator by operator, those that bind more tightly first."""

    def __init__(
        self, tokens: list[tuple[str, str]], operands: Mapping[str, Points], periods: Mapping[str, float]
    ) -> None:
        self._tokens = iter(tokens)
        self._operands = operands
        self._periods = periods
        self.kind = self.text = ""
        self._next()

    def expression(self, least: int) -> Operand:
        """What follows, as far as its operators bind at least so tightly."""
        left = self._term()
        while self.kind == "sign" and self.text in _OPERATORS and _OPERATORS[self.text][0] >= least:
            binding, function = _OPERATORS[self.text]
            self._next()
            left = _apply(function, left, self.expression(binding + 1))
        return left

    def _term(self) -> Operand:
        kind, text = self.kind, self.text
        self._next()
        if kind == "number":
            return float(text)
        if kind == "name":
            return self._operand(text)
        if text == "-":
            return _apply(operator.mul, -1.0, self.expression(_NEGATION))
        if text == "(":
            inner = self.expression(0)
            self._close()
            return inner
        raise MathError(f"unexpected '{text}'" if text else "unexpected end")

    def _close(self) -> None:
        if self.text != ")":
            raise MathError("a parenthesis is not closed")
        self._next()

    def _operand(self, name: str) -> Operand:
        if self.text == "(":
            return self._call(name)
        if name not in self._operands:
            raise MathError(f"there is no query with the id '{name}'")
        return self._operands[name]

    def _call(self, function: str) -> Operand:
        if function != _PERIOD:
            raise MathError(f"the function {function} is not supported here")
        self._next()
        identifier = self.text
        if identifier not in self._periods:
            raise MathError(f"{_PERIOD} takes the id of a metric, and '{identifier}' is none")
        self._next()
        self._close()
        return float(self._periods[identifier])

    def _next(self) -> None:
        self.kind, self.text = next(self._tokens, ("end", ""))


def _tokens(expression: str) -> list[tuple[str, str]]:
    matches = _TOKEN.finditer(expression)
    return [(match.lastgroup, match[match.lastgroup]) for match in matches if match.lastgroup is not None]


def _apply(function: Callable[[float, float], float], left: Operand, right: Operand) -> Operand:
    if isinstance(left, float):
        if isinstance(right, float):
            value = _value(function, left, right)
            if value is None:
                raise MathError("the expression gives no number")
            return value
        return _points({at: (left, value) for at, value in right.items()}, function)
    if isinstance(right, float):
        return _points({at: (value, right) for at, value in left.items()}, function)
    return _points({at: (left[at], right[at]) for at in left.keys() & right.keys()}, function)


def _points(pairs: Mapping[float, tuple[float, float]], function: Callable[[float, float], float]) -> Points:
    values = {at: _value(function, *pair) for at, pair in pairs.items()}
    return {at: value for at, value in values.items() if value is not None}


def _value(function: Callable[[float, float], float], left: float, right: float) -> float | None:
    try:
        value = function(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return value if isinstance(value, float) and abs(value) != float("inf") else None
