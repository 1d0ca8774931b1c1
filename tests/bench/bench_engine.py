"""How fast the engine is beside its peers, in one run: ``make bench-engine`` writes docs/results/engine.md.

The peers take turns, round by round, so that what else the machine does meets all of them alike; a figure is the median
of the rounds. One client drives them all: wrk (Debian's package of that name), a load generator in C.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import dataclasses
import io
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from lab.drive.machine import describe_machine
from lab.engine import interpreters
from tests.engine.rie import PATH as RIE_PATH
from tests.engine.rie import Rie

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "results" / "engine.md"
OWN_RUNTIME = f"python3.{sys.version_info.minor}"  # the functions run on the interpreter that the engine runs on
RUNTIME = "python3.13"
EMPTY = "def handler(event, context):\n    return {}\n"
WITH_BOTO3 = """
import boto3
table = boto3.resource("dynamodb").Table("items")
def handler(event, context):
    return {}
"""
WAITS = "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n    return {}\n"
ONE, EIGHT = 1, 8
MANY = 200
ENDURANCE = 1_000_000
LUA = 'wrk.method = "POST"\nwrk.body = "{}"\n'
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclasses.dataclass(frozen=True)
class Load:
    """What wrk saw: answers a second, latency in milliseconds, answers; and the engine's own processor time."""

    rate: float
    p50_ms: float
    p99_ms: float
    answers: int
    cpu_us: float | None = None


class Peer:
    """Something that answers Invoke over HTTP at ``url``; ``pid`` is its process, if its own time is of interest."""

    def __init__(self, name: str, url: str, pid: int | None = None) -> None:
        self.name = name
        self.url = url
        self.pid = pid

    def load(self, connections: int, seconds: int) -> Load:
        """Let wrk invoke as fast as answers come."""
        before = _cpu_ns(self.pid)
        found = _wrk(self.url, connections, seconds)
        if self.pid is None:
            return found
        return dataclasses.replace(found, cpu_us=(_cpu_ns(self.pid) - before) / 1000 / found.answers)


def _wrk(url: str, connections: int, seconds: int) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA)
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10", "--latency", "-s", script.name]
        text = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    if refused := re.search(r"Non-2xx.*|Socket errors.*", text):
        raise SystemExit(f"{url}: {refused[0]}")
    percentiles = {
        name: float(value) * UNITS_MS[unit]
        for name, value, unit in re.findall(r"(\d\d)%\s+([\d.]+)(us|ms|s)\s*\n", text)
    }
    (answers,) = re.findall(r"(\d+) requests in", text)
    (rate,) = re.findall(r"Requests/sec:\s+([\d.]+)", text)
    return Load(float(rate), percentiles["50"], percentiles["99"], int(answers))


def _interpreter(prefix: str, version: str) -> str:
    # One that is built with profiling data, as distributions do, needs a third less processor time.
    return f"Python {version}{', as the distribution builds it' if prefix == '/usr' else ', built from source'}"


def _cpu_ns(pid: int | None) -> int:
    if pid is None:
        return 0
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


@contextlib.contextmanager
def served(*options: str) -> Iterator[tuple[str, int]]:
    """``lab serve`` with these options: its URL and process id."""
    command = [sys.executable, "-m", "lab", "serve", "--port", "0", "--profile", "none", "--startup", "none", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[1], process.pid
        finally:
            process.terminate()


@contextlib.contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """ministack as it comes, with its own executor of functions: its URL."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    own = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(folder), "LOG_LEVEL": "ERROR"}
    own |= {"S3_DATA_DIR": str(folder / "s3"), "STATE_DIR": str(folder / "state")}
    command = [Path(sys.executable).with_name("ministack")]
    with subprocess.Popen(command, cwd=folder, env=os.environ | own, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def client(url: str) -> Any:
    """A stock Lambda client that waits for slow answers."""
    make: Any = boto3.client
    keys = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(read_timeout=120, retries={"total_max_attempts": 1}, max_pool_connections=MANY)
    return make("lambda", endpoint_url=url, config=config, **keys)


def create(aws_lambda: Any, name: str, source: str, **settings: Any) -> str:
    """A function that can be invoked; the path to invoke it at."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        entry = zipfile.ZipInfo("function.py")
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, source)
    role = "arn:aws:iam::000000000000:role/role"
    arguments = {"Runtime": OWN_RUNTIME, "MemorySize": 1769, "Timeout": 60} | settings
    code = {"ZipFile": package.getvalue()}
    aws_lambda.create_function(FunctionName=name, Role=role, Handler="function.handler", Code=code, **arguments)
    aws_lambda.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return f"/2015-03-31/functions/{name}/invocations"


@contextlib.contextmanager
def peers(folder: Path, runtime: str) -> Iterator[dict[str, Peer]]:
    """All peers, running side by side, their functions of one runtime; only the one that is asked works."""
    code = folder / "function"
    code.mkdir()
    (code / "function.py").write_text(EMPTY)
    with contextlib.ExitStack() as stack:
        found = []
        for name, options in (("lab", ()), ("lab, HTTP transport", ("--transport", "http"))):
            url, pid = stack.enter_context(served(*options))
            found.append(Peer(name, url + create(client(url), "empty", EMPTY, Runtime=runtime), pid))
        rie = Rie(code, runtime, 1769, 60)
        stack.callback(rie.close)
        found.append(Peer("RIE", f"{rie.url}{RIE_PATH}"))
        url = stack.enter_context(ministack(folder / "ministack"))
        found.append(Peer("ministack", url + create(client(url), "empty", EMPTY, Runtime=runtime)))
        yield {peer.name: peer for peer in found}


Rounds = dict[tuple[str, int], list[Load]]


def compare(runtime: str, rounds: int, seconds: int) -> Rounds:
    """Every peer with one connection and with eight, in turns. RIE runs one environment: it is not asked for eight."""
    found: Rounds = {}
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder), runtime) as every:
        for peer in every.values():  # the environments start, and caches fill
            peer.load(ONE, 1)
            if peer.name != "RIE":
                peer.load(EIGHT, 2)
        for number in range(rounds):
            say(f"{runtime}: round {number + 1} of {rounds}")
            for connections in (ONE, EIGHT):
                for peer in every.values():
                    if connections == ONE or peer.name != "RIE":
                        found.setdefault((peer.name, connections), []).append(peer.load(connections, seconds))
    return found


def starts(times: int) -> dict[str, list[float]]:
    """Cold starts and restores of a handler with boto3, milliseconds: of the REPORT line, and as the caller waits."""
    found: dict[str, list[float]] = {"cold": [], "restore": [], "cold, caller": [], "restore, caller": []}
    with served("--idle", "0.5") as (url, _):
        aws_lambda = client(url)
        create(aws_lambda, "cold", WITH_BOTO3, Runtime=RUNTIME)
        snap_start = {"ApplyOn": "PublishedVersions"}
        create(aws_lambda, "restore", WITH_BOTO3, Runtime=RUNTIME, SnapStart=snap_start)
        version = aws_lambda.publish_version(FunctionName="restore")["Version"]
        for _ in range(times + 1):
            for name, qualifier, mark in (("cold", "$LATEST", "Init"), ("restore", version, "Restore")):
                duration, waited = _first_invocation(aws_lambda, name, qualifier, mark)
                found[name].append(duration)
                found[f"{name}, caller"].append(waited)
            time.sleep(1)  # both environments end for want of work
    return {name: values[1:] for name, values in found.items()}


def _first_invocation(aws_lambda: Any, name: str, qualifier: str, mark: str) -> tuple[float, float]:
    began = time.perf_counter()
    answer = aws_lambda.invoke(FunctionName=name, Qualifier=qualifier, LogType="Tail")
    waited_ms = (time.perf_counter() - began) * 1000
    log = base64.b64decode(answer["LogResult"]).decode()
    found = re.search(rf"\t{mark} Duration: ([\d.]+) ms", log)
    if found is None:
        raise SystemExit(f"{name} did not start a new environment: {log}")
    return float(found[1]), waited_ms


@dataclasses.dataclass(frozen=True)
class Crowd:
    """Many environments at once: how many, their processes and memory (MiB), and an invocation's latency then."""

    environments: int
    processes: int
    mebibytes: float
    seconds: float
    warm: Load


def crowd() -> Crowd:
    """Start many environments at once and keep them."""
    with served("--idle", "600") as (url, pid):
        aws_lambda = client(url)
        create(aws_lambda, "waits", WAITS)
        path = create(aws_lambda, "empty", EMPTY)
        before = _tree(pid)
        memory_before = sum(map(_pss_kb, before))
        began = time.perf_counter()
        event = json.dumps({"s": 30}).encode()
        with concurrent.futures.ThreadPoolExecutor(MANY) as threads:
            invoke = lambda _: aws_lambda.invoke(FunctionName="waits", Payload=event)  # noqa: E731
            answers = list(threads.map(invoke, range(MANY)))
        seconds = time.perf_counter() - began
        failed = [answer for answer in answers if "FunctionError" in answer]
        if failed:
            raise SystemExit(f"{len(failed)} of {MANY} failed: {failed[0]['Payload'].read().decode()}")
        new = _tree(pid) - before
        environments = sum(b"bootstrap.py" in Path(f"/proc/{one}/cmdline").read_bytes() for one in new)
        mebibytes = (sum(map(_pss_kb, before | new)) - memory_before) / 1024
        _wrk(url + path, ONE, 1)
        return Crowd(environments, len(new), mebibytes, seconds, _wrk(url + path, ONE, 3))


def _tree(pid: int) -> set[int]:
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(folder.name))
    found, left = set(), [pid]
    while left:
        one = left.pop()
        found.add(one)
        left += parents.get(one, [])
    return found


def _pss_kb(pid: int) -> int:
    """Memory of a process, what it shares counted in part (proc(5), smaps_rollup)."""
    with contextlib.suppress(OSError):
        (size,) = re.findall(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(size)
    return 0


@dataclasses.dataclass(frozen=True)
class Slice:
    """A part of the long run: answers up to its end, its load, and what engine and telemetry then held (MiB)."""

    answers: int
    load: Load
    mebibytes: float


def endure(answers: int, slice_s: int) -> list[Slice]:
    """One engine, very many invocations."""
    slices: list[Slice] = []
    with served() as (url, pid):
        path = create(client(url), "empty", EMPTY)
        _wrk(url + path, EIGHT, 2)
        own = [one for one in _tree(pid) if b"lab" in Path(f"/proc/{one}/cmdline").read_bytes()]
        done = 0
        while done < answers:
            load = _wrk(url + path, EIGHT, slice_s)
            done += load.answers
            slices.append(Slice(done, load, sum(map(_pss_kb, own)) / 1024))
            say(f"{done:,} invocations, p50 {load.p50_ms:.2f} ms, {slices[-1].mebibytes:.0f} MiB")
    return slices


def median(loads: list[Load], of: Callable[[Load], float | None]) -> float:
    """The median of the rounds."""
    return statistics.median(value for load in loads if (value := of(load)) is not None)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def page(
    compared: dict[str, Rounds], started: dict[str, list[float]], many: Crowd, slices: list[Slice], given: Any
) -> str:
    """The result as Markdown."""
    machine = describe_machine()
    lines = [
        "# The engine beside its peers",
        "",
        "Made by `make bench-engine`; do not edit. "
        f"{machine['cpu_model']}, {machine['cpus']} processors, {machine['memory_gb']:g} GB, {machine['os']}. "
        f"Engine and ministack: {_interpreter(sys.base_prefix, machine['python'])}. "
        f"One client for all, wrk; an empty handler; the peers in turns, {given.rounds} rounds of {given.seconds} s, "
        "medians of the rounds (least to most in brackets). "
        "The lab runs with everything on: logs, REPORT lines, metrics, limits, freezing.",
    ]
    for runtime, rounds in compared.items():
        lines += _comparison(runtime, rounds)
    middle = {name: statistics.median(values) for name, values in started.items()}
    lines += [
        "",
        "## Cold start and restore of a handler with boto3",
        "",
        f"Medians of {len(started['cold'])}, by turns, {RUNTIME}.",
        "",
        "| | REPORT's duration, ms | the caller waits, ms |",
        "|---|---:|---:|",
        f"| cold start (Init Duration) | {middle['cold']:.1f} | {middle['cold, caller']:.1f} |",
        f"| restore (Restore Duration) | {middle['restore']:.1f} | {middle['restore, caller']:.1f} |",
        f"| times faster | {middle['cold'] / middle['restore']:.0f} "
        f"| {middle['cold, caller'] / middle['restore, caller']:.0f} |",
        "",
        f"## {MANY} environments alive",
        "",
        f"{many.environments} environments in {many.processes} processes, {many.mebibytes / many.environments:.1f} MiB "
        f"each (proportional set size, all of an environment's processes and the engine's growth together), all busy "
        f"at once within {many.seconds:.0f} s. Beside them an invocation of another function takes "
        f"{many.warm.p50_ms:.3f} ms (p50; p99 {many.warm.p99_ms:.2f}).",
        "",
        f"## {slices[-1].answers:,} invocations in one run",
        "",
        "Eight connections. Memory is that of the engine and of its telemetry process together.",
        "",
        "| invocations so far | a second | p50 ms | p99 ms | memory MiB |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.answers:,} | {one.load.rate:,.0f} | {one.load.p50_ms:.2f} | {one.load.p99_ms:.2f} "
        f"| {one.mebibytes:.0f} |"
        for one in slices
    ]
    return "\n".join(lines) + "\n"


def _comparison(runtime: str, compared: Rounds) -> list[str]:
    one = {name: loads for (name, connections), loads in compared.items() if connections == ONE}
    eight = {name: loads for (name, connections), loads in compared.items() if connections == EIGHT}
    lab_p50 = median(one["lab"], lambda load: load.p50_ms)
    lab_rate = median(eight["lab"], lambda load: load.rate)
    interpreter, _ = interpreters.choose(runtime)
    lines = [
        "",
        f"## Functions of {runtime} ({_interpreter(str(interpreter.prefix), interpreter.version)})",
        "",
        "One warm environment, one connection:",
        "",
        "| | p50 ms | p99 ms | a second | times the lab's p50 | engine's processor time an invocation, µs |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, loads in one.items():
        p50 = median(loads, lambda load: load.p50_ms)
        lines.append(
            f"| {name} | {p50:.3f} {_range(loads, lambda load: load.p50_ms, 3)} "
            f"| {median(loads, lambda load: load.p99_ms):.2f} | {median(loads, lambda load: load.rate):,.0f} "
            f"| {p50 / lab_p50:.1f} | {_cpu(loads)} |"
        )
    lines += [
        "",
        "Eight environments, eight connections:",
        "",
        "| | a second | p50 ms | p99 ms | the lab's rate is so many times this | engine's processor time, µs |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, loads in eight.items():
        rate = median(loads, lambda load: load.rate)
        lines.append(
            f"| {name} | {rate:,.0f} {_range(loads, lambda load: load.rate, 0)} "
            f"| {median(loads, lambda load: load.p50_ms):.2f} | {median(loads, lambda load: load.p99_ms):.2f} "
            f"| {lab_rate / rate:.1f} | {_cpu(loads)} |"
        )
    return lines


def _cpu(loads: list[Load]) -> str:
    return f"{median(loads, lambda load: load.cpu_us):.0f}" if loads[0].cpu_us is not None else ""


def _range(loads: list[Load], of: Callable[[Load], float], digits: int) -> str:
    values = [of(load) for load in loads]
    return f"({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def main() -> None:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--invocations", type=int, default=ENDURANCE)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is needed, as the client of all peers: apt-get install wrk")
    os.environ.pop("AWS_ENDPOINT_URL", None)
    compared = {name: compare(name, given.rounds, given.seconds) for name in dict.fromkeys((OWN_RUNTIME, RUNTIME))}
    say("cold starts and restores")
    started = starts(given.starts)
    say(f"{MANY} environments")
    many = crowd()
    say(f"{given.invocations:,} invocations")
    slices = endure(given.invocations, slice_s=15)
    given.output.write_text(page(compared, started, many, slices, given), encoding="utf-8")
    say(f"written: {given.output}")


if __name__ == "__main__":
    main()
