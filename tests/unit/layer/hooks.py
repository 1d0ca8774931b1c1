"""SnapStart's hooks, run as AWS's runtime client runs them."""

from collections.abc import Iterator

import pytest
import snapshot_restore_py
from awslambdaric import lambda_runtime_hooks_runner


class SnapStart:
    """Stands for what happens to an environment; the hooks are run by AWS's own code."""

    def snapshot(self) -> None:
        lambda_runtime_hooks_runner.run_before_snapshot()

    def restore(self) -> None:
        lambda_runtime_hooks_runner.run_after_restore()


@pytest.fixture
def snap_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[SnapStart]:
    """Hooks registered from now on are run by it, and forgotten after the test."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    yield SnapStart()
    snapshot_restore_py.get_before_snapshot().clear()
    snapshot_restore_py.get_after_restore().clear()
