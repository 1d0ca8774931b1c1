"""Objects in S3."""

from typing import Any

from lab.errors import LabError


def delete_objects(s3: Any, bucket: str, prefix: str = "") -> None:
    """Delete the objects of a bucket below a prefix, but no old versions. To be used within `aws_errors`.

    A page of the list and one `DeleteObjects` hold a thousand keys each (S3 API Reference).

    Raises:
        LabError: S3 kept some; it answers with success also then.
    """
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        if keys := [{"Key": found["Key"]} for found in page.get("Contents", [])]:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            for kept in answer.get("Errors", []):
                raise LabError(f"cannot delete s3://{bucket}/{kept['Key']}: {kept.get('Code')}: {kept.get('Message')}")
