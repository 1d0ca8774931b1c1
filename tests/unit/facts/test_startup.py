"""The published quantiles of starts."""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from facts import startup

FILE: dict[str, Any] = tomllib.loads(Path(startup.__file__).with_name("startup.toml").read_text(encoding="utf-8"))
ROWS = [*startup.INITS.items(), *startup.RESTORES.items(), *startup.BILLED_RESTORES.items()]


@pytest.mark.parametrize(("name", "ms"), ROWS, ids=str)
def test_quantiles_rise(name: object, ms: list[float]) -> None:
    assert len(ms) == 4, name
    assert ms[0] > 0
    assert all(low < high for low, high in pairwise(ms))


def test_every_row_has_a_source_and_says_how_sure_it_is() -> None:
    rows = [*FILE["init"], *FILE["restore"]]
    assert {row["source"] for row in rows} | {row["billed_source"] for row in FILE["restore"]} == set(FILE["sources"])
    assert {row["sure"] for row in rows} <= {"good", "fair", "weak"}


def test_every_runtime_of_the_lab_has_a_row_for_both_architectures() -> None:
    runtimes = {f"python3.{minor}" for minor in range(11, 15)}
    assert set(startup.INITS) == {(name, architecture) for name in runtimes for architecture in ("arm64", "x86_64")}


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_less_than_a_restore_is_billed(architecture: str) -> None:
    whole, billed = startup.RESTORES[architecture], startup.BILLED_RESTORES[architecture]
    assert all(part < ms for part, ms in zip(billed, whole, strict=True))
