"""`lab collect`: a run made of traffic that the lab did not send."""

import dataclasses
import datetime
from pathlib import Path
from typing import NamedTuple

from facts.names import Names
from facts.warnings import WarningCode
from functions.registry import BASELINE, VARIANTS
from lab.aws.account import identify
from lab.aws.connection import Connection
from lab.aws.function_logs import has_log, log_lines
from lab.aws.target import Target, command
from lab.collect.log_records import records
from lab.deploy.deployment import Deployment, read_dashboards, read_deployment
from lab.errors import LabError, UsageError
from lab.records.folder import RunFolder
from lab.records.run_file import MeasuredSettings, RunFile, RunIdentity, describe_variants, run_warning
from lab.steps import Steps

COLLECTED = run_warning(
    WarningCode.COLLECTED,
    "made from the functions' logs: the variants did not have the same load, and what only a caller knows (latency,"
    " staleness, throttles, lost requests) is absent",
    "compare durations and hit ratios with care; `lab run` measures the rest",
)


class Collection(NamedTuple):
    """What to collect.

    Attributes:
        variants: the variants to collect, as far as they are deployed.
        begin: from when, Unix seconds.
        end: to when.
        names: those of the application's instance.
        target: where the functions are.
        endpoint_url: the local endpoint's address (target ``local``).
    """

    variants: tuple[str, ...]
    begin: float
    end: float
    names: Names
    target: Target
    endpoint_url: str | None


def collect(collection: Collection, out: Path, steps: Steps) -> int:
    """Write a run's folder from what the functions logged between two times.

    Args:
        collection: what to collect.
        out: the folder, which holds no run yet.
        steps: reports each step.

    Returns:
        The number of records, at least 1.

    Raises:
        UsageError: the end is not after the beginning.
        LabError: nothing was logged, or the logs cannot be read. No folder is left then.
    """
    if collection.begin >= collection.end:
        raise UsageError("--until must be after --since")
    connection = Connection(target=collection.target, endpoint_url=collection.endpoint_url)
    if collection.target == "aws":
        steps.echo(f"{identify(connection)}: the functions' logs are read, nothing is created or invoked")
    names = collection.names
    variants = [variant for variant in collection.variants if has_log(connection, names.function_name(variant))]
    if not variants:
        raise LabError(
            f"no function of the lab has a log in region {connection.region}; run"
            f" `{command('deploy', collection.target, names)}`, or set AWS_REGION to the region of the functions"
        )
    run = _run_file(collection, out.name, variants, read_deployment(connection, names, variants))
    with RunFolder(out, invocations=0) as folder:
        try:
            folder.begin(run)
            folder.write_dashboards(read_dashboards(connection, names, variants))
            for variant in variants:
                with steps.step(f"read the log of {variant}"):
                    lines = log_lines(connection, names.function_name(variant), collection.begin, collection.end)
                    for record in records(lines, run_id=out.name, target=collection.target, variant=variant):
                        folder.append(record)
            if not folder.appended:
                raise LabError(
                    "no invocation was logged between these times; CloudWatch shows a line some seconds after it was"
                    " written: give an earlier --since, or wait"
                )
            folder.write_run(dataclasses.replace(run, finished=True, finished_at=_iso(collection.end)))
        except BaseException:
            folder.discard()  # it can be collected again; half of it would be taken for the whole
            raise
        return folder.appended


def _run_file(collection: Collection, run_id: str, variants: list[str], deployment: Deployment) -> RunFile:
    return RunFile(
        run=RunIdentity(
            id=run_id,
            target=collection.target,
            instance=collection.names.instance,
            scenario="collected",
            source=deployment.source,
            started_at=_iso(collection.begin),
            duration_s=round(collection.end - collection.begin, 3),
            runtime=deployment.runtime,
        ),
        settings=MeasuredSettings(
            variants=tuple(variants),
            ttl_s=deployment.ttl_s,
            memory_mb=deployment.memory_mb,
            architecture=deployment.architecture,
            provisioned_concurrency=deployment.provisioned_concurrency,
        ),
        variants=describe_variants(VARIANTS, variants),
        baseline=BASELINE,
        warnings=(COLLECTED,),
    )


def _iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
