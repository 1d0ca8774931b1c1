"""`lab collect`: a run made of traffic that the lab did not send."""

import dataclasses
import datetime
from pathlib import Path
from typing import NamedTuple

from facts.names import function_name
from facts.warnings import WarningCode
from functions.registry import BASELINE, VARIANTS
from lab.aws.account import identify
from lab.aws.connection import Connection
from lab.aws.function_logs import has_log, log_lines
from lab.aws.target import Target
from lab.collect.log_records import records
from lab.deploy.deployment import Deployment, read_deployment
from lab.errors import LabError, UsageError
from lab.records.folder import RunFolder
from lab.records.run_file import MeasuredSettings, RunFile, RunIdentity, describe_variants, run_warning
from lab.steps import Steps


class Collection(NamedTuple):
    """What to collect.

    Attributes:
        variants: whose logs to read; of all, those that are deployed.
        begin: from when, Unix seconds.
        end: to when.
        target: where the functions are.
        endpoint_url: the local endpoint's address (target ``local``).
    """

    variants: tuple[str, ...]
    begin: float
    end: float
    target: Target
    endpoint_url: str | None


def collect(collection: Collection, out: Path, steps: Steps) -> int:
    """Write a run's folder of what the functions logged in a span of time.

    Args:
        collection: what to collect.
        out: the folder, not holding a run yet.
        steps: is told of each step.

    Returns:
        How many records there are: one at least.

    Raises:
        UsageError: the span ends before it begins.
        LabError: nothing was logged in it, or the logs cannot be read. Then there is no folder.
    """
    if collection.begin >= collection.end:
        raise UsageError("--until is not after --since; give a span of time")
    connection = Connection(target=collection.target, endpoint_url=collection.endpoint_url)
    if collection.target == "aws":
        steps.echo(f"{identify(connection)}: the functions' logs are read, nothing is created or invoked")
    variants = [name for name in collection.variants if has_log(connection, function_name(name))]
    if not variants:
        raise LabError(
            f"no function of the lab has a log in region {connection.region}; run `python -m lab deploy --target"
            f" {collection.target}`, or set AWS_REGION to the region that they are in"
        )
    deployment = read_deployment(connection, variants)
    with RunFolder(out, invocations=0) as folder:
        run = _run_file(collection, out.name, variants, deployment)
        try:
            folder.begin(run)
            for variant in variants:
                with steps.step(f"read the log of {variant}"):
                    _append_log(collection, connection, folder, variant)
            _check_any(folder)
            folder.write_run(dataclasses.replace(run, finished=True, finished_at=_iso(collection.end)))
        except BaseException:
            # It can be collected again: half of it would only be taken for the whole.
            folder.discard()
            raise
        return folder.appended


def _append_log(collection: Collection, connection: Connection, folder: RunFolder, variant: str) -> None:
    lines = log_lines(connection, function_name(variant), collection.begin, collection.end)
    for record in records(lines, run_id=folder.path.name, target=collection.target, variant=variant):
        folder.append(record)


def _check_any(folder: RunFolder) -> None:
    if not folder.appended:
        raise LabError(
            "no invocation was logged in that span; CloudWatch has a line some seconds after it was written: give an"
            " earlier --since, or wait"
        )


def _run_file(collection: Collection, run_id: str, variants: list[str], deployment: Deployment) -> RunFile:
    return RunFile(
        run=RunIdentity(
            id=run_id,
            target=collection.target,
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
        ),
        variants=describe_variants(VARIANTS, variants),
        baseline=BASELINE,
        warnings=(
            run_warning(
                WarningCode.COLLECTED,
                "made from the functions' logs: the variants did not have the same load, and what only a caller knows"
                " (latency, staleness, throttles, what was lost) is absent",
                "compare durations and hit ratios with care; `python -m lab run` measures the rest",
            ),
        ),
    )


def _iso(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds")
