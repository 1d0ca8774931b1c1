"""Objects in S3, removed by the thousand."""

from typing import Any

from lab.errors import LabError


def delete_objects(s3: Any, bucket: str, prefix: str = "") -> None:
    """Delete every object of a bucket below a prefix: CloudFormation does not delete a bucket that holds any.

    A page of the list and one `DeleteObjects` take a thousand keys each (S3 API Reference). To be used within
    `lab.aws.errors.aws_errors`.

    Args:
        s3: a client.
        bucket: whose objects to delete; versions are not looked for.
        prefix: of their keys.

    Raises:
        LabError: S3 kept some; its answer is a success also then.
    """
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
        if not keys:
            continue
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        for kept in answer.get("Errors", []):
            raise LabError(f"cannot delete s3://{bucket}/{kept['Key']}: {kept.get('Code')}: {kept.get('Message')}")
