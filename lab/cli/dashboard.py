"""`lab dashboard`: dashboards in the browser."""

import click

from lab.cli.options import checked_endpoint_url, instance_option, port_type
from lab.cli.output import say


@click.command("dashboard")
@click.argument("run", required=False, type=click.Path())
@click.option(
    "--port",
    type=port_type,
    help="Port to listen on; 0: a free one.  [default: 8765, or a free one if it is in use]",
)
@instance_option
@click.option(
    "--endpoint-url",
    metavar="URL",
    help="Draw the dashboards that are deployed to this local endpoint.  [default: those in the run's folder]",
)
def dashboard_command(*, run: str | None, port: int | None, instance: str | None, endpoint_url: str | None) -> None:
    """Show CloudWatch dashboards in the browser: those of a run, or those of a local endpoint.

    RUN is the folder of a run that finished, was killed or is still going on, or s3://bucket/prefix where a fleet
    wrote one. Without RUN, the latest run under runs/ is shown; with --endpoint-url alone, any dashboard that is
    deployed to the endpoint, from what the endpoint has collected. With --instance, only those of the instance count.
    Prints `ready http://127.0.0.1:PORT` on stdout when the page is there, and serves it until interrupted.
    """
    url = None if endpoint_url is None else checked_endpoint_url(endpoint_url)
    from lab.dashboard.serve import serve_dashboard

    serve_dashboard(run, port=port, endpoint_url=url, instance=instance, say=say)
