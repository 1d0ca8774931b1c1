"""The command line: `python -m lab`. Data goes to stdout, words go to stderr.

Exit codes: 0 done, 1 a finding or a failure, 2 wrong use, 130 interrupted. Every error is one line ``lab: …`` on
stderr.
"""

# ruff: noqa: PLC0415 -- each command imports what it needs, so that --help and wrong use are answered at once
import contextlib
import math
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import click

from facts.sources import SOURCES, SourceName
from functions.registry import VARIANTS
from lab.aws.target import TARGETS, Target
from lab.endpoint.profiles import PROFILES
from lab.engine.settings import EngineSettings, Routing, Transport
from lab.errors import EXIT_FINDING, EXIT_WRONG_USE, LabError, RunInterruptedError, UsageError
from lab.run.settings import SCENARIOS, WAYS, Settings, Via, checked_endpoint_url

Format = Literal["text", "json", "markdown", "html"]

FORMATS: Final = ("text", "json", "markdown", "html")
SHELLS: Final = ("bash", "zsh", "fish")
PROGRAM: Final = "lab"  # as `make setup` installs it
COMPLETION_VARIABLE: Final = "_LAB_COMPLETE"  # set by a shell that wants to know what can follow
ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL"
ENGINE_DEFAULTS: Final = EngineSettings()
DEFAULTS: Final = Settings(variants=tuple(variant.name for variant in VARIANTS))
OWN_OPTIONS: Final = {"source": "--source", "keys": "--keys", "variants": "--variant", "load": "--fleet"}
"""Settings of the application that `run` has options for."""
PAGE_WIDTH: Final = 80  # of lab.report.as_text, which is imported late
SILENT_S: Final = 2.0
BETWEEN_WORDS_S: Final = 10.0


def main() -> None:
    """Run the command that the arguments name, and exit; or tell a shell how its line can go on."""
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(commands, {}, PROGRAM, COMPLETION_VARIABLE, instruction))
    guarded(commands)


def guarded(command: click.Command) -> None:
    """Run a command with the process's arguments, tell any error in one line, and exit."""
    # A service manager's stop is Ctrl-C to us: what we started must be ended, what was recorded kept. And a script's
    # background job is started deaf to Ctrl-C, and would be to this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        # A narrow locale shall not turn a result into an error.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(_exit_code(command))


def _open_streams() -> None:
    """Give the program streams where its caller has closed them, lest a file of ours take their place.

    Words to nobody are passed over; data to nobody are an error, as they are to `cat`.
    """
    if sys.stderr is None:
        sys.stderr = _opened(2, os.O_WRONLY)
    if sys.stdout is None:
        sys.stdout = _opened(1, os.O_RDONLY)


def _opened(number: int, mode: int) -> TextIO:
    null = os.open(os.devnull, mode)
    if null != number:
        os.dup2(null, number)
        os.close(null)
    return open(number, "w", encoding="utf-8", closefd=False)


def _exit_code(command: click.Command) -> int:
    try:
        # Not command.main(), which answers Ctrl-C with a line of its own.
        name = "python -m lab" if command is commands else "python -m lab.run.demo"
        with command.make_context(name, sys.argv[1:]) as context:
            result = command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except BrokenPipeError:
        # Whoever read has seen enough, as in `… | head`.
        _drop_stdout()
        return EXIT_FINDING
    except (Exception, KeyboardInterrupt) as error:
        message, code = _told(error)
        print(f"{_red('lab:')} {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
        return code
    return result if isinstance(result, int) else 0


def _told(error: BaseException) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    match error:
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "python -m lab"
            return f"{error.format_message().rstrip('.')}; `{command} --help` tells what there is", EXIT_WRONG_USE
        case click.ClickException():
            return error.format_message(), EXIT_FINDING
        case LabError():
            return str(error), error.exit_code
        case KeyboardInterrupt():
            return "interrupted", RunInterruptedError.exit_code
    if os.environ.get("LAB_TRACEBACK"):
        raise error
    if isinstance(error, OSError) and error.strerror:
        if error.filename is None:
            _drop_stdout()
        return f"{error.filename or 'the output'}: {error.strerror}; LAB_TRACEBACK=1 shows where", EXIT_FINDING
    return f"a fault of the lab itself, {type(error).__name__}: {error}; LAB_TRACEBACK=1 shows where", EXIT_FINDING


def _red(text: str) -> str:
    """The text for stderr: in red on a terminal, unless it has no colours, or NO_COLOR is set (no-color.org)."""
    plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else click.style(text, fg="red", bold=True)


def _drop_stdout() -> None:
    """What stdout still holds cannot be written: let the interpreter not try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(line: str) -> None:
    """Words for the user, on stderr."""
    click.echo(line, err=True)


class Finite(click.FloatRange):
    """A number within limits; neither NaN, which is outside of none, nor an infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a usage error if it is none."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class _Group(click.Group):
    """A group that takes a missing command for wrong use, like any other."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:  # which is how a shell's completion parses
            raise click.UsageError("No command given", ctx)
        return super().parse_args(ctx, args)


@click.group(cls=_Group, context_settings={"show_default": True, "max_content_width": 110})
def commands() -> None:
    """Which cache should my Lambda function use, and what does it cost?

    The lab deploys five variants of one function, to a local endpoint or to AWS, drives them in the same window, and
    compares latency, cost, downstream calls and stale data.
    """


def _endpoint_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--endpoint-url",
        metavar="URL",
        help=f"A local endpoint that is running (`python -m lab serve`).  [default: ${ENDPOINT_VARIABLE}]",
    )(command)


def _target_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--target",
        type=click.Choice(TARGETS),
        default=DEFAULTS.target,
        help="Where the functions are. `aws` uses your credentials and costs money.",
    )(command)


def _yes_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--yes", is_flag=True, help="Do it on AWS without asking.")(command)


def _asker(yes: bool) -> Callable[[Sequence[str]], None]:
    """What puts lines before the user and returns if the answer is yes."""

    def ask(lines: Sequence[str]) -> None:
        for line in lines:
            say(line)
        if yes:
            return
        if not sys.stdin.isatty():
            raise UsageError("--target aws asks before it does anything, and nobody is there to answer; give --yes")
        try:
            agreed = click.confirm("Do it?", err=True)
        except click.Abort:
            raise KeyboardInterrupt from None
        if not agreed:
            raise LabError("not agreed: nothing was created or sent")

    return ask


def _source_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--source", type=click.Choice(SOURCES), default=DEFAULTS.source, help="Where the items are that are read."
    )(command)


def _endpoint_url(target: Target, given: str | None) -> str | None:
    if target == "aws":
        if given is not None:
            raise UsageError("--endpoint-url is of no use with --target aws; leave out either of them")
        return None
    if given is not None:
        return checked_endpoint_url(given)
    url = os.environ.get(ENDPOINT_VARIABLE)
    return checked_endpoint_url(url, ENDPOINT_VARIABLE) if url else None


def _context_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--context",
        "-c",
        "context",
        multiple=True,
        metavar="NAME=VALUE",
        help="A setting of the application, such as memory_mb=1024; may be given again. docs/settings.md has them all.",
    )(command)


def _context(pairs: tuple[str, ...], options: Mapping[str, str]) -> dict[str, str]:
    """Settings of the application by name; ``options`` says which of them have an option of the command's own."""
    context = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in options:
            remedy = f"give {options[name]} for it" if name in options else "give it as NAME=VALUE"
            raise UsageError(f"--context {pair!r} is not taken; {remedy}")
        context[name] = value
    return context


@commands.command("run")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    type=click.Choice(DEFAULTS.variants),
    help="A variant to drive; may be given again.  [default: all]",
    show_default=False,
)
@click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    default=DEFAULTS.scenario,
    help="steady: Poisson arrivals, rising for some seconds first; burst: the same mean rate, in one second of every"
    " four; outage: steady, and downstream fails in the middle third (local only).",
)
@click.option("--rate", type=float, default=DEFAULTS.rate, help="Mean invocations a second of each variant.")
@click.option("--duration", type=float, default=DEFAULTS.duration_s, help="Length of the window, seconds.")
@click.option("--keys", type=int, default=DEFAULTS.keys, help="How many items there are.")
@click.option("--skew", type=float, default=DEFAULTS.skew, help="Exponent of the keys' Zipf law; 0 is uniform.")
@click.option("--updates", type=float, default=DEFAULTS.updates, help="Mean item updates a second.")
@_source_option
@_target_option
@_endpoint_option
@click.option(
    "--via",
    type=click.Choice(WAYS),
    default=DEFAULTS.via,
    help="invoke: Lambda's Invoke API; url: the functions' URLs, whose answers have no REPORT line.",
)
@click.option(
    "--fleet",
    type=int,
    default=DEFAULTS.fleet,
    metavar="N",
    help="Send from N functions at the target, not from this process; 0: from this process.",
)
@_yes_option
@click.option(
    "--metrics-wait",
    type=Finite(min=0),
    default=300.0,
    help="On AWS, wait so many seconds at most for DynamoDB's own count of the reads; 0 does without it.",
)
@click.option("--seed", type=int, default=DEFAULTS.seed, help="Fixes arrivals, keys and updates.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The run's folder, not holding a run yet.  [default: runs/<id>]",
)
@_context_option
def _run(
    *,
    variants: tuple[str, ...],
    scenario: Any,
    rate: float,
    duration: float,
    keys: int,
    skew: float,
    updates: float,
    source: SourceName,
    target: Target,
    endpoint_url: str | None,
    via: Via,
    fleet: int,
    yes: bool,
    metrics_wait: float,
    seed: int,
    out: Path | None,
    context: tuple[str, ...],
) -> None:
    """Drive every variant and compare.

    Seeds the items, drives every variant in the same window, and shows the comparison. Writes DIR/run.json and
    DIR/records.jsonl. On the local target the application is deployed first, with the settings given here and the
    others at their defaults, to an endpoint started for the run unless one is given. On AWS, what `deploy` has put
    there is measured.
    """
    settings = Settings(
        variants=tuple(name for name in DEFAULTS.variants if not variants or name in variants),
        scenario=scenario,
        rate=rate,
        duration_s=duration,
        keys=keys,
        skew=skew,
        updates=updates,
        source=source,
        target=target,
        via=via,
        fleet=fleet,
        seed=seed,
        context=_context(context, OWN_OPTIONS),
    )
    url = _endpoint_url(target, endpoint_url)

    from rich.console import Console

    from lab.records.folder import RUNS, new_run_id
    from lab.run.run import Surroundings, run
    from lab.steps import Steps

    folder = RUNS / new_run_id(scenario) if out is None else out
    surroundings = Surroundings(
        endpoint_url=url,
        steps=Steps(say),
        console=Console(stderr=True),
        ask=_asker(yes),
        metrics_wait_s=metrics_wait,
    )
    tally = run(settings, out=folder, surroundings=surroundings)
    _print_comparison(folder)
    say(f"the run is in {folder}")
    tally.check_answered()


def _print_comparison(folder: Path) -> None:
    from lab.report.render import render

    with patiently(f"reading {folder}"):
        text = render(folder, "text", page_width())
    _print(text)


def _print(text: str) -> None:
    click.echo(text, nl=not text.endswith("\n"))


def page_width() -> int:
    """How wide a page is: as wide as a terminal that is narrower than usual, and the same in every file and pipe."""
    return min(PAGE_WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else PAGE_WIDTH


@contextlib.contextmanager
def patiently(doing: str) -> Iterator[None]:
    """Say on stderr what is done inside, if it takes longer than one waits without a word, and that it goes on."""
    ended, begun = threading.Event(), time.monotonic()

    def tell() -> None:
        silent_s = SILENT_S
        while not ended.wait(silent_s):
            say(f"{doing}: {time.monotonic() - begun:.0f} s so far")
            silent_s = BETWEEN_WORDS_S

    teller = threading.Thread(target=tell, name="patience", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


@commands.command("report")
@click.argument("run", type=click.Path())  # also s3://: of the type is only that shells complete it
@click.option("--format", "fmt", type=click.Choice(FORMATS), default="text", help="Of the output.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there.  [default: stdout]",
)
def _report(*, run: str, fmt: Format, output: Path | None) -> None:
    """Compare the variants of one run.

    RUN is the folder of a run that is finished or was killed, or s3://bucket/prefix where a fleet wrote one.
    """
    from lab.report.render import render

    with patiently(f"reading {run}"):
        text = render(run, fmt, page_width() if output is None else PAGE_WIDTH)
    if output is None:
        _print(text)
        return
    with _writing(output):
        output.write_text(text, encoding="utf-8")
    say(f"wrote {output}")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}; name another file with --output") from error


@commands.command("compare")
@click.argument("run_a", type=click.Path())
@click.argument("run_b", type=click.Path())
@click.option(
    "--fail-above",
    type=Finite(min=0),
    metavar="PERCENT",
    help="Exit 1 on a regression by more than this: see above.",
)
def _compare(*, run_a: str, run_b: str, fail_above: float | None) -> int:
    """Compare two runs.

    Shows RUN_B beside RUN_A, variant by variant, with confidence intervals: median and 99th percentile of latency and
    service time, downstream calls per 1,000 invocations, and the share of invocations that failed.

    With --fail-above it is a regression, and the exit code 1, if for any variant one of the five numbers grew by more
    than PERCENT, or the share of failed invocations (function errors, throttled, lost) rose by more than PERCENT
    percentage points, each by the lower end of the change's 95 % interval; or if a variant that answered in RUN_A did
    not answer in RUN_B.
    """
    from lab.report.compare import compare_runs

    with patiently(f"reading {run_a} and {run_b}"):
        text, regressed = compare_runs(run_a, run_b, fail_above, page_width())
    _print(text)
    return EXIT_FINDING if regressed else 0


@commands.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=4566, help="Where to listen; 0 takes a free one.")
@click.option("--profile", type=click.Choice(tuple(PROFILES)), default="typical", help="Of the latency downstream.")
@click.option(
    "--routing",
    type=click.Choice([routing.value for routing in Routing]),
    default=ENGINE_DEFAULTS.routing.value,
    help="Which idle environment takes an invocation; AWS does not say.",
)
@click.option(
    "--idle",
    type=Finite(min=0, min_open=True),
    default=ENGINE_DEFAULTS.idle_s,
    help="An environment idle for so many seconds ends.",
)
@click.option(
    "--clock-speed",
    type=Finite(min=0, min_open=True),
    default=ENGINE_DEFAULTS.clock_speed,
    help="How many seconds pass in one: for idle times and lifetimes of environments, and retries of events.",
)
@click.option(
    "--transport",
    type=click.Choice([transport.value for transport in Transport]),
    default=ENGINE_DEFAULTS.transport.value,
    help="How the engine and the runtime processes speak; http is AWS's Runtime API, and slower.",
)
@click.option("--cpu-share/--no-cpu-share", default=True, help="Whether processor time is in proportion to memory.")
@click.option("--leash-fd", type=int, hidden=True, help="End when the other end of this pipe is closed.")
def _serve(
    *,
    port: int,
    profile: str,
    routing: str,
    idle: float,
    clock_speed: float,
    transport: str,
    cpu_share: bool,
    leash_fd: int | None,
) -> None:
    """Be the local endpoint.

    Says `ready http://127.0.0.1:PORT` on stdout when it answers, and runs until it is interrupted.
    """
    from lab.endpoint.serve import serve

    settings = EngineSettings(
        routing=Routing(routing),
        idle_s=idle,
        clock_speed=clock_speed,
        transport=Transport(transport),
        limit_cpu=cpu_share,
    )
    serve(port=port, profile=PROFILES[profile], settings=settings, leash_fd=leash_fd)


@commands.command("dashboard")
@click.argument("run", required=False, type=click.Path())
@click.option("--port", type=click.IntRange(0, 65535), default=8765, help="Where to listen; 0 takes a free one.")
@click.option(
    "--endpoint-url",
    metavar="URL",
    help="Draw what is deployed at this local endpoint.  [default: what would be deployed]",
)
def _dashboard(*, run: str | None, port: int, endpoint_url: str | None) -> None:
    """Show a run on the application's dashboards, in the browser.

    RUN is the folder of a run that is finished, was killed or is still going on, or s3://bucket/prefix where a fleet
    wrote one; without it, the latest under runs/.
    Says `ready http://127.0.0.1:PORT` on stdout when the page is there, and serves it until it is interrupted.
    """
    url = None if endpoint_url is None else checked_endpoint_url(endpoint_url)
    from lab.dashboard.serve import serve_dashboard

    serve_dashboard(run, port=port, endpoint_url=url, say=say)


@commands.command("collect")
@click.option(
    "--since",
    required=True,
    metavar="WHEN",
    help="From when: how long ago, as 15m, 2h or 1d, or a time, as 2026-11-21T10:30:00 (UTC).",
)
@click.option("--until", metavar="WHEN", help="To when, likewise.  [default: now]")
@_target_option
@_endpoint_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The run's folder, not holding a run yet.  [default: runs/<id>]",
)
def _collect(*, since: str, until: str | None, target: Target, endpoint_url: str | None, out: Path | None) -> None:
    """Make a run of traffic that the lab did not send.

    Reads the functions' logs of that span of time, and writes a folder like that of `run`: one record an invocation,
    without what only a caller knows.
    """
    from lab.collect.time_argument import moment

    now = time.time()
    begin, end = moment("--since", since, now), now if until is None else moment("--until", until, now)
    url = _needed_endpoint_url(target, endpoint_url)
    from lab.collect.collect import Collection, collect
    from lab.records.folder import RUNS, new_run_id
    from lab.steps import Steps

    collection = Collection(variants=DEFAULTS.variants, begin=begin, end=end, target=target, endpoint_url=url)
    folder = RUNS / new_run_id("collected") if out is None else out
    count = collect(collection, folder, Steps(say))
    _print_comparison(folder)
    say(f"{count:,} invocations; the run is in {folder}")


@commands.command("deploy")
@_source_option
@_context_option
@_target_option
@_endpoint_option
@_yes_option
def _deploy(
    *, source: SourceName, context: tuple[str, ...], target: Target, endpoint_url: str | None, yes: bool
) -> None:
    """Deploy the application and seed its items.

    The CDK CLI deploys the source, every variant and the dashboards; what it needs itself in an account (`cdk
    bootstrap`) is made where it is not there yet.
    """
    settings = _context(context, {"source": "--source"})
    url = _needed_endpoint_url(target, endpoint_url)
    from lab.deploy.lifecycle import Place, deploy_application
    from lab.steps import Steps

    deploy_application(Place(target, url, source, settings), Steps(say), _asker(yes))


@commands.command("destroy")
@_context_option
@_target_option
@_endpoint_option
@_yes_option
def _destroy(*, context: tuple[str, ...], target: Target, endpoint_url: str | None, yes: bool) -> None:
    """Remove the application and its items.

    The items of every source go, and the runs that fleets have left in S3. Where nothing is deployed, it says so.
    """
    settings = _context(context, {"source": "--source"})
    url = _needed_endpoint_url(target, endpoint_url)
    from lab.deploy.lifecycle import Place, destroy_application
    from lab.steps import Steps

    destroy_application(Place(target, url, DEFAULTS.source, settings), Steps(say), _asker(yes))


@commands.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def _completion(*, shell: str) -> None:
    """Print the script that completes `lab` in a shell.

    For the program that `make setup` puts into .venv/bin. In bash: `eval "$(lab completion bash)"`.
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None, "each of SHELLS is one of click's"
    _print(completion(commands, {}, PROGRAM, COMPLETION_VARIABLE).source())


def _needed_endpoint_url(target: Target, given: str | None) -> str | None:
    url = _endpoint_url(target, given)
    if target == "local" and url is None:
        raise UsageError(
            "no local endpoint given; start one with `python -m lab serve` and name it with --endpoint-url"
        )
    return url
