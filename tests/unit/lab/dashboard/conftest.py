"""Fixtures of other tests that these use too."""

from tests.ministack_fixture import ministack
from tests.unit.lab.runs_in_s3 import bucket

__all__ = ["bucket", "ministack"]
