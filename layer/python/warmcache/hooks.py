"""SnapStart's two hooks.

AWS's runtime client runs hooks only in an environment whose ``AWS_LAMBDA_INITIALIZATION_TYPE`` is
``snap-start``: those before the snapshot in reverse order of registration, those after a restore in order.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
"""

import os
from collections.abc import Callable

# snapshot_restore_py is part of Lambda's runtime. It is imported inside the functions, since the import takes 8 ms of a
# cold start and the module may be missing elsewhere.


def before_snapshot(hook: Callable[[], object]) -> None:
    """Run ``hook`` before the snapshot is taken. Without SnapStart it never runs."""
    if _has_snap_start():
        from snapshot_restore_py import register_before_snapshot  # noqa: PLC0415 -- see above

        register_before_snapshot(hook)


def after_restore(hook: Callable[[], object]) -> None:
    """Run ``hook`` after each restore, before its first invocation. Without SnapStart it never runs.

    Lambda bills the hooks as restore duration, and ends a restore after 10 seconds.
    """
    if _has_snap_start():
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415 -- see above

        register_after_restore(hook)


def _has_snap_start() -> bool:
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
