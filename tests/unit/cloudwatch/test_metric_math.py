"""Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics"."""

import pytest

from cloudwatch.metric_math import MathError, Points, evaluate, names

PERIODS = {"a": 60, "b": 60}
OPERANDS: dict[str, Points] = {
    "a": {60: 6.0, 120: 8.0, 180: 1.0},
    "b": {60: 3.0, 120: 0.0},
    "calls_1": {60: 2.0},
    "in": {60: 1.0},
}


@pytest.mark.parametrize(
    ("expression", "points"),
    [
        ("a", {60: 6.0, 120: 8.0, 180: 1.0}),
        ("a + b", {60: 9.0, 120: 8.0}),
        ("a - b - calls_1", {60: 1.0}),
        ("2 * calls_1 + 1", {60: 5.0}),
        ("1 + 2 * calls_1", {60: 5.0}),
        ("(1 + 2) * calls_1", {60: 6.0}),
        ("12 / b / 2", {60: 2.0}),
        ("calls_1 ^ 3", {60: 8.0}),
        ("-calls_1 ^ 2", {60: -4.0}),
        ("2 ^ -calls_1", {60: 0.25}),
        ("-a * -1", {60: 6.0, 120: 8.0, 180: 1.0}),
        ("1e3*calls_1", {60: 2000.0}),
        (".5*calls_1", {60: 1.0}),
        ("a / PERIOD(a)", {60: 0.1, 120: pytest.approx(8 / 60), 180: pytest.approx(1 / 60)}),
        ("PERIOD(b) * calls_1 / PERIOD(a)", {60: 2.0}),
        ("a +\n in", {60: 7.0}),
        ("  1000 * calls_1 / a ", {60: pytest.approx(333.33, abs=0.01)}),
    ],
)
def test_an_expression_is_computed_where_every_operand_has_a_value(expression: str, points: Points) -> None:
    assert evaluate(expression, OPERANDS, PERIODS) == points


def test_where_there_is_no_number_there_is_no_point() -> None:
    assert evaluate("a / b", OPERANDS, PERIODS) == {60: 2.0}
    assert evaluate("(0 - a) ^ 0.5", OPERANDS, PERIODS) == {}
    assert evaluate("a ^ 1000", {"a": {60: 1e9}}, PERIODS) == {}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "cannot be parsed"),
        ("a +", "'a \\+' cannot be parsed"),
        ("(a", "cannot be parsed: '\\(' was never closed"),
        ("a b", "cannot be parsed"),
        ("a)", "cannot be parsed"),
        ("a ? b", "unexpected '\\?'"),
        ("a ** 2", "unexpected '\\*\\*'"),
        ("a.b", "unexpected"),
        ("a, b", "unexpected"),
        ("1j * a", "unexpected '1j'"),
        ("1 + 2", "no time series"),
        ("1 / 0 + a", "no number"),
        ("c + 1", "no query with the id 'c'"),
        ("SUM(METRICS())", "the function SUM is not supported here"),
        ("PERIOD()", "the function PERIOD is not supported"),
        ("PERIOD(c) * a", "PERIOD takes the id of a metric, which 'c' is not"),
        ("PERIOD(calls_1) * a", "which 'calls_1' is not"),
        ("PERIOD(a", "was never closed"),
        ("PERIOD(a)", "no time series"),
        ("(" * 3000 + "a" + ")" * 3000, "too many nested parentheses|nested too deeply"),
        ("-" * 20_000 + "a", "nested too deeply|cannot be parsed"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_its_reason(expression: str, reason: str) -> None:
    with pytest.raises(MathError, match=reason):
        evaluate(expression, OPERANDS, PERIODS)


def test_the_ids_in_an_expression_are_found() -> None:
    assert names("100 * (hits_ttl_cache + stale) / invocations") == {"hits_ttl_cache", "stale", "invocations"}
