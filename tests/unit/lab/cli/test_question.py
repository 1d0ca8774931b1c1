"""The options of a recommendation: how they are read, and what is refused."""

import math
from typing import Any

import click
import pytest
from click.testing import CliRunner

from lab.analysis.model import Question
from lab.cli.question import question, question_options


def asked(*arguments: str) -> tuple[Question | None, str]:
    """What the options ask, and what is printed."""
    received: list[Question] = []

    @click.command()
    @question_options
    def command(**options: Any) -> None:
        received.append(question(**options))

    result = CliRunner().invoke(command, arguments)
    return (received[0] if received else None), result.output


def test_the_defaults_are_those_of_the_question() -> None:
    assert asked()[0] == Question()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("60s", 60.0), ("90", 90.0), ("5m", 300.0), ("2h", 7200.0), ("250ms", 0.25), ("0", 0.0), ("any", math.inf)],
)
def test_a_duration_has_a_unit(given: str, seconds: float) -> None:
    found, _ = asked("--max-staleness", given)

    assert found is not None
    assert found.max_staleness_s == pytest.approx(seconds)


@pytest.mark.parametrize(("given", "share"), [("1%", 0.01), ("0.05", 0.05), ("0", 0.0), ("100%", 1.0)])
def test_a_share_may_be_in_percent(given: str, share: float) -> None:
    found, _ = asked("--cold-share", given)

    assert found is not None
    assert found.cold_share == pytest.approx(share)


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        ("--max-staleness", "soon", "'soon' is not a duration; give it as 60s, 5m, 2h or any"),
        ("--max-staleness", "-1s", "'-1s' is not a duration"),
        ("--max-staleness", "5 weeks", "'5 weeks' is not a duration"),
        ("--cold-share", "2", "'2' is not a share; give it as 0.01 or 1%"),
        ("--cold-share", "nan", "'nan' is not a share"),
        ("--volume", "0", "0"),
        ("--volume", "nan", "nan is not a finite number"),
    ],
)
def test_what_cannot_be_read_is_refused(option: str, given: str, message: str) -> None:
    found, output = asked(f"{option}={given}")

    assert found is None
    assert message in output
