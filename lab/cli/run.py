"""`lab run`: drive the variants and compare them."""

from pathlib import Path
from typing import Any, Final

import click

from facts.sources import SourceName
from lab.aws.target import Target
from lab.cli.options import (
    ALL_VARIANTS,
    DEFAULTS,
    Finite,
    application_context,
    asker,
    context_option,
    endpoint_option,
    instance_option,
    out_option,
    resolve_endpoint,
    source_option,
    target_option,
    yes_option,
)
from lab.cli.output import print_comparison, say
from lab.cli.question import question, question_options
from lab.drive.load import Scenario
from lab.run.settings import (
    BURST_DURATION_S,
    SCENARIOS,
    SLOW_RATE,
    WAYS,
    RunSettings,
    default_duration_s,
    default_rate,
)

OPTIONS: Final = {
    "instance": "--instance",
    "source": "--source",
    "keys": "--keys",
    "variants": "--variant",
    "load": "--fleet",
}
"""Settings of the application that `run` has options for."""
DEFAULT_VARIANTS: Final = "all" if DEFAULTS.variants == ALL_VARIANTS else ", ".join(DEFAULTS.variants)


@click.command("run")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    type=click.Choice(ALL_VARIANTS),
    help=f"A variant to drive; repeat for more than one.  [default: {DEFAULT_VARIANTS}]",
    show_default=False,
)
@click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    default=DEFAULTS.scenario,
    help="steady: groups of requests at an even rate; burst: Poisson arrivals at the same mean rate, in one second of"
    " every four; outage: steady, and downstream fails in the middle third of the measured time (local only).",
)
@click.option(
    "--rate",
    type=float,
    help=f"Mean invocations per second of each variant.  [default: {DEFAULTS.rate:g}; {SLOW_RATE:g} with another"
    " source than dynamodb]",
)
@click.option(
    "--concurrency",
    type=int,
    default=DEFAULTS.concurrency,
    help="Requests of a variant that are sent together, except in bursts: so many environments serve.",
)
@click.option(
    "--duration",
    "duration_s",
    type=float,
    help="Measured time of all repetitions together, in seconds."
    f"  [default: {DEFAULTS.duration_s:g}; {BURST_DURATION_S:g} with burst]",
)
@click.option(
    "--repeat",
    type=int,
    help=f"Repetitions, each with its own environments.  [default: {DEFAULTS.repeat}; one block of time with --fleet,"
    " or on AWS without --fresh-environments]",
)
@click.option(
    "--fresh-environments",
    is_flag=True,
    help="On AWS, publish versions of the functions for each repetition, and remove them afterwards.",
)
@click.option("--keys", type=int, default=DEFAULTS.keys, help="Number of items.")
@click.option("--skew", type=float, default=DEFAULTS.skew, help="Exponent of the keys' Zipf distribution; 0: uniform.")
@click.option("--updates", type=float, default=DEFAULTS.updates, help="Mean item updates per second.")
@source_option
@target_option
@instance_option
@endpoint_option
@click.option(
    "--via",
    type=click.Choice(WAYS),
    default=DEFAULTS.via,
    help="invoke: Lambda's Invoke API; url: function URLs, which return no REPORT line.",
)
@click.option(
    "--fleet",
    type=int,
    default=DEFAULTS.fleet,
    metavar="N",
    help="Send from N driver functions at the target; 0: from this process.",
)
@yes_option
@click.option(
    "--metrics-wait",
    type=Finite(min=0),
    default=300.0,
    help="On AWS, seconds to wait for DynamoDB's own count of the reads; 0: do without it.",
)
@click.option("--seed", type=int, default=DEFAULTS.seed, help="Seed of arrivals, keys and updates.")
@question_options
@out_option
@context_option
def run_command(
    *,
    variants: tuple[str, ...],
    target: Target,
    endpoint_url: str | None,
    yes: bool,
    metrics_wait: float,
    rate: float | None,
    duration_s: float | None,
    scenario: Scenario,
    source: SourceName,
    repeat: int | None,
    fresh_environments: bool,
    fleet: int,
    max_staleness_s: float,
    volume: float,
    cold_share: float,
    out: Path | None,
    context: tuple[str, ...],
    **settings_given: Any,
) -> None:
    """Drive the variants and compare them.

    Seeds the items, drives every variant in the same window, and shows the comparison. Writes DIR/run.json and
    DIR/records.jsonl. On the local target, the application is deployed first, to an endpoint started for the run
    unless one is given. On AWS, the run measures what `lab deploy` deployed.
    """
    settings = RunSettings(
        variants=tuple(name for name in ALL_VARIANTS if name in (variants or DEFAULTS.variants)),
        target=target,
        scenario=scenario,
        source=source,
        rate=default_rate(source) if rate is None else rate,
        duration_s=default_duration_s(scenario) if duration_s is None else duration_s,
        repeat=DEFAULTS.repeat
        if repeat is None and not fleet and (target == "local" or fresh_environments)
        else repeat,
        fresh_environments=fresh_environments,
        fleet=fleet,
        context=application_context(context, OPTIONS),
        **settings_given,
    )
    url = resolve_endpoint(target, endpoint_url)
    from rich.console import Console

    from lab.records.folder import RUNS, new_run_id
    from lab.run.run import Surroundings, run
    from lab.steps import Steps

    folder = out or RUNS / new_run_id(settings.scenario)
    surroundings = Surroundings(
        endpoint_url=url,
        steps=Steps(say),
        console=Console(stderr=True),
        ask=asker(yes),
        metrics_wait_s=metrics_wait,
    )
    tally = run(settings, out=folder, surroundings=surroundings)
    print_comparison(folder, question(max_staleness_s, volume, cold_share))
    say(f"the run is in {folder}")
    tally.check_answered()
