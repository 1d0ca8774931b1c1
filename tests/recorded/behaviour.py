"""Marks tests that check one behaviour of AWS that a public recording shows."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

FOLDER: Final = Path(__file__).parent
PLANES: Final = {"data": "data_plane", "control": "control_plane"}
"""Each plane and the folder of its tests."""


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """A behaviour of AWS, where it was recorded, and why it does not hold here; None if it holds."""

    plane: str
    subject: str
    says: str
    source: str
    differs: str | None


def behaviour(says: str, *, source: str, differs: str | None = None) -> pytest.MarkDecorator:
    """Mark a test, or a `pytest.param`, as the check of one behaviour of AWS.

    Args:
        says: what AWS does, as a sentence in our words, without a full stop.
        source: the recording: repository, path and test; without a repository, the file and test of LocalStack's suite.
        differs: why it does not hold here. The test must then fail: it is a strict xfail.
    """
    return pytest.mark.behaviour(says=says, source=source, differs=differs)


def behaviour_of(item: pytest.Item) -> Behaviour | None:
    """The behaviour that a test checks. Its plane is its folder, its subject is its file."""
    marks = list(item.iter_markers("behaviour"))
    if not marks:
        return None
    assert len(marks) == 1, f"{item.nodeid} checks {len(marks)} behaviours: give each a test or a parameter"
    fields: Mapping[str, Any] = marks[0].kwargs
    plane = next(name for name, folder in PLANES.items() if folder == item.path.parent.name)
    subject = item.path.stem.removeprefix("test_").replace("_", " ").replace("urls", "URLs")
    return Behaviour(plane=plane, subject=subject, **fields)


def expect_difference(item: pytest.Item) -> None:
    """Expect a test to fail where its behaviour differs here."""
    found = behaviour_of(item)
    if found is not None and found.differs is not None:
        failures = (AssertionError, ClientError, pytest.fail.Exception)
        item.add_marker(pytest.mark.xfail(reason=found.differs, strict=True, raises=failures))
