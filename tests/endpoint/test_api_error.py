"""Error answers, and the traces that failures leave."""

import asyncio
import json
import logging
import uuid

import pytest

from lab.endpoint.api_error import error_answer, new_request_id, user_error
from lab.endpoint.tasks import Tasks


def test_a_request_id_is_a_uuid_of_version_4() -> None:
    for _ in range(100):
        made = uuid.UUID(text := new_request_id())
        assert (str(made), made.version, made.variant) == (text, 4, uuid.RFC_4122)


def test_an_api_error_is_answered_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    status, _, body = error_answer(user_error(413, "RequestEntityTooLargeException", "too large"))
    assert (status, json.loads(body)) == (413, {"Type": "User", "message": "too large"})
    assert caplog.records == []


def test_an_internal_error_is_one_line_for_the_client_and_a_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    status, headers, body = error_answer(KeyError("missing"))
    assert (status, json.loads(body)) == (500, {"Type": "Service", "Message": "KeyError: 'missing'"})
    assert (b"x-amzn-ErrorType", b"ServiceException") in list(headers)
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info


async def test_an_error_of_work_that_nobody_waits_for_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise KeyError("missing")

    tasks = Tasks()
    tasks.start(fails())
    tasks.start(asyncio.sleep(60))
    await asyncio.sleep(0)
    await tasks.close()
    [record] = caplog.records
    assert record.exc_info
