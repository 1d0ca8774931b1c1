from pathlib import Path

import pytest

from cloudwatch.protocol import JSON, Call
from lab.endpoint.telemetry import entries
from lab.endpoint.telemetry.worker import Worker


def test_a_batch_that_cannot_be_taken_is_logged_and_the_next_one_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(tmp_path, "http://127.0.0.1:9")
    worker.take([(entries.LOG, "no", "such", "entry")])
    assert worker.state() == {"refused_series": 0, "lost_batches": 1}
    assert "logs or metrics were lost" in caplog.text
    assert "TypeError" in caplog.text
    worker.take([tuple(entries.Throttle(entries.THROTTLE, "shop", "1", "arn:function:shop", 1e9))])
    answer = worker.answer("monitoring", Call("ListMetrics", JSON, False, b"{}"))
    assert answer is not None
    assert b"Throttles" in answer[2]
    assert worker.state()["lost_batches"] == 1
    worker.store.close()
