"""Where the files of a run are: a folder, or S3 as ministack has it."""

from pathlib import Path

import boto3
import pytest

from lab.analysis.summary import summarise
from lab.errors import LabError, UsageError
from lab.records.dashboards_file import DashboardBody, dashboards_to_json, read_dashboards
from lab.records.files import run_files
from lab.report.compare import compare_runs
from tests.unit.lab.report.simulated import simulate, simulate_repeated
from tests.unit.lab.runs_in_s3 import upload


def test_shards_in_s3_are_reported_as_the_same_run_in_a_folder(bucket: str, tmp_path: Path) -> None:
    run_dir = simulate(tmp_path / "run", duration_s=3.0, variants=("no_cache", "snapstart"))
    (run_dir / "dashboards.json").write_text(dashboards_to_json([DashboardBody("comparison", "{}")]))
    upload(bucket, "fleet/one", run_dir, shards=7)

    assert summarise(f"s3://{bucket}/fleet/one/") == summarise(run_dir)
    with run_files(f"s3://{bucket}/fleet/one/") as files:
        assert read_dashboards(files.folder) == [DashboardBody("comparison", "{}")]


def test_a_shard_in_parts_counts_until_it_is_whole(bucket: str, tmp_path: Path) -> None:
    run_dir = simulate(tmp_path / "run", duration_s=3.0, variants=("no_cache",))
    upload(bucket, "killed", run_dir, shards=2)
    client = boto3.client("s3")
    lines = (run_dir / "records.jsonl").read_bytes().splitlines(keepends=True)[1::2]
    for number, part in enumerate((lines[:10], lines[10:])):
        client.put_object(Bucket=bucket, Key=f"killed/records/0001/000{number}-9.jsonl", Body=b"".join(part))

    assert _lines(f"s3://{bucket}/killed") == _lines(run_dir)
    client.delete_object(Bucket=bucket, Key="killed/records/0001.jsonl")
    assert _lines(f"s3://{bucket}/killed") == _lines(run_dir)


def _lines(run: Path | str) -> list[bytes]:
    with run_files(run) as files:
        return sorted(line for path in files.records for line in path.read_bytes().splitlines())


def test_runs_in_s3_are_compared(bucket: str, tmp_path: Path) -> None:
    run_dir = simulate_repeated(tmp_path / "run", steady_s=1.0, variants=("no_cache", "ttl_cache"))
    upload(bucket, "one", run_dir, shards=2)

    pair = compare_runs(run_dir, f"s3://{bucket}/one")
    assert pair.regressions == []
    assert pair.cells


def test_a_prefix_without_a_run_or_without_records_is_told(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"no run at s3://runs/none: run\.json is missing"), run_files("s3://runs/none"):
        pass
    boto3.client("s3").put_object(Bucket=bucket, Key="begun/run.json", Body=b"{}")
    with pytest.raises(LabError, match="no records at s3://runs/begun"), run_files("s3://runs/begun"):
        pass


def test_what_s3_refuses_is_one_line(bucket: str) -> None:
    with (
        pytest.raises(LabError, match="cannot read s3://no-such-bucket/x") as refused,
        run_files("s3://no-such-bucket/x"),
    ):
        pass
    assert "\n" not in str(refused.value)


def test_s3_without_credentials_or_a_bucket_tells_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(LabError, match="no AWS credentials; run `aws configure`"), run_files("s3://runs/x"):
        pass
    with pytest.raises(UsageError, match="s3:///x names no bucket; give s3://bucket/prefix"), run_files("s3:///x"):
        pass


def test_a_folder_without_records_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")

    with pytest.raises(LabError, match=r"records\.jsonl is missing"), run_files(tmp_path):
        pass
