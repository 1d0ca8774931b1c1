"""The way to a target's AWS APIs: credentials, region, address."""

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

# Any key will do at the local endpoint, but one of its own: the CDK CLI remembers accounts by key.
LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "cachelab", "AWS_SECRET_ACCESS_KEY": "cachelab", "AWS_REGION": "us-east-1"}
NO_CREDENTIALS = "no AWS credentials; run `aws configure`, or set AWS_PROFILE"
AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn")


class Connection:
    """Clients for one target, made by one session.

    Attributes:
        target: where calls go.
        retries: how many times botocore has sent a request of these clients anew.
    """

    def __init__(self, *, target: Target, endpoint_url: str | None) -> None:
        """Connect to the local endpoint at ``endpoint_url``, or to AWS by the caller's own configuration.

        That configuration may itself lead elsewhere (``AWS_ENDPOINT_URL``): see `elsewhere`.

        Raises:
            LabError: there are no credentials or no region, or the configuration is wrong.
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
        """Where calls go that do not go to AWS; None if they do."""
        address = self.address("lambda")
        host = urlsplit(address).hostname or ""
        return None if any(host.endswith(f".{domain}") for domain in AWS_DOMAINS) else address

    def address(self, service: str) -> str:
        """The URL of a service, without a trailing slash: for requests that no client sends."""
        return str(self.client(service).meta.endpoint_url).rstrip("/")

    def client(self, service: str, *, attempts: int = 3) -> Any:
        """A boto3 client; it may be used from several threads.

        Args:
            service: as boto3 names it.
            attempts: how often a request is sent at most; 1 for what must not happen twice.

        Raises:
            UsageError: the configured endpoint is no address.
            LabError: the configuration is wrong otherwise.
        """
        config = Config(
            connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": attempts}
        )
        if self._endpoint_url is not None:
            config = config.merge(Config(s3={"addressing_style": "path"}))
        # boto3's overloads want each service by its literal name.
        make: Any = self._session.client
        with aws_errors(f"use {service}"):
            try:
                return make(service, endpoint_url=self._endpoint_url, config=config)
            except BotoCoreError:  # some of which are a ValueError as well
                raise
            except ValueError as error:
                raise UsageError(
                    f"AWS_ENDPOINT_URL (or endpoint_url of the AWS profile) is no address ({error}); unset it to use"
                    " AWS, or give it as http://127.0.0.1:4566"
                ) from None

    def credentials(self) -> Credentials:
        """Credentials to sign with; those of a role are renewed by themselves."""
        with aws_errors("read the AWS credentials"):
            credentials = self._session.get_credentials()
        if credentials is None:
            raise LabError(NO_CREDENTIALS)
        return credentials

    def _count_retries(self, parsed: dict[str, Any], **_: Any) -> None:
        self.retries += parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0)


def _local_session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=LOCAL_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=LOCAL_CREDENTIALS["AWS_REGION"],
    )


def _aws_session() -> boto3.Session:
    # botocore reads AWS_DEFAULT_REGION alone; the CDK CLI and the other SDKs read AWS_REGION first.
    region = os.environ.get("AWS_REGION") or None
    session = boto3.Session(botocore_session=botocore.session.Session(), region_name=region)
    if session.get_credentials() is None:
        raise LabError(NO_CREDENTIALS)
    if session.region_name is None:
        raise LabError("no AWS region; set AWS_REGION, or run `aws configure`")
    return session
