"""What is deployed at the target, read from AWS's APIs by the names in `facts.names`."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from facts import variables
from facts.names import ALIAS, Names
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors, error_code
from lab.aws.target import command
from lab.errors import LabError
from lab.records.dashboards_file import DashboardBody

logger = logging.getLogger(__name__)


class Deployment(NamedTuple):
    """The functions' common configuration; ``timeout_s`` is the longest timeout of a function.

    ``provisioned_concurrency`` has the environments that Lambda keeps initialized, of the variants that have any.
    ``source`` (what they read) and ``ttl_s`` (of their caches) are None if the functions have no such variable.
    """

    runtime: str
    memory_mb: int
    architecture: str
    source: str | None
    ttl_s: float | None
    timeout_s: float
    provisioned_concurrency: Mapping[str, int]


def read_deployment(connection: Connection, names: Names, variants: Sequence[str]) -> Deployment:
    """The configuration behind the alias of each variant's function.

    Raises `LabError` if a function or its alias does not exist, or the caller may not read it.
    """
    client = connection.client("lambda")
    missing = (
        f"is not deployed in region {connection.region}; run `{command('deploy', connection.target, names)}`, or set"
        " AWS_REGION to the region that has it"
    )
    read, functions = client.get_function_configuration, [*map(names.function_name, variants)]
    found = [_read(read, function, "configuration", missing) for function in functions]
    first = found[0]
    environment = first.get("Environment", {}).get("Variables", {})
    ttl = environment.get(variables.TTL_S)
    return Deployment(
        runtime=first["Runtime"],
        memory_mb=first["MemorySize"],
        architecture=first.get("Architectures", ["x86_64"])[0],
        source=environment.get(variables.SOURCE),
        ttl_s=None if ttl is None else float(ttl),
        timeout_s=max(float(function["Timeout"]) for function in found),
        provisioned_concurrency={
            variant: count
            for variant, function in zip(variants, functions, strict=True)
            if (count := _provisioned_concurrency(client, function))
        },
    )


def function_urls(connection: Connection, names: Names, variants: Sequence[str]) -> dict[str, str]:
    """The function URL of each variant's alias, by variant.

    Raises `LabError` if a variant has none, or one that needs no signature.
    """
    client = connection.client("lambda")
    missing = "has no function URL; deploy with --context function_url=true, or leave out --via url"
    found = {}
    for variant in variants:
        config = _read(client.get_function_url_config, names.function_name(variant), "function URL", missing)
        if config["AuthType"] != "AWS_IAM":
            raise LabError(
                f"the function URL of {names.alias_resource(variant)} is public; set its AuthType to AWS_IAM"
            )
        found[variant] = config["FunctionUrl"]
    return found


def _provisioned_concurrency(client: Any, function: str) -> int:
    with aws_errors(f"read the provisioned concurrency of {function}"):
        try:
            config = client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=ALIAS)
        except client.exceptions.ProvisionedConcurrencyConfigNotFoundException:
            return 0
    return int(config["RequestedProvisionedConcurrentExecutions"])


def _read(read: Callable[..., Any], function: str, what: str, missing: str) -> dict[str, Any]:
    """Call a Lambda API for a function's alias; ``missing`` says what to do if the answer is "not found"."""
    with aws_errors(f"read the {what} of {function}"):
        try:
            return dict(read(FunctionName=function, Qualifier=ALIAS))
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise LabError(f"{function}:{ALIAS} {missing}") from None


def read_dashboards(connection: Connection, names: Names, variants: Sequence[str]) -> list[DashboardBody]:
    """The deployed dashboards of the variants, the comparison first; those that cannot be read are left out."""
    client = connection.client("cloudwatch")
    region = connection.region
    found = []
    for name in (names.comparison_dashboard(region), *(names.dashboard_name(each, region) for each in variants)):
        try:
            with aws_errors(f"read dashboard {name}"):
                found.append(DashboardBody(name, client.get_dashboard(DashboardName=name)["DashboardBody"]))
        except LabError as error:
            logger.info("left out: %s", error)
    return found
