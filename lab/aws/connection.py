"""Clients of a target's AWS APIs: credentials, region, address."""

import os
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from lab.aws.errors import aws_errors
from lab.aws.target import Target
from lab.errors import LabError, UsageError

# The local endpoint accepts any key; this one is the lab's own, because the CDK CLI remembers accounts by key.
LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "cachelab", "AWS_SECRET_ACCESS_KEY": "cachelab", "AWS_REGION": "us-east-1"}
NO_CREDENTIALS = "no AWS credentials; run `aws configure`, or set AWS_PROFILE"
AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn")


class Connection:
    """Clients for one target, made by one session. ``retries`` counts their requests that botocore has sent again."""

    def __init__(self, *, target: Target, endpoint_url: str | None) -> None:
        """Connect to the local endpoint at ``endpoint_url``, or to AWS by the caller's own configuration.

        Raises `LabError` if there are no credentials or no region, or the configuration is wrong.
        """
        self.target: Target = target
        self._endpoint_url = endpoint_url
        self.retries = 0
        with aws_errors("read the AWS configuration"):
            self._session = _local_session() if target == "local" else _aws_session()
        self._session.events.register("after-call", self._count_retries)

    @property
    def region(self) -> str:
        """The region of every call."""
        return str(self._session.region_name)

    @property
    def elsewhere(self) -> str | None:
        """The address that calls go to instead of AWS (``AWS_ENDPOINT_URL`` in the configuration); None if to AWS."""
        address = self.address("lambda")
        host = urlsplit(address).hostname or ""
        return None if any(host.endswith(f".{domain}") for domain in AWS_DOMAINS) else address

    def address(self, service: str) -> str:
        """The URL of a service without a trailing slash, for requests sent without a client."""
        return str(self.client(service).meta.endpoint_url).rstrip("/")

    def client(self, service: str, *, attempts: int = 3) -> Any:
        """A boto3 client; it may be used from several threads. Use one attempt for what must not happen twice.

        Raises `UsageError` if the configured endpoint is not an address; `LabError` if the configuration is wrong
        otherwise.
        """
        config = Config(
            connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": attempts}
        )
        if self._endpoint_url is not None:
            config = config.merge(Config(s3={"addressing_style": "path"}))
        # boto3-stubs has one overload per literal name.
        make: Any = self._session.client
        with aws_errors(f"use {service}"):
            try:
                return make(service, endpoint_url=self._endpoint_url, config=config)
            except BotoCoreError:  # some of which are a ValueError as well
                raise
            except ValueError as error:
                raise UsageError(
                    f"AWS_ENDPOINT_URL (or endpoint_url of the AWS profile) is not an address ({error}); unset it to"
                    " use AWS, or give it as http://127.0.0.1:4566"
                ) from None

    def credentials(self) -> Credentials:
        """Credentials to sign with; botocore renews those of a role."""
        with aws_errors("read the AWS credentials"):
            credentials = self._session.get_credentials()
        if credentials is None:
            raise LabError(NO_CREDENTIALS)
        return credentials

    def _count_retries(self, parsed: dict[str, Any], **_: Any) -> None:
        self.retries += parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0)


def _local_session() -> boto3.Session:
    key, secret, region = LOCAL_CREDENTIALS.values()
    return boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)


def _aws_session() -> boto3.Session:
    # botocore reads only AWS_DEFAULT_REGION; the CDK CLI and other SDKs read AWS_REGION first.
    region = os.environ.get("AWS_REGION") or None
    session = boto3.Session(botocore_session=botocore.session.Session(), region_name=region)
    if session.get_credentials() is None:
        raise LabError(NO_CREDENTIALS)
    if session.region_name is None:
        raise LabError("no AWS region; set AWS_REGION, or run `aws configure`")
    return session
