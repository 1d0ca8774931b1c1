"""The way to a target's AWS APIs: credentials, region, address; and botocore's errors as one clear line."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from lab.deploy import LOCAL_CREDENTIALS
from lab.drive.settings import Target
from lab.errors import LabError, UsageError


class Connection:
    """Clients for one target, made by one session."""

    def __init__(self, *, target: Target, endpoint_url: str | None) -> None:
        """Connect to the local endpoint at ``endpoint_url``, or to AWS by the caller's own configuration.

        Raises:
            LabError: there are no credentials, no region, or a variable of the environment leads elsewhere.
        """
        self._endpoint_url = endpoint_url
        with aws_errors("read the AWS configuration"):
            self._session = _local_session() if target == "local" else _aws_session()

    @property
    def region(self) -> str:
        """The region of every call."""
        return str(self._session.region_name)

    def client(self, service: str) -> Any:
        """A boto3 client; it may be used from several threads."""
        config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
        if self._endpoint_url is not None:
            config = config.merge(Config(s3={"addressing_style": "path"}))
        # boto3's overloads want each service by its literal name.
        make: Any = self._session.client
        return make(service, endpoint_url=self._endpoint_url, config=config)

    def credentials(self) -> Credentials:
        """Credentials to sign with; those of a role are renewed by themselves."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise LabError("no AWS credentials; run `aws configure` or set AWS_PROFILE")
        return credentials


def _local_session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=LOCAL_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=LOCAL_CREDENTIALS["AWS_REGION"],
    )


def _aws_session() -> boto3.Session:
    elsewhere = sorted(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL"))
    if elsewhere:
        raise UsageError(f"--target aws, but {elsewhere[0]} leads elsewhere; unset it, or give --target local")
    session = boto3.Session(botocore_session=botocore.session.Session())
    if session.get_credentials() is None:
        raise LabError("no AWS credentials; run `aws configure` or set AWS_PROFILE, or give --target local")
    if session.region_name is None:
        raise LabError("no AWS region; set AWS_REGION or run `aws configure`")
    return session


@contextlib.contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn botocore's errors into one clear line that says what could not be done.

    Args:
        doing: what is being done, to follow "cannot".
    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise LabError(f"cannot {doing}: {_one_line(error)}; run `aws configure` or set AWS_PROFILE") from error
    except ClientError as error:
        problem = error.response.get("Error", {})
        raise LabError(
            f"cannot {doing}: {problem.get('Code', 'error')}: {problem.get('Message') or 'no message'}"
        ) from error
    except BotoCoreError as error:
        raise LabError(f"cannot {doing}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
