"""Runs in S3, as ministack has it."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from lab.aws.connection import LOCAL_CREDENTIALS


@pytest.fixture
def bucket(ministack: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket at the endpoint that AWS_ENDPOINT_URL names."""
    region = LOCAL_CREDENTIALS["AWS_REGION"]
    for name, value in {"AWS_ENDPOINT_URL": ministack, "AWS_DEFAULT_REGION": region, **LOCAL_CREDENTIALS}.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="runs")
    yield "runs"
    boto3.resource("s3").Bucket("runs").objects.delete()
    boto3.client("s3").delete_bucket(Bucket="runs")


def upload(bucket: str, prefix: str, run_dir: Path, shards: int) -> None:
    """Put a run under the prefix, as a fleet does."""
    client = boto3.client("s3")
    for name in ("run.json", "dashboards.json"):
        if (run_dir / name).exists():
            client.upload_file(str(run_dir / name), bucket, f"{prefix}/{name}")
    lines = (run_dir / "records.jsonl").read_text().splitlines(keepends=True)
    for number in range(shards):
        client.put_object(
            Bucket=bucket, Key=f"{prefix}/records/{number:04d}.jsonl", Body="".join(lines[number::shards]).encode()
        )
        client.put_object(Bucket=bucket, Key=f"{prefix}/plan/{number:04d}.jsonl", Body=b'[0.1,"no_cache",0,"k"]\n')
    client.put_object(Bucket=bucket, Key=f"{prefix}/manifest.json", Body=b"{}")
