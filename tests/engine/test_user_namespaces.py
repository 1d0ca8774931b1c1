"""The tier of namespaces that need no root: each environment begins with a user namespace of its own.

The tests are those of the tier that this machine has, with another `harness`.
"""

import os
import subprocess
from collections.abc import Iterator

import pytest

from lab.engine.sandbox.isolation import Isolation
from lab.engine.sandbox.syscall_filter import syscall_filter
from tests.engine.endpoint import OVER_THE_CHANNEL
from tests.engine.harness import Harness, Meeting
from tests.engine.test_copies_of_a_snapshot import assert_own_files, seen_by_environments
from tests.engine.test_life_of_an_environment import (
    test_a_process_left_behind_by_a_crash_does_not_outlive_it,
    test_a_timeout_ends_the_process_and_keeps_the_environment,
    test_after_a_crash_the_same_environment_has_a_new_process_and_the_same_tmp,
    test_environments_have_a_tmp_of_their_own,
    test_nothing_of_an_environment_runs_between_invocations,
    test_the_first_invocation_is_a_cold_start_and_the_next_reuses_its_environment,
)
from tests.engine.test_limits import (
    test_environments_do_not_see_one_anothers_processes,
    test_more_memory_than_the_function_has_is_an_out_of_memory_error,
    test_only_tmp_can_be_written,
    test_tmp_has_the_size_that_was_configured,
)
from tests.engine.test_runtime_apis_of_others import (
    test_an_environments_own_processes_reach_its_runtime_api,
    test_one_environment_cannot_reach_the_runtime_api_of_another,
)
from tests.engine.test_snap_start import (
    test_init_runs_once_and_every_environment_is_restored_from_it,
    test_tmp_begins_as_the_snapshots_and_is_private_after_that,
)

__all__ = [
    "test_a_process_left_behind_by_a_crash_does_not_outlive_it",
    "test_a_timeout_ends_the_process_and_keeps_the_environment",
    "test_after_a_crash_the_same_environment_has_a_new_process_and_the_same_tmp",
    "test_an_environments_own_processes_reach_its_runtime_api",
    "test_environments_do_not_see_one_anothers_processes",
    "test_environments_have_a_tmp_of_their_own",
    "test_init_runs_once_and_every_environment_is_restored_from_it",
    "test_more_memory_than_the_function_has_is_an_out_of_memory_error",
    "test_nothing_of_an_environment_runs_between_invocations",
    "test_one_environment_cannot_reach_the_runtime_api_of_another",
    "test_only_tmp_can_be_written",
    "test_the_first_invocation_is_a_cold_start_and_the_next_reuses_its_environment",
    "test_tmp_begins_as_the_snapshots_and_is_private_after_that",
    "test_tmp_has_the_size_that_was_configured",
]

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIER = Isolation("namespaces (user)", {"user": True}, syscall_filter())


@pytest.fixture(scope="module")
def tier() -> Iterator[None]:
    """User namespaces; skip where nobody may make one, or mount in it."""
    command = ["unshare", "--map-root-user", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"this machine does not allow user namespaces: {error}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Isolation, "probe", lambda: TIER)
        yield


async def test_the_tier_is_the_one_that_is_tested(harness: Harness) -> None:
    source = "def handler(event, context): return open('/proc/self/uid_map').read().split()"
    uid_map = (await harness.invoke(harness.function(source))).payload
    assert uid_map == ["993", str(os.getuid()), "1"]
    assert harness.engine.tiers()["isolation"] == "namespaces (user)"


@OVER_THE_CHANNEL
async def test_restored_environments_have_files_and_an_event_loop_of_their_own(
    harness: Harness, meeting: Meeting
) -> None:
    assert_own_files(await seen_by_environments(harness, meeting, 2))
