"""An emulator that does not start: its error names a log that is kept."""

import logging
import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab.endpoint.emulator import emulator as module
from lab.endpoint.emulator.emulator import Emulator
from lab.endpoint.emulator.no_programs import REFUSAL
from lab.errors import LabError
from tests.engine.endpoint import Endpoint, until
from tests.engine.raw_http import request


@pytest.mark.parametrize(
    ("program", "limit_s", "message"),
    [
        (
            "print('first'); raise SystemExit('no such module')",
            60,
            "ministack did not start: no such module; run `make ",
        ),
        ("print('first', flush=True); input()", 0.5, "ministack did not answer within 0 s"),
    ],
)
def test_the_error_of_a_failed_start_names_a_log_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, limit_s: float, message: str
) -> None:
    script = tmp_path / "program.py"
    script.write_text(program)
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(module, "PROGRAM", script)
    monkeypatch.setattr(module, "START_LIMIT_S", limit_s)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "kept"))
    emulator = Emulator(tmp_path / "emulator", "http://127.0.0.1:4566", "secret")
    with pytest.raises(LabError) as caught:
        emulator.wait_until_ready()
    emulator.close()
    assert str(caught.value).startswith(message)
    log = re.search(r"its log is (\S+)$", str(caught.value))
    assert log is not None
    assert Path(log[1]).parent == tmp_path / "kept"


def test_no_other_program_can_take_the_emulators_port_before_it_listens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text("input()")
    monkeypatch.setattr(module, "PROGRAM", script)
    emulator = Emulator(tmp_path / "emulator", "http://127.0.0.1:4566", "secret")
    address = urlsplit(emulator.url)
    with pytest.raises(OSError, match="in use"):
        socket.create_server((str(address.hostname), address.port or 0))
    emulator.close()


def test_an_emulator_that_ended_before_the_endpoint_is_logged_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    emulator = Emulator(tmp_path / "emulator", "http://127.0.0.1:4566", "secret")
    emulator.wait_until_ready()
    emulator._process.kill()
    emulator._process.wait()
    shutil.rmtree(tmp_path / "emulator")  # the engine's end deletes the endpoint's folder
    emulator.close()
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.message.startswith("ministack had ended: ")
    assert "; its log is " in record.message
    assert Path(record.message.rpartition(" ")[2]).is_file()


def test_the_emulator_runs_no_programs_for_functions(endpoint: Endpoint, tmp_path: Path) -> None:
    """It is outside their sandbox. A script of Glue would run as the lab's user."""
    s3, glue = endpoint.client("s3"), endpoint.client("glue")
    s3.create_bucket(Bucket="scripts")
    s3.put_object(Bucket="scripts", Key="job.py", Body=f"open({str(tmp_path / 'ran')!r}, 'w')")
    command = {"Name": "pythonshell", "ScriptLocation": "s3://scripts/job.py"}
    glue.create_job(Name="job", Role="role", Command=command)
    run = glue.start_job_run(JobName="job")["JobRunId"]

    def state() -> Any:
        return glue.get_job_run(JobName="job", RunId=run)["JobRun"]

    until(lambda: state()["JobRunState"] == "FAILED")
    assert state()["ErrorMessage"] == REFUSAL
    assert list(tmp_path.iterdir()) == []


def test_the_emulator_reads_no_files_for_functions(endpoint: Endpoint, tmp_path: Path) -> None:
    """Athena's queries (DuckDB) and URLs that it fetches could name any."""
    (tmp_path / "file").write_text("secret of the user")
    athena, gateway = endpoint.client("athena"), endpoint.client("apigateway")
    query = athena.start_query_execution(
        QueryString="SELECT content FROM read_text('{}')".format(tmp_path / "file"),  # noqa: S608
        ResultConfiguration={"OutputLocation": "s3://scripts/results/"},
    )["QueryExecutionId"]

    def state() -> str:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        return str(execution["Status"]["State"])

    until(lambda: state() in ("SUCCEEDED", "FAILED"))
    if state() == "SUCCEEDED":  # with an invented row
        assert "secret" not in str(athena.get_query_results(QueryExecutionId=query)["ResultSet"])
    api = gateway.create_rest_api(name="files")["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"file://{tmp_path}/file")
    gateway.create_deployment(restApiId=api, stageName="live")
    answer = request(endpoint.url, "GET", f"/restapis/{api}/live/_user_request_/")
    assert (answer.status, b"secret" in answer.body) == (500, False)
