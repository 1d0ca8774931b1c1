"""`lab serve`: the local endpoint."""

from pathlib import Path
from typing import Any, Final

import click

from lab.cli.options import Finite, port_type
from lab.endpoint.profiles import PROFILES, find_profile
from lab.endpoint.startup_profiles import STARTUP_PROFILES
from lab.engine.settings import EngineSettings, Routing, Transport

DEFAULTS: Final = EngineSettings()


@click.command("serve")
@click.option(
    "--port",
    type=port_type,
    help="Port to listen on; 0: a free one.  [default: 4566, or a free one if it is in use]",
)
@click.option(
    "--profile",
    metavar=f"[{'|'.join(PROFILES)}|FILE.toml]",
    default="typical",
    show_default=True,
    help="Downstream latency profile: a named one, or your own.",
)
@click.option(
    "--startup",
    type=click.Choice(tuple(STARTUP_PROFILES)),
    default="typical",
    help="Start-up profile: Lambda's own part of cold starts and restores.",
)
@click.option(
    "--routing",
    type=click.Choice([routing.value for routing in Routing]),
    default=DEFAULTS.routing.value,
    help="Which idle environment takes an invocation; AWS does not say.",
)
@click.option(
    "--idle",
    "idle_s",
    type=Finite(min=0, min_open=True),
    default=DEFAULTS.idle_s,
    help="Seconds after which an idle environment ends.",
)
@click.option(
    "--clock-speed",
    type=Finite(min=0, min_open=True),
    default=DEFAULTS.clock_speed,
    help="How many times faster idle times, lifetimes of environments and retries of events pass.",
)
@click.option(
    "--transport",
    type=click.Choice([transport.value for transport in Transport]),
    default=DEFAULTS.transport.value,
    help="How the engine and the runtime processes talk; http is AWS's Runtime API, and slower.",
)
@click.option("--cpu-share/--no-cpu-share", "limit_cpu", default=True, help="Limit processor time by memory.")
@click.option(
    "--log-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append the endpoint's log to this file.",
)
@click.option("--leash", is_flag=True, hidden=True, help="End when standard input closes.")
@click.pass_context
def serve_command(
    context: click.Context,
    /,
    *,
    port: int | None,
    profile: str,
    startup: str,
    routing: str,
    transport: str,
    log_file: Path | None,
    leash: bool,
    **engine: Any,
) -> None:
    """Start the local endpoint.

    Prints `ready http://127.0.0.1:PORT` on stdout when it answers, and runs until interrupted.
    """
    from lab.endpoint.serve import serve

    settings = EngineSettings(
        routing=Routing(routing), transport=Transport(transport), startup=STARTUP_PROFILES[startup], **engine
    )
    serve(
        port=port,
        profile=find_profile(profile),
        settings=settings,
        leash=leash,
        log_file=log_file,
        verbose=context.find_root().params["verbose"] > 0,
    )
