"""`lab collect`: a run from traffic that the lab did not send."""

import time
from pathlib import Path

import click

from facts.names import Names
from lab.aws.target import Target
from lab.cli.options import (
    ALL_VARIANTS,
    endpoint_option,
    instance_option,
    out_option,
    resolve_endpoint,
    target_option,
)
from lab.cli.output import print_comparison, say


@click.command("collect")
@click.option(
    "--since",
    required=True,
    metavar="TIME",
    help="Start: how long ago (15m, 2h, 1d), or a time in UTC (2026-11-21T10:30:00).",
)
@click.option("--until", metavar="TIME", help="End, in the same form.  [default: now]")
@target_option
@instance_option
@endpoint_option
@out_option
def collect_command(
    *,
    since: str,
    until: str | None,
    target: Target,
    instance: str | None,
    endpoint_url: str | None,
    out: Path | None,
) -> None:
    """Build a run from traffic the lab did not send.

    Reads the functions' logs between two times, and writes a folder like that of `run`: one record per invocation,
    without what only a caller knows.
    """
    from lab.collect.time_argument import parse_time

    now = time.time()
    begin, end = parse_time("--since", since, now), now if until is None else parse_time("--until", until, now)
    url = resolve_endpoint(target, endpoint_url, required=True)
    from lab.collect.collect import Collection, collect
    from lab.records.folder import RUNS, new_run_id
    from lab.steps import Steps

    folder = out or RUNS / new_run_id("collected")
    collection = Collection(ALL_VARIANTS, begin, end, Names(instance), target, url)
    count = collect(collection, folder, Steps(say))
    print_comparison(folder)
    say(f"{count:,} invocations; the run is in {folder}")
