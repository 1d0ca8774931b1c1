"""Metric math: numbers, ids, ``+ - * / ^``, parentheses and ``PERIOD(id)``. Other functions are refused by name.

Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". Operators work point by point:
there is a result where every operand has a value at that time, and none where it is not a number (a division by zero).
PERIOD is a metric's period in seconds. GetMetricData and `lab dashboard` both evaluate with it.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Final

Points = dict[float, float]
"""Values by time, Unix seconds."""

Operand = Points | float
_NAME: Final = re.compile(r"(?<![\w.])[A-Za-z]\w*")
# Python parses it: its operators are the same but for the power. Names get a prefix, for `in` may be an id.
_UNKNOWN: Final = re.compile(r"\*\*|//|[^\w\s.,()+\-*/^]")
_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class MathError(Exception):
    """An expression cannot be evaluated; the text says why."""


def names(expression: str) -> set[str]:
    """The ids that an expression refers to, and the functions that it calls."""
    return set(_NAME.findall(expression))


def evaluate(expression: str, operands: Mapping[str, Points], periods: Mapping[str, float]) -> Points:
    """The values of an expression over the values of ids, and the periods (seconds) of those that are metrics.

    Raises:
        MathError: it cannot be parsed, uses what is not supported, or gives no time series.
    """
    if sign := _UNKNOWN.search(expression):
        raise MathError(f"unexpected '{sign[0]}'")
    text = _NAME.sub(r"_\g<0>", " ".join(expression.split())).replace("^", "**")
    try:
        result = _value(ast.parse(text, mode="eval").body, operands, periods)
    except SyntaxError as error:
        raise MathError(f"'{expression[:100]}' cannot be parsed: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise MathError("the expression is nested too deeply") from None
    if isinstance(result, float):
        raise MathError("the expression gives no time series")
    return result


def _value(node: ast.expr, operands: Mapping[str, Points], periods: Mapping[str, float]) -> Operand:
    match node:
        case ast.Constant(int() | float() as number):
            return float(number)
        case ast.Name(name):
            if name[1:] not in operands:
                raise MathError(f"there is no query with the id '{name[1:]}'")
            return operands[name[1:]]
        case ast.UnaryOp(ast.USub(), operand):
            return _apply(operator.mul, -1.0, _value(operand, operands, periods))
        case ast.BinOp(left, sign, right) if type(sign) in _OPERATORS:
            sides = (_value(side, operands, periods) for side in (left, right))
            return _apply(_OPERATORS[type(sign)], *sides)
        case ast.Call(ast.Name("_PERIOD"), [ast.Name(name)]):
            if name[1:] not in periods:
                raise MathError(f"PERIOD takes the id of a metric, which '{name[1:]}' is not")
            return float(periods[name[1:]])
        case ast.Call(ast.Name(function)):
            raise MathError(f"the function {function[1:]} is not supported here")
    raise MathError(f"unexpected '{ast.unparse(node)}'")


def _apply(function: Callable[[float, float], float], left: Operand, right: Operand) -> Operand:
    if isinstance(left, float) and isinstance(right, float):
        value = _number(function, left, right)
        if value is None:
            raise MathError("the expression gives no number")
        return value
    if isinstance(left, dict):
        others = right if isinstance(right, dict) else dict.fromkeys(left, right)
        pairs = {at: (value, others[at]) for at, value in left.items() if at in others}
    else:
        assert isinstance(right, dict)
        pairs = {at: (left, value) for at, value in right.items()}
    values = {at: _number(function, *pair) for at, pair in pairs.items()}
    return {at: value for at, value in values.items() if value is not None}


def _number(function: Callable[[float, float], float], left: float, right: float) -> float | None:
    try:
        value = function(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return value if isinstance(value, float) and abs(value) != float("inf") else None
