"""What is deployed at the target, as its own APIs tell."""

from collections.abc import Sequence
from typing import NamedTuple

from botocore.exceptions import ClientError

from lab.drive.connection import Connection, aws_errors
from lab.drive.invoke import ALIAS, FUNCTION_PREFIX

SOURCE_STACK = "CacheLab-source"
COMPARISON_STACK = "CacheLab-comparison"


class Deployment(NamedTuple):
    """The functions' common configuration.

    Attributes:
        runtime: such as `python3.14`.
        memory_mb: memory of a function.
        architecture: `arm64` or `x86_64`.
        ttl_s: TTL that the caches are given, seconds; None if the functions are not told any.
        timeout_s: the longest timeout of a function, seconds.
    """

    runtime: str
    memory_mb: int
    architecture: str
    ttl_s: float | None
    timeout_s: float


def variant_stack(variant: str) -> str:
    """The name of a variant's stack."""
    return f"CacheLab-{variant.replace('_', '-')}"


def read_deployment(connection: Connection, variants: Sequence[str]) -> Deployment:
    """The configuration behind the alias of each variant's function.

    Raises:
        LabError: a function or its alias is not there.
    """
    client = connection.client("lambda")
    found = []
    for variant in variants:
        with aws_errors(f"read the configuration of {variant}, as it is deployed"):
            found.append(client.get_function_configuration(FunctionName=f"{FUNCTION_PREFIX}{variant}", Qualifier=ALIAS))
    first = found[0]
    ttl = first.get("Environment", {}).get("Variables", {}).get("CACHE_LAB_TTL_S")
    return Deployment(
        runtime=first["Runtime"],
        memory_mb=first["MemorySize"],
        architecture=first.get("Architectures", ["x86_64"])[0],
        ttl_s=None if ttl is None else float(ttl),
        timeout_s=max(float(function["Timeout"]) for function in found),
    )


def read_bucket(connection: Connection) -> str | None:
    """The bucket of the source stack, as it is deployed now; None without one, or without a stack."""
    with aws_errors(f"read the outputs of stack {SOURCE_STACK}"):
        try:
            stack = connection.client("cloudformation").describe_stacks(StackName=SOURCE_STACK)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return outputs.get("BucketName")
