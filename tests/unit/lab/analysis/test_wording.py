"""How values are worded."""

import math

import pytest

from lab.analysis.statistics import Estimate
from lab.analysis.wording import advised, figure, interval, listed, shown
from lab.records.run_file import RunWarning


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.01234, "0.012"),
        (0.5, "0.500"),
        (0.9996, "1.00"),
        (9.994, "9.99"),
        (9.998, "10.0"),
        (99.97, "100"),
        (-12.34, "-12.3"),
        (123456.7, "123,457"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (math.inf, "not answered"),
        (-math.inf, "\u2013"),
    ],
)
def test_a_figure_has_about_three_digits(value: float | None, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(2, 1, 3), "1.00\u20133.00"),
        (Estimate(2, -1, 3), "-1.00 to 3.00"),
        (Estimate(2, 2, 2), "2.00"),
        (Estimate(2, -math.inf, 3), "\u2013"),
        (None, "\u2013"),
    ],
)
def test_an_interval_is_its_two_ends(estimate: Estimate | None, text: str) -> None:
    assert interval(estimate) == text


def test_what_cannot_be_printed_is_written_out() -> None:
    assert shown("a\x1b[31m\u202e\n\ud800") == "a\\x1b[31m\\u202e\\n\\ud800"


def test_what_is_long_is_cut() -> None:
    assert shown("x" * 100, 10) == "x" * 9 + "\u2026"


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed(names: list[str], text: str) -> None:
    assert listed(names) == text


@pytest.mark.parametrize(
    ("advice", "end"), [("run again", "run again."), ("run again.", "run again."), ("was it full?", "was it full?")]
)
def test_a_next_step_ends_as_one_sentence(advice: str, end: str) -> None:
    assert advised(RunWarning("code", "so it is", advice)) == f"so it is (code). Next step: {end}"
