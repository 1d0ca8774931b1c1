"""What the engine must know of a function version to run it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersion:
    """One version of a function, as deployed, with its code and layers unpacked on this machine.

    ``version`` is a number as text, or ``$LATEST``; ``arn`` ends with it, except for ``$LATEST``. ``layers_dir`` is all
    layers unpacked over one another, as Lambda does at ``/opt``. ``log_format`` is ``Text`` or ``JSON``; the log levels
    filter JSON logs only. ``traced``: Lambda samples requests for X-Ray itself (active tracing).
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
    traced: bool = False
    region: str = "us-east-1"
    log_format: str = "Text"
    application_log_level: str = "INFO"
    system_log_level: str = "INFO"

    def __hash__(self) -> int:
        # Looked up on every invocation: these two fields distinguish most versions.
        return hash((self.name, self.version))


XRAY_HOST = "127.0.0.1"
RUNTIME_API = f"{XRAY_HOST}:9001"
"""As Lambda's, which has the host of the X-Ray daemon; over the channel nothing of the lab listens there."""

_WITH_LOCALES = frozenset({"python3.11"})
"""Runtimes of Amazon Linux 2, which has the locale that LANG names. In later ones Python falls back to ``C.UTF-8``."""


def lambda_environment(version: FunctionVersion, *, log_stream: str, paths: Mapping[str, str]) -> dict[str, str]:
    """The variables that Lambda sets, and over them the function's own.

    ``paths`` gives ``task``, ``opt`` and ``runtime`` as the function sees them. Source: the AWS Lambda Developer Guide,
    "Defined runtime environment variables", and the variables of real functions in LocalStack's validated snapshots.
    """
    task, opt, runtime = (paths[name] for name in ("task", "opt", "runtime"))
    libraries = ["/var/lang/lib", "/lib64", "/usr/lib64", runtime, f"{runtime}/lib", task, f"{task}/lib", f"{opt}/lib"]
    return {
        "_HANDLER": version.handler,
        "AWS_REGION": version.region,
        "AWS_DEFAULT_REGION": version.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": version.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        **_of_json_logs(version),
        "AWS_LAMBDA_LOG_GROUP_NAME": version.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": RUNTIME_API,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": f"{XRAY_HOST}:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": XRAY_HOST,
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "LAMBDA_TASK_ROOT": task,
        "LAMBDA_RUNTIME_DIR": runtime,
        "LANG": "en_US.UTF-8",
        **({} if version.runtime in _WITH_LOCALES else {"LC_CTYPE": "C.UTF-8"}),
        "TZ": ":UTC",
        "PATH": f"/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:{opt}/bin",
        "PWD": task,
        "SHLVL": "0",
        "LD_LIBRARY_PATH": ":".join(libraries),
        "PYTHONPATH": runtime,
        **dict(version.environment),
    }


def _of_json_logs(version: FunctionVersion) -> dict[str, str]:
    if version.log_format != "JSON":
        return {}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": version.application_log_level}
