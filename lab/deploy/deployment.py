"""What is deployed at the target, as its own APIs tell."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from facts import variables
from facts.names import ALIAS, SOURCE_STACK, function_name
from lab.aws.account import stack_outputs
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors, error_code
from lab.errors import LabError


class Deployment(NamedTuple):
    """The functions' common configuration.

    Attributes:
        runtime: such as `python3.14`.
        memory_mb: memory of a function.
        architecture: `arm64` or `x86_64`.
        source: what the functions read; None if they are not told.
        ttl_s: TTL that the caches are given, seconds; None if the functions are not told any.
        timeout_s: the longest timeout of a function, seconds.
    """

    runtime: str
    memory_mb: int
    architecture: str
    source: str | None
    ttl_s: float | None
    timeout_s: float


def read_deployment(connection: Connection, variants: Sequence[str]) -> Deployment:
    """The configuration behind the alias of each variant's function.

    Raises:
        LabError: a function or its alias is not there, or the caller may not look.
    """
    found = [_configuration(connection, variant) for variant in variants]
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
    )


def _configuration(connection: Connection, variant: str) -> dict[str, Any]:
    function = function_name(variant)
    with aws_errors(f"read the configuration of {function}"):
        try:
            found = connection.client("lambda").get_function_configuration(FunctionName=function, Qualifier=ALIAS)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise LabError(
                f"{variant} is not deployed in region {connection.region} (no function {function}:{ALIAS});"
                f" run `python -m lab deploy --target {connection.target}`, or set AWS_REGION to the region that has it"
            ) from None
    return dict(found)


def function_urls(connection: Connection, variants: Sequence[str]) -> dict[str, str]:
    """The function URL of each variant's alias, by variant.

    Raises:
        LabError: a variant has none, or one that is open to all.
    """
    client = connection.client("lambda")
    found = {}
    for variant in variants:
        function = function_name(variant)
        with aws_errors(f"read the function URL of {function}"):
            try:
                config = client.get_function_url_config(FunctionName=function, Qualifier=ALIAS)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                raise LabError(
                    f"{function}:{ALIAS} has no function URL; deploy with --context function_url=true, or leave --via"
                    " url out"
                ) from None
        if config["AuthType"] != "AWS_IAM":
            raise LabError(f"the function URL of {function}:{ALIAS} is open to all; set its AuthType to AWS_IAM")
        found[variant] = config["FunctionUrl"]
    return found


def read_bucket(connection: Connection) -> str | None:
    """The bucket of the source stack, as it is deployed now; None without one, or without a stack."""
    return (stack_outputs(connection, SOURCE_STACK) or {}).get("BucketName")
