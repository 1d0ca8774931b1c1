"""The command line: what it says, where, and with which exit code."""

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from functions.registry import VARIANTS
from lab import cli
from lab.cli import logs, output
from lab.cli.options import checked_endpoint_url
from lab.cli.program import COMPLETION_VARIABLE, SHELLS, commands
from lab.errors import UsageError
from lab.records.folder import RunFolder
from lab.records.record import Record
from lab.records.run_file import LocalEndpoint, MeasuredSettings, RunFile, RunIdentity, describe_variants
from lab.report import render
from lab.run.settings import SCENARIOS
from tests.unit.lab.report.simulated import simulate_repeated

ROOT = Path(__file__).parents[3]


class Said(NamedTuple):
    code: int
    out: str
    err: str


Lab = Callable[..., Said]


@pytest.fixture(autouse=True)
def _no_aws_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither an endpoint nor credentials but those that a test sets."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Lab]:
    """The command line in this process, silent about how long it takes."""
    monkeypatch.setattr(output, "SILENT_S", 3600.0)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["lab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, out, err)

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def assert_one_line(said: Said, code: int, *parts: str) -> None:
    assert said.code == code
    assert said.out == ""
    assert said.err.startswith("lab: ")
    assert said.err.endswith("\n")
    assert said.err.count("\n") == 1, said.err
    for part in parts:
        assert part in said.err


def process(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "lab", *map(str, arguments)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, cwd=ROOT, text=True, **streams)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two variants, 120 invocations each, that was killed."""
    path = tmp_path_factory.mktemp("runs") / "r"
    with RunFolder(path, invocations=240) as folder:
        names = ("no_cache", "ttl_cache")
        folder.begin(
            RunFile(
                run=RunIdentity(id="r", target="local", scenario="steady", source="dynamodb", duration_s=20.0),
                settings=MeasuredSettings(variants=names, ttl_s=10.0, memory_mb=512, architecture="x86_64"),
                variants=describe_variants(VARIANTS, names),
                local=LocalEndpoint(interpreter="3.14.0", profile="typical", profile_text="as assumed"),
            )
        )
        for number in range(240):
            folder.append(answered(number))
    return path


def answered(number: int) -> Record:
    variant = ("no_cache", "ttl_cache")[number % 2]
    took = (12.0, 4.0)[number % 2] + number % 7
    at = 1795000000.0 + number / 12
    return Record(
        run_id="r",
        target="local",
        variant=variant,
        sequence=number // 2,
        key="item-0000",
        planned_at=at,
        sent_at=at,
        received_at=at + took / 1000,
        latency_ms=took,
        service_ms=took,
        status="ok",
        environment_id=variant,
        invocation=number // 2 + 1,
        cold_start=number < 2,
        restored=False,
        duration_ms=took,
        billed_ms=took,
        memory_mb=512,
        cache="miss",
        downstream_calls=1,
        version=1,
        staleness_ms=0.0,
        age_ms=1.0,
    )


# Help


@pytest.mark.parametrize("command", ["run", "report", "recommend", "compare", "serve", "deploy", "destroy", "collect"])
def test_every_command_has_help(lab: Lab, command: str) -> None:
    said = lab(command, "--help")

    assert (said.code, said.err) == (0, "")
    assert f"Usage: lab {command}" in said.out
    assert command in lab("--help").out


def test_help_tells_the_defaults(lab: Lab) -> None:
    out = " ".join(lab("run", "--help").out.split())

    for default in (
        "13; 40 with burst",
        "8",
        "16; 8 with another source than dynamodb",
        "3",
        "1.0",
        "2.0",
        "dynamodb",
        "local",
        "steady",
        "all",
        "runs/<id>",
        "$AWS_ENDPOINT_URL",
    ):
        assert f"[default: {default}]" in out


def test_the_choices_are_the_registrys(lab: Lab) -> None:
    out = "".join(lab("run", "--help").out.split())

    assert f"[{'|'.join(variant.name for variant in VARIANTS)}]" in out
    assert f"[{'|'.join(SCENARIOS)}]" in out


def test_help_loads_nothing_heavy() -> None:
    program = "import sys; sys.argv = ['lab', '--help']; import atexit; from lab import cli; cli.main()"
    check = "atexit.register(lambda: print(sorted({'boto3', 'numpy', 'aiohttp', 'rich', 'jinja2'} & set(sys.modules))))"
    program = program.replace("import atexit;", f"import atexit; {check};")
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ended.stdout.endswith("\n[]\n")


# Wrong use


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "Missing command"),
        (["dashboard-of-old"], "'dashboard-of-old'"),
        (["--nope"], "'--nope'"),
        (["run", "--nope"], "'--nope'"),
        (["run", "surplus"], "surplus"),
        (["run", "--variant", "foo"], "'foo' is not one of 'no_cache', 'module_cache'"),
        (["run", "--variant", "two\nlines\tand\x0btabs"], "is not one of"),
        (["run", "--variant"], "'--variant'"),
        (["run", "--scenario", "storm"], "'storm'"),
        (["run", "--source", "redis"], "'redis'"),
        (["run", "--target", "gcp"], "'gcp'"),
        (["run", "--rate", "fast"], "'fast'"),
        (["run", "--rate", "0"], "--rate 0"),
        (["run", "--rate", "-1"], "--rate -1"),
        (["run", "--rate", "nan"], "--rate nan"),
        (["run", "--duration", "inf"], "--duration inf"),
        (["run", "--duration", "0"], "--duration 0"),
        (["run", "--keys", "0"], "--keys 0"),
        (["run", "--keys", "1.5"], "'1.5'"),
        (["run", "--keys", "10001"], "--keys 10001"),
        (["run", "--skew", "-1"], "--skew -1"),
        (["run", "--updates", "-0.5"], "--updates -0.5"),
        (["run", "--seed", "-1"], "--seed -1"),
        (["run", "--seed", "x"], "'x'"),
        (["run", "--rate", "0.01", "--duration", "1"], "less than one group of 3 requests"),
        (["run", "--scenario", "outage", "--target", "aws"], "--scenario outage"),
        (["run", "--endpoint-url", "127.0.0.1:4566"], "--endpoint-url '127.0.0.1:4566'"),
        (["run", "--endpoint-url", ""], "--endpoint-url ''"),
        (["run", "--target", "aws", "--endpoint-url", "http://127.0.0.1:1"], "--endpoint-url"),
        (["report"], "'RUN'"),
        (["report", "run", "--format", "pdf"], "'pdf'"),
        (["compare", "run"], "'RUN_B'"),
        (["compare", "a", "b", "--fail-above", "much"], "'much'"),
        (["compare", "a", "b", "--fail-above", "nan"], "nan is not a finite number"),
        (["compare", "a", "b", "--fail-above", "-5"], "'--fail-above'"),
        (["report", "s3://"], "s3:// names no bucket; give s3://bucket/prefix"),
        (["serve", "--idle", "nan"], "nan is not a finite number"),
        (["serve", "--clock-speed", "inf"], "inf is not a finite number"),
        (["run", "--metrics-wait", "nan"], "nan is not a finite number"),
        (["collect", "--target", "aws", "--since", "999999d"], "--since '999999d' is before 1970"),
        (["serve", "--port", "70000"], "70000"),
        (["serve", "--port", "x"], "'x'"),
        (["serve", "--profile", "mars"], "'mars'"),
        (["deploy"], "no local endpoint given"),
        (["destroy"], "no local endpoint given"),
        (["deploy", "--source", "redis"], "'redis'"),
    ],
)
def test_wrong_use_is_one_line_that_names_the_input(lab: Lab, arguments: list[str], named: str) -> None:
    assert_one_line(lab(*arguments), 2, named)


def test_a_local_endpoint_that_is_no_address_is_named_by_its_variable(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "junk")
    assert_one_line(lab("deploy"), 2, "AWS_ENDPOINT_URL 'junk' is not an address")


def test_a_usage_error_leads_to_the_commands_help(lab: Lab) -> None:
    assert "see `lab report --help`" in lab("report").err


def test_a_folder_that_holds_a_run_is_refused(lab: Lab, run_folder: Path) -> None:
    before = (run_folder / "records.jsonl").read_bytes()

    assert_one_line(lab("run", "--out", run_folder), 2, f"--out {run_folder} holds a run already")
    assert (run_folder / "records.jsonl").read_bytes() == before


def test_a_file_as_the_folder_is_refused(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert_one_line(lab("run", "--out", tmp_path / "file"), 2, "is a file")


# What cannot be done


def test_a_folder_that_cannot_be_written(lab: Lab) -> None:
    assert_one_line(lab("run", "--out", "/proc/run"), 1, "cannot write /proc/run", "--out")


@pytest.mark.parametrize("give", [["--endpoint-url", "http://127.0.0.1:9"], []])
def test_an_endpoint_that_is_not_there(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, give: list[str]
) -> None:
    if not give:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    said = lab("run", "--out", tmp_path / "run", *give)

    assert_one_line(said, 1, "no local endpoint answers at http://127.0.0.1:9", "lab serve")
    assert not (tmp_path / "run").exists()


def test_aws_without_credentials(lab: Lab, tmp_path: Path) -> None:
    said = lab("run", "--target", "aws", "--out", tmp_path / "run")

    assert_one_line(said, 1, "no AWS credentials", "aws configure")
    assert not (tmp_path / "run").exists()


def test_aws_with_a_profile_that_is_not_there(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    assert_one_line(lab("run", "--target", "aws", "--out", tmp_path / "run"), 1, "nobody")


@pytest.mark.parametrize("pair", ["memory_mb", "source=s3"])
def test_a_context_that_is_not_taken(lab: Lab, pair: str) -> None:
    assert_one_line(lab("deploy", "--target", "aws", "--context", pair), 2, f"--context '{pair}' ", "; give")


@pytest.mark.parametrize(
    ("pair", "option"),
    [("source=s3", "--source"), ("keys=4", "--keys"), ("variants=ttl_cache", "--variant"), ("load=true", "--fleet")],
)
def test_a_setting_that_a_run_has_an_option_for(lab: Lab, pair: str, option: str) -> None:
    assert_one_line(lab("run", "--context", pair), 2, f"--context '{pair}' cannot be used here; give {option}")


def test_a_run_on_aws_deploys_nothing_and_so_takes_no_settings(lab: Lab) -> None:
    assert_one_line(lab("run", "--target", "aws", "--context", "ttl_s=60"), 2, "give it to `lab deploy`")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--since", "yesterday"], "--since 'yesterday' is not a valid time"),
        (["--since", "5m", "--until", "10m"], "--until must be after --since"),
        ([], "--since"),
    ],
)
def test_a_span_that_is_none(lab: Lab, tmp_path: Path, arguments: list[str], part: str) -> None:
    assert_one_line(lab("collect", "--target", "aws", "--out", tmp_path / "c", *arguments), 2, part)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("command", [["report"], ["compare", "/nowhere"]])
def test_a_run_that_is_not_there(lab: Lab, command: list[str]) -> None:
    assert_one_line(lab(*command, "/nowhere"), 2, "no run at /nowhere: run.json is missing; give the folder")


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_file_that_is_no_run(lab: Lab, command: str) -> None:
    arguments = ["/etc/passwd"] * (2 if command == "compare" else 1)
    assert_one_line(lab(command, *arguments), 2, "no run at /etc/passwd: run.json is missing; give the folder")


@pytest.mark.parametrize("command", ["report", "dashboard"])
def test_a_run_of_another_version(lab: Lab, run_folder: Path, tmp_path: Path, command: str) -> None:
    content = json.loads((run_folder / "run.json").read_text()) | {"schema_version": "2"}
    (tmp_path / "run.json").write_text(json.dumps(content))

    assert_one_line(lab(command, tmp_path), 2, f"{tmp_path / 'run.json'} has schema_version '2', and this lab reads 1")


def test_a_span_is_looked_at_before_the_endpoint(lab: Lab) -> None:
    assert_one_line(lab("collect", "--since", "5x"), 2, "--since '5x' is not a valid time")


def test_an_output_that_cannot_be_written(lab: Lab, run_folder: Path) -> None:
    assert_one_line(lab("report", run_folder, "--output", "/proc/report"), 1, "/proc/report", "--output")


@pytest.mark.parametrize("verbose", [[], ["--verbose"]])
def test_an_internal_error_is_one_line_that_names_a_file_with_the_traceback(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verbose: list[str]
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise KeyError("two\nlines")

    monkeypatch.setattr(commands, "invoke", broken)
    monkeypatch.setattr(logs, "LOGS", tmp_path / "logs")
    said = lab(*verbose, "report")

    (log,) = (tmp_path / "logs").iterdir()
    assert "Traceback (most recent call last)" in log.read_text()
    assert "KeyError: 'two\\nlines'" in log.read_text()
    lines = said.err.splitlines()
    assert_one_line(said._replace(err=f"{lines[-1]}\n"), 1, "internal error, KeyError", f"the traceback is in {log}")
    assert ("Traceback" in said.err) == (len(lines) > 1) == bool(verbose)


def test_an_internal_error_prints_its_traceback_where_no_log_can_be_written(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise KeyError

    monkeypatch.setattr(commands, "invoke", broken)
    monkeypatch.setattr(logs, "LOGS", Path("/proc/logs"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/proc")
    said = lab("report")

    assert "Traceback (most recent call last)" in said.err
    assert said.err.splitlines()[-1].endswith("the traceback is above")


@pytest.mark.parametrize(("flags", "logged"), [([], []), (["-v"], ["INFO"]), (["-vv"], ["DEBUG", "INFO"])])
def test_verbose_logs_to_stderr(lab: Lab, monkeypatch: pytest.MonkeyPatch, flags: list[str], logged: list[str]) -> None:
    def said_in_the_log(*_: object, **__: object) -> str:
        for name in ("lab.records", "botocore.auth"):
            logging.getLogger(name).debug("a detail")
            logging.getLogger(name).info("a step")
        return "text"

    monkeypatch.setattr(render, "render", said_in_the_log)
    said = lab(*flags, "report", "runs/r")

    assert (said.code, said.out) == (0, "text\n")
    assert [line.split()[2:4] for line in said.err.splitlines()] == [[level, "lab.records:"] for level in logged]


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566", "https://localhost", "http://[::1]:80"])
def test_an_endpoint_url(url: str) -> None:
    assert checked_endpoint_url(url) == url
    assert checked_endpoint_url(f"{url}/") == url


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:4566", "ftp://x", "http://", "http://x/path", "http://a b", "http://x\n"]
)
def test_no_endpoint_url(url: str) -> None:
    with pytest.raises(UsageError, match="--endpoint-url"):
        checked_endpoint_url(url)


# What can


@pytest.mark.parametrize("fmt", ["text", "markdown", "html"])
def test_a_report_on_stdout(lab: Lab, run_folder: Path, fmt: str) -> None:
    said = lab("report", run_folder, "--format", fmt)

    assert (said.code, said.err) == (0, "")
    assert "no_cache" in said.out.replace("\\", "")
    assert said.out.endswith("\n")
    assert not said.out.endswith("\n\n\n")


def test_a_report_as_json(lab: Lab, run_folder: Path) -> None:
    report = json.loads(lab("report", run_folder, "--format", "json").out)

    assert [(one["variant"], one["invocations"]) for one in report["variants"]] == [
        ("no_cache", 120),
        ("ttl_cache", 120),
    ]


def test_a_report_in_a_file(lab: Lab, run_folder: Path, tmp_path: Path) -> None:
    said = lab("report", run_folder, "--format", "html", "--output", tmp_path / "report.html")

    assert (said.code, said.out) == (0, "")
    assert said.err == f"wrote {tmp_path / 'report.html'}\n"
    assert "no_cache" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("changes", [{"latency_ms": 1e308}, {"target": None}, {"target": ""}])
def test_odd_lines_are_told_and_not_in_the_numbers(
    lab: Lab, run_folder: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    folder = shutil.copytree(run_folder, tmp_path / "run")
    clean = json.loads(lab("report", folder, "--format", "json").out)
    odd = json.loads((folder / "records.jsonl").read_text().splitlines()[0]) | changes
    with (folder / "records.jsonl").open("a") as records:
        records.write(f"{json.dumps(odd)}\n" * 2)
    said = lab("report", folder, "--format", "json")
    found = json.loads(said.out)

    assert (said.code, said.err) == (0, "")
    assert found["variants"] == clean["variants"]
    assert "2 lines are not records" in str([one for one in found["warnings"] if one["code"] == "records_damaged"])


def test_help_of_compare_tells_what_fails(lab: Lab) -> None:
    said = " ".join(lab("compare", "--help").out.split())

    for part in ("downstream calls", "its failures", "answered in RUN_A only", "It is 2 if a run cannot be judged"):
        assert part in said


@pytest.fixture(scope="module")
def repeated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated run of two variants with repetitions."""
    return simulate_repeated(tmp_path_factory.mktemp("repeated") / "r", variants=("no_cache", "ttl_cache"))


def test_two_runs(lab: Lab, repeated_folder: Path) -> None:
    said = lab("compare", repeated_folder, repeated_folder, "--fail-above", "5")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("No difference between the runs is shown.")


def test_two_runs_as_json_and_a_regression(lab: Lab, repeated_folder: Path, tmp_path: Path) -> None:
    lost = simulate_repeated(tmp_path / "r", variants=("no_cache",))
    said = lab("compare", repeated_folder, lost, "--format", "json")

    assert (said.code, said.err) == (1, "")
    assert json.loads(said.out)["regressions"] == ["ttl_cache answered 420 invocations in A and none of 0 in B"]


def test_a_run_that_cannot_be_judged_is_one_line(lab: Lab, run_folder: Path, repeated_folder: Path) -> None:
    killed = lab("compare", repeated_folder, run_folder)

    assert killed.code == 2
    assert killed.out == ""
    assert killed.err.count("\n") == 1


def test_a_recommendation(lab: Lab, repeated_folder: Path) -> None:
    said = lab("recommend", repeated_folder, "--max-staleness", "60s")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Use ttl_cache: ")


def test_the_question_of_a_recommendation_is_asked(lab: Lab, repeated_folder: Path) -> None:
    said = lab("recommend", repeated_folder, "--max-staleness", "500ms", "--volume", "5e6", "--format", "json")
    found = json.loads(said.out)

    assert found["max_staleness_s"] == 0.5
    assert found["variant"] == "no_cache"
    assert "5 million" in lab("report", repeated_folder, "--volume", "5e6").out


def test_without_a_recommendation_the_exit_code_is_1(lab: Lab, run_folder: Path) -> None:
    said = lab("recommend", run_folder)

    assert (said.code, said.err) == (1, "")
    assert said.out.startswith("This run cannot say which cache to use: ")
    assert lab("report", run_folder).code == 0


# The process


def test_a_full_disk_for_the_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 -- a device
        running = process("completion", "bash", stdout=full)
        err = running.communicate(timeout=60)[1]

    assert_one_line(Said(running.returncode, "", err), 1, "cannot write to standard output: No space left on device")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    running = process("completion", "bash")
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait(60) == 1


def test_a_service_managers_stop_is_an_interrupt(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "invoke", lambda _: signal.raise_signal(signal.SIGTERM))
    assert_one_line(lab("report"), 130, "interrupted")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [("-m", "lab"), ("-c", "from lab.__main__ import start; start()")])
def test_a_signal_while_the_program_is_imported_is_an_interrupt(
    tmp_path: Path, arguments: tuple[str, str], number: signal.Signals
) -> None:
    """A library that takes a minute to import stands for a slow disk."""
    (tmp_path / "click.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    running = subprocess.Popen(
        [sys.executable, *arguments, "report"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "importing\n"
    running.send_signal(number)
    assert_one_line(Said(running.wait(60), *running.communicate(timeout=60)), 130, "interrupted")


def test_an_interrupted_run_says_so_in_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    deaf = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a script's background job is started
    running = process("run", "--out", tmp_path / "run", start_new_session=True)
    signal.signal(signal.SIGINT, deaf)
    assert running.stderr is not None
    assert running.stderr.readline().startswith("start the local endpoint: ")
    assert (tmp_path / "run").is_dir()
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)

    assert_one_line(Said(running.returncode, out, err), 130, "interrupted; nothing was recorded yet")
    assert not (tmp_path / "run").exists()


# Streams, and completion


def shell(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command line in a real bash, from the project's folder, with `lab` for this interpreter's `-m lab`."""
    env = {**os.environ, "PYTHON": sys.executable, **variables}
    command = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, errors="replace", timeout=60, check=False
    )


def test_data_comes_whole_though_stderr_is_closed_and_the_locale_is_narrow(run_folder: Path) -> None:
    ended = shell(f'"$PYTHON" -m lab report {run_folder} 2>&-', PYTHONIOENCODING="latin-1")

    assert ended.returncode == 0
    assert "no_cache" in ended.stdout
    assert re.search(r"\s\?\s", ended.stdout)


def test_data_that_nobody_can_read_are_an_error_of_one_line() -> None:
    ended = shell('"$PYTHON" -m lab completion bash >&-')

    assert ended.returncode == 1
    assert ended.stderr == "lab: cannot write to standard output: Bad file descriptor\n"


def test_what_takes_long_is_told_on_stderr(lab: Lab, run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "SILENT_S", 0.001)
    said = lab("report", run_folder, "--format", "json")

    assert re.match(rf"reading {re.escape(str(run_folder))}: \d+ s so far\n", said.err)
    assert json.loads(said.out)


def test_what_takes_no_time_is_not_told(lab: Lab, run_folder: Path) -> None:
    assert lab("report", run_folder).err == ""


def test_an_error_is_red_on_a_terminal_that_may_show_it(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in lab("--nope").err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert lab("--nope").err.startswith("\x1b[31m\x1b[1mlab:\x1b[0m No such option")
    monkeypatch.setenv("TERM", "dumb")
    assert lab("--nope").err.startswith("lab: ")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert lab("--nope").err.startswith("lab: ")


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_is_told_how_to_complete(lab: Lab, name: str) -> None:
    said = lab("completion", name)

    assert (said.code, said.err) == (0, "")
    assert COMPLETION_VARIABLE in said.out


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("lab co", ["collect", "compare", "completion"]),
        ("lab run --scen", ["--scenario"]),
        ("lab run --scenario st", ["steady"]),
        ("lab run --variant t", ["ttl_cache", "tmp_cache"]),
    ],
)
def test_bash_completes(tmp_path: Path, words: str, completed: list[str]) -> None:
    program = tmp_path / "lab"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lab "$@"\n')
    program.chmod(0o755)
    ask = f"""
        PATH={tmp_path}:$PATH
        eval "$(lab completion bash)"
        COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); compopt() {{ :; }}
        _lab_completion lab; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ended = shell(ask)

    assert ended.stderr == ""
    assert ended.stdout.split() == completed
