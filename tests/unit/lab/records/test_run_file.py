"""`run.json`: one type, one writer, one reader that accepts every version and what is damaged."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from facts.warnings import WarningCode
from functions.registry import BASELINE, VARIANTS
from lab.errors import LabError, UsageError
from lab.records.dashboards_file import DashboardBody, dashboards_to_json, read_dashboards
from lab.records.record import Record, record_rows
from lab.records.run_file import (
    AwsObservations,
    CpuLoad,
    LocalEndpoint,
    Machine,
    MeasuredSettings,
    RunFile,
    RunIdentity,
    RunWarning,
    TableReads,
    WireCounts,
    describe_variants,
    read_run,
    run_file_rows,
    run_from,
    run_warning,
)

WHOLE = RunFile(
    run=RunIdentity(
        id="r", target="aws", instance="anna", duration_s=1.5, seed=1, machine=Machine(cpus=2, memory_gb=23.5)
    ),
    settings=MeasuredSettings(variants=("no_cache", "ttl_cache"), ttl_s=10.0, context={"keys": "9"}),
    variants=describe_variants(VARIANTS, ["ttl_cache", "no_cache"]),
    baseline=BASELINE,
    local=LocalEndpoint(interpreter="3.14.0", tiers={"isolation": "process"}),
    cpu=CpuLoad(seconds=20, full_seconds=3),
    wire={"no_cache": WireCounts(downstream_calls=7, downstream_errors=0)},
    aws=AwsObservations(region="eu-west-1", downstream=TableReads(cloudwatch_operations={"GetItem": 3})),
    finished=True,
    finished_at="2026-11-21T10:51:25.767+00:00",
    warnings=(RunWarning("collected", "m", "a"),),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(WHOLE.to_json())

    assert read_run(tmp_path) == WHOLE
    assert [one.name for one in WHOLE.variants] == ["no_cache", "ttl_cache"]
    assert "damaged" not in json.loads(WHOLE.to_json())


def test_version_1_is_read_with_names_for_titles_and_colours_of_a_palette() -> None:
    run = run_from({"schema_version": 1, "run": {"id": "old"}, "settings": {"variants": ["no_cache", "mine"]}})

    assert (run.run.id, run.run.instance, run.baseline, run.damaged) == ("old", None, "no_cache", ())
    assert [(one.name, one.title, one.bound) for one in run.variants] == [
        ("no_cache", "no_cache", None),
        ("mine", "mine", None),
    ]
    assert len({one.color for one in run.variants}) == 2
    assert run.variant("another").title == "another"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("settings.ttl_s", "ten"),
        ("settings.ttl_s", math.nan),
        ("settings.ttl_s", True),
        ("settings.keys", 1.5),
        ("settings.variants.1", 7),
        ("run.machine.cpus", math.inf),
        ("run.machine", [1]),
        ("run.id", {}),
        ("variants.0.bound", "forever"),
        ("wire.no_cache.downstream_calls", "7"),
        ("aws.downstream.cloudwatch_operations.GetItem", None),
        ("finished", "yes"),
        ("warnings.0", 7),
        ("settings", None),
    ],
)
def test_a_damaged_value_is_absent_and_its_place_is_known(path: str, value: Any) -> None:
    content = json.loads(WHOLE.to_json())
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    inner = content
    for step in steps:
        inner = inner[step]
    inner[last] = value

    run = run_from(content)
    assert run.damaged == (path,)
    assert run.schema_version == 2


def test_unknown_fields_are_ignored_and_missing_ones_are_not_known() -> None:
    run = run_from({"run": {"later": 1}, "settings": {}, "later": [1]})

    assert run == RunFile(schema_version=2)


def test_a_colour_is_a_colour_or_grey() -> None:
    run = run_from({"run": {}, "settings": {}, "variants": [{"name": "a", "color": "red;}</style>"}]})

    assert run.variants[0].color == "#8a8f98"


@pytest.mark.parametrize(("text", "error"), [("[]", LabError), ("{", LabError), ('{"schema_version": 3}', UsageError)])
def test_what_is_no_run_file_is_one_clear_line(tmp_path: Path, text: str, error: type[LabError]) -> None:
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(error, match=r"run\.json") as refused:
        read_run(tmp_path)
    assert "\n" not in str(refused.value)


def test_every_field_of_both_files_is_documented() -> None:
    names = [row.name for row in run_file_rows()]

    assert all(row.type and row.meaning for row in (*run_file_rows(), *record_rows()))
    assert {"run.machine.cpus", "variants[].bound", "wire.<name>.downstream_calls"} <= {*names}
    assert len(names) == len({*names})
    assert [row.name for row in record_rows()] == [*json.loads(_record().to_json())]


def _record() -> Record:
    values: dict[str, Any] = {field.name: None for field in dataclasses.fields(Record)}
    return Record(**values)


def test_dashboards_are_read_as_they_are_written(tmp_path: Path) -> None:
    dashboards = [DashboardBody("comparison", '{"widgets": []}'), DashboardBody("one", "{}")]
    assert read_dashboards(tmp_path) == []
    (tmp_path / "dashboards.json").write_text(dashboards_to_json(dashboards))

    assert read_dashboards(tmp_path) == dashboards
    (tmp_path / "dashboards.json").write_text('[{"name": "x"}]')
    with pytest.raises(LabError, match=r"dashboards\.json is damaged"):
        read_dashboards(tmp_path)


def test_no_warning_has_an_account_number() -> None:
    refusal = "User: arn:aws:iam::111122223333:user/lab is not authorized; 1234567890123 is not an account"

    assert run_warning(WarningCode.NOT_AWS, refusal, "b").message == (
        "User: arn:aws:iam::<account>:user/lab is not authorized; 1234567890123 is not an account"
    )
