"""Which of Lambda's two log formats a function version has."""

from lab.engine.function import FunctionVersion
from lab.engine.logs.json_log import JsonLog
from lab.engine.logs.platform_log import TextLog


def platform_lines(version: FunctionVersion) -> TextLog | JsonLog:
    """What writes the platform's lines for this version."""
    return JsonLog(version) if version.log_format == "JSON" else TextLog(version)
