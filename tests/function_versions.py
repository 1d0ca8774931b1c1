"""A function version without code, for tests that never run it."""

from pathlib import Path

from lab.engine.function import FunctionVersion


def function_version(name: str, version: str = "$LATEST") -> FunctionVersion:
    suffix = "" if version == "$LATEST" else f":{version}"
    return FunctionVersion(
        name=name,
        version=version,
        arn=f"arn:aws:lambda:us-east-1:000000000000:function:{name}{suffix}",
        handler="function.handler",
        runtime="python3.13",
        memory_mb=128,
        timeout_s=3.0,
        tmp_mb=512,
        environment=(),
        code_dir=Path(),
        layers_dir=Path(),
        log_group=f"/aws/lambda/{name}",
    )
