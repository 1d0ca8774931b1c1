"""Where the files of a run are: in a folder, or under a prefix in S3, which is brought here first.

DuckDB reads S3 by an extension that it fetches from the network when it is first used. A report must not depend on
that, so S3's own API brings the shards into a temporary folder: their size on disk is the price, memory is not.
"""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lab.errors import LabError, UsageError
from lab.records.dashboards_file import DASHBOARDS_FILE
from lab.records.record import RECORDS_FILE
from lab.records.run_file import RUN_FILE, RunFile, no_run, read_run

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

S3: Final = "s3://"
SHARDS: Final = "records/"
SHARD: Final = ".jsonl"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The files of a run, on this machine.

    Attributes:
        name: what the user called the run.
        folder: where ``run.json`` and ``dashboards.json`` are.
        run: the content of ``run.json``.
        records: files of JSON Lines, in their order; one for a run of `lab run`, one a shard for a fleet's.
    """

    name: str
    folder: Path
    run: RunFile
    records: tuple[Path, ...]


@contextlib.contextmanager
def run_files(run: Path | str) -> Iterator[RunFiles]:
    """Yield the files of a run, for as long as the context lasts.

    Args:
        run: a folder, or ``s3://bucket/prefix``: ``run.json`` is at the prefix, and below its ``records/`` are the
            shards, each whole (``0000.jsonl``) or, where the run was killed, in the parts (``0000/….jsonl``) that its
            driver has written. ``AWS_ENDPOINT_URL`` applies.

    Raises:
        UsageError: there is no run, or ``s3://`` stands without a bucket.
        LabError: there are no records, or S3 refuses.
    """
    if not str(run).startswith(S3):
        yield _in_folder(Path(run))
        return
    with tempfile.TemporaryDirectory(prefix="lab-report-") as folder:
        yield _fetched(str(run), Path(folder))


def _in_folder(folder: Path) -> RunFiles:
    run = read_run(folder)
    records = folder / RECORDS_FILE
    if not records.is_file():
        no_run(folder, RECORDS_FILE)
    return RunFiles(name=str(folder), folder=folder, run=run, records=(records,))


def _fetched(url: str, folder: Path) -> RunFiles:
    # Late, for a report of a folder needs neither: a quarter of a second.
    from lab.aws.connection import Connection  # noqa: PLC0415
    from lab.aws.errors import aws_errors  # noqa: PLC0415

    parts = urlsplit(url)
    if not parts.netloc:
        raise UsageError(f"{url} names no bucket; give s3://bucket/prefix")
    prefix = parts.path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    client = Connection(target="aws", endpoint_url=None).client("s3")
    with aws_errors(f"read {url}"):
        names = sorted(_names(client, parts.netloc, prefix))
        if prefix + RUN_FILE not in names:
            raise UsageError(f"no run at {url}: {RUN_FILE} is missing; give the prefix that `lab run` wrote to")
        for name in (RUN_FILE, DASHBOARDS_FILE):
            if prefix + name in names:
                client.download_file(parts.netloc, prefix + name, str(folder / name))
        shards = _shards([name for name in names if name.startswith(prefix + SHARDS) and name.endswith(SHARD)])
        # Numbered: an object's name can be anything, also a path out of the folder.
        records = tuple(folder / f"{number:06d}{SHARD}" for number in range(len(shards)))
        for name, path in zip(shards, records, strict=True):
            client.download_file(parts.netloc, name, str(path))
    if not records:
        raise LabError(f"no records at {url}: {SHARDS} has no object in {SHARD}; the run may not have begun")
    return RunFiles(name=url, folder=folder, run=read_run(folder), records=records)


def _shards(names: list[str]) -> list[str]:
    """The objects that hold the records: a whole shard replaces its parts."""
    whole = set(names)
    return [name for name in names if f"{name.rpartition('/')[0]}{SHARD}" not in whole]


def _names(client: "S3Client", bucket: str, prefix: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", ()))
