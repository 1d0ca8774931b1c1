"""What the tests of runs share."""

import pytest

from lab.aws.connection import Connection


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A connection to AWS, which no test uses without a stub."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "cachelab")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return Connection(target="aws", endpoint_url=None)
