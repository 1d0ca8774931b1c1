"""What the tests of the AWS target share."""

import os
import time
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.loaders import create_loader

from tests.unit.lab.aws.aws_double import AwsDouble

LOADER = create_loader()


@pytest.fixture(autouse=True)
def _a_users_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials and a region of a user, and nothing of this machine's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUSER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


@pytest.fixture(autouse=True)
def _quick_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each service's model once, and retry without a pause."""
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: LOADER)
    monkeypatch.setattr("botocore.endpoint.time", types.SimpleNamespace(time=time.time, sleep=lambda _: None))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsDouble]:
    """A double of AWS, to which the user's configuration leads."""
    double = AwsDouble()
    with double.serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield double
