"""The log groups as the emulator keeps them: deployed by CloudFormation, with their retention and tags."""

import json
import time
import urllib.error
import urllib.request
from typing import Any, Final

from lab.endpoint.emulator.account import ACCESS_KEY, REGION

# The emulator takes account and region from it, and checks no signature.
_AUTHORIZATION: Final = (
    f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/{REGION}/logs/aws4_request, SignedHeaders=host, Signature=none"
)
ENSURE_AGAIN_S: Final = 1.0
LIMIT_S: Final = 10.0


class LogGroups:
    """Asks the emulator about log groups, and makes those that a function writes to, as Lambda does."""

    def __init__(self, emulator_url: str) -> None:
        self._url = emulator_url
        self._ensured: dict[str, float] = {}

    def ensure(self, name: str) -> None:
        """Make the group if it does not exist. It may be deleted at any time, so this asks again after a second."""
        now = time.monotonic()
        if now - self._ensured.get(name, -ENSURE_AGAIN_S) >= ENSURE_AGAIN_S:
            self._ensured[name] = now
            self._ask("CreateLogGroup", {"logGroupName": name})

    def created_ms(self, name: str) -> int | None:
        """When the group was made, Unix milliseconds; None if there is none."""
        token: dict[str, str] = {}
        while True:
            answer = self._ask("DescribeLogGroups", {"logGroupNamePrefix": name, **token})
            for group in answer.get("logGroups", []):
                if group["logGroupName"] == name:
                    return int(group["creationTime"])
            if "nextToken" not in answer:
                return None
            token = {"nextToken": answer["nextToken"]}

    def _ask(self, operation: str, parameters: dict[str, str]) -> dict[str, Any]:
        headers = {
            "authorization": _AUTHORIZATION,
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"Logs_20140328.{operation}",
        }
        request = urllib.request.Request(self._url, json.dumps(parameters).encode(), headers)  # noqa: S310 - the emulator's own address
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310
                content: dict[str, Any] = json.load(answer)
                return content
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass  # it is ending, and so are we
        return {}
