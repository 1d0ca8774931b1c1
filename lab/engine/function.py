"""What the engine must know of a function version to run it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersion:
    """One version of a function, as deployed, with its code and layers unpacked on this machine.

    ``version`` is a number as text, or ``$LATEST``; ``arn`` ends with it, except for ``$LATEST``. ``layers_dir`` is all
    layers unpacked over one another, as Lambda does at ``/opt``. ``log_format`` is ``Text`` or ``JSON``; the log levels
    filter JSON logs only.
    """

    name: str
    version: str
    arn: str
    handler: str
    runtime: str
    memory_mb: int
    timeout_s: float
    tmp_mb: int
    environment: tuple[tuple[str, str], ...]
    code_dir: Path
    layers_dir: Path
    log_group: str
    snap_start: bool = False
    architecture: str = "x86_64"
    region: str = "us-east-1"
    log_format: str = "Text"
    application_log_level: str = "INFO"
    system_log_level: str = "INFO"

    def __hash__(self) -> int:
        # Looked up on every invocation: these two fields distinguish most versions.
        return hash((self.name, self.version))


def lambda_environment(version: FunctionVersion, *, log_stream: str, paths: Mapping[str, str]) -> dict[str, str]:
    """The variables that Lambda sets, and over them the function's own.

    ``paths`` gives ``task``, ``opt`` and ``runtime`` as the function sees them. Source: the AWS Lambda Developer Guide,
    "Defined runtime environment variables".
    """
    log_level = {"AWS_LAMBDA_LOG_LEVEL": version.application_log_level} if version.log_format == "JSON" else {}
    return {
        "_HANDLER": version.handler,
        "AWS_REGION": version.region,
        "AWS_DEFAULT_REGION": version.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": version.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": version.log_format,
        **log_level,
        "AWS_LAMBDA_LOG_GROUP_NAME": version.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "LAMBDA_TASK_ROOT": paths["task"],
        "LAMBDA_RUNTIME_DIR": paths["runtime"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": f"/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:{paths['opt']}/bin",
        "LD_LIBRARY_PATH": f"{paths['task']}:{paths['task']}/lib:{paths['opt']}/lib",
        **dict(version.environment),
    }
