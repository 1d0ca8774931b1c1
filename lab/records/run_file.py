"""``run.json``: what a run was, and all that its report and its dashboards need beside the records.

`RunFile` is the one type of the file, `RunFile.to_json` its one writer and `read_run` its one reader. Version 1 had no
``variants``, ``baseline`` and ``cpu``: titles are then the names, colours come from a palette, bounds are not known.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

from facts.bounds import Bound
from facts.warnings import WarningCode
from lab.errors import LabError, UsageError
from lab.records.fields import FieldRow, Meaning, decode, field_rows
from lab.records.json_values import Json

RUN_FILE: Final = "run.json"
SCHEMA_VERSION: Final = 2
VERSIONS: Final = (1, SCHEMA_VERSION)
FULL_SHARE: Final = 0.95
"""Busy share of all CPUs together from which a second counts as full."""
LATE_MS: Final = 10.0
"""An invocation that is sent more than this after its planned start is late."""
MOST_BAD: Final = 1
"""So many bad repetitions are repeated. With one more, the run ends and cannot be judged."""

_BASELINE_OF_VERSION_1: Final = "no_cache"
_PALETTE: Final = ("#595959", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Dark grey, then the colours of Okabe and Ito."""
_OTHER_COLOR: Final = "#8a8f98"
_COLOR: Final = re.compile("#[0-9a-fA-F]{6}")
_ACCOUNT: Final = re.compile(r"\b\d{12}\b")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine that sent the invocations."""

    cpus: Annotated[int | None, Meaning("CPUs that the driver may use")] = None
    cpu_model: Annotated[str | None, Meaning("the processor's name")] = None
    memory_gb: Annotated[float | None, Meaning("memory", "GiB")] = None
    os: Annotated[str | None, Meaning("operating system and its release")] = None
    python: Annotated[str | None, Meaning("version of the Python that drove")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """Which run it is."""

    id: Annotated[str | None, Meaning("name of the run, and of its folder")] = None
    target: Annotated[str | None, Meaning("`local` or `aws`; `simulated` in tests")] = None
    instance: Annotated[str | None, Meaning("instance of the application; null: the one without a name")] = None
    via: Annotated[str | None, Meaning("how functions are invoked: `invoke` or `url`")] = None
    fleet: Annotated[int | None, Meaning("driver functions that sent the invocations; 0: this machine did")] = None
    scenario: Annotated[str | None, Meaning("`steady`, `burst` or `outage`; `collected`: made from logs")] = None
    source: Annotated[str | None, Meaning("what the functions read from: `dynamodb`, `ssm`, …")] = None
    started_at: Annotated[str | None, Meaning("when the run started", "ISO 8601")] = None
    duration_s: Annotated[float | None, Meaning("measured time, of all repetitions together", "s")] = None
    repetitions: Annotated[
        int | None, Meaning("planned repetitions, each with environments of its own; null: blocks of one window")
    ] = None
    seed: Annotated[int | None, Meaning("fixes arrivals, keys and updates")] = None
    runtime: Annotated[str | None, Meaning("Lambda runtime of the functions")] = None
    machine: Annotated[Machine | None, Meaning("the machine that sent the invocations")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSettings:
    """The load, and the settings of the functions as they are deployed."""

    variants: Annotated[tuple[str, ...], Meaning("names of the variants that were driven")] = ()
    rate: Annotated[float | None, Meaning("mean invocations of each variant", "1/s")] = None
    concurrency: Annotated[int | None, Meaning("requests of a variant that `steady` sends together")] = None
    keys: Annotated[int | None, Meaning("number of items")] = None
    skew: Annotated[float | None, Meaning("exponent of the Zipf law by which keys are drawn; 0 is uniform")] = None
    updates: Annotated[float | None, Meaning("mean item updates", "1/s")] = None
    ttl_s: Annotated[float | None, Meaning("time to live of a cached item", "s")] = None
    memory_mb: Annotated[int | None, Meaning("memory of each function", "MB")] = None
    architecture: Annotated[str | None, Meaning("`arm64` or `x86_64`")] = None
    provisioned_concurrency: Annotated[
        Mapping[str, int] | None, Meaning("environments that Lambda keeps initialized, by variant")
    ] = None
    context: Annotated[Mapping[str, str] | None, Meaning("application settings given with `--context`, by name")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VariantDescription:
    """A variant, as the registry described it when the run was made."""

    name: Annotated[str, Meaning("its name in the records")] = ""
    title: Annotated[str, Meaning("its name for people")] = ""
    color: Annotated[str, Meaning("its colour in pictures", "#RRGGBB")] = _OTHER_COLOR
    summary: Annotated[str, Meaning("its pattern, in one sentence")] = ""
    staleness: Annotated[str, Meaning("its price in stale data, in one phrase")] = ""
    choose_when: Annotated[str, Meaning("when it is the right choice, in one phrase")] = ""
    bound: Annotated[Bound | None, Meaning("what limits its staleness; null: not known")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocalEndpoint:
    """The local endpoint that ran the functions."""

    interpreter: Annotated[str | None, Meaning("version of the Python that ran the functions")] = None
    profile: Annotated[str | None, Meaning("name of the downstream latency profile")] = None
    profile_text: Annotated[str | None, Meaning("the profile, in one sentence")] = None
    startup: Annotated[str | None, Meaning("name of the start-up profile")] = None
    startup_text: Annotated[str | None, Meaning("the start-up profile, in one sentence")] = None
    snapshot_age_s: Annotated[
        float | None, Meaning("age of the youngest snapshot when the measured time began; null: there was none", "s")
    ] = None
    tiers: Annotated[Mapping[str, str] | None, Meaning("how isolation and limits are kept on this machine")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """One repetition of a run: environments of its own start, caches fill, then time is measured."""

    number: Annotated[int, Meaning("its number in the records, from 0")] = 0
    began_at: Annotated[float | None, Meaning("when its first environment was started", "Unix seconds")] = None
    measured_from: Annotated[float | None, Meaning("when its measured time began", "Unix seconds")] = None
    measured_until: Annotated[float | None, Meaning("when its measured time ended", "Unix seconds")] = None
    fault_from: Annotated[
        float | None, Meaning("when the scenario began to fail calls; null: never", "Unix seconds")
    ] = None
    fault_until: Annotated[float | None, Meaning("when it ceased to", "Unix seconds")] = None
    complete: Annotated[bool, Meaning("whether all of it was sent and answered, or given up")] = False
    start_s: Annotated[float | None, Meaning("how long the start of its environments took", "s")] = None
    cpu_pressure: Annotated[
        float | None, Meaning("share of the measured time in which something waited for a processor")
    ] = None
    cpu_busy: Annotated[float | None, Meaning("busy share of all CPUs in the measured time")] = None
    unplanned_starts: Annotated[int | None, Meaning("environments that started in the settled or measured time")] = None
    late_share: Annotated[float | None, Meaning("share of the invocations sent late")] = None
    problem: Annotated[str | None, Meaning("why it is not used; null: it is used")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CpuLoad:
    """How busy the machine was during the window."""

    seconds: Annotated[int, Meaning("seconds in which the load of all CPUs was read")] = 0
    full_seconds: Annotated[int, Meaning(f"those in which the CPUs were busy for {FULL_SHARE:.0%} or more")] = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WireCounts:
    """What the local endpoint saw of a variant's downstream calls during the window."""

    downstream_calls: Annotated[int | None, Meaning("requests that the variant sent downstream")] = None
    downstream_errors: Annotated[int | None, Meaning("those that got no answer, or HTTP status 400 or more")] = None
    read_units: Annotated[float | None, Meaning("read units that DynamoDB's answers state", "units")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TableReads:
    """Downstream calls as the functions count them, and as CloudWatch's metrics of the table do."""

    functions_calls: Annotated[int | None, Meaning("calls by the functions' own count")] = None
    functions_errors: Annotated[
        int | None, Meaning("the functions' reads that failed: CloudWatch's metrics have the successful ones only")
    ] = None
    cloudwatch_calls: Annotated[int | None, Meaning("reads by CloudWatch's metrics of the table")] = None
    cloudwatch_operations: Annotated[Mapping[str, int] | None, Meaning("these reads by operation")] = None
    functions_read_units: Annotated[float | None, Meaning("read units by the functions' own count", "units")] = None
    cloudwatch_read_units: Annotated[float | None, Meaning("read units by CloudWatch's metrics", "units")] = None
    cloudwatch_whole: Annotated[bool | None, Meaning("whether CloudWatch's metrics were complete")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AwsObservations:
    """What a run on AWS observed beside its records."""

    region: Annotated[str | None, Meaning("region of the functions")] = None
    endpoint_url: Annotated[str | None, Meaning("address that replaces AWS's own; null: none does")] = None
    clock_difference_ms: Annotated[float | None, Meaning("AWS's clock less this machine's", "ms")] = None
    clock_uncertainty_ms: Annotated[float | None, Meaning("uncertainty of that difference", "ms")] = None
    sdk_retries: Annotated[int | None, Meaning("requests of the lab itself that were sent again")] = None
    downstream: Annotated[TableReads | None, Meaning("DynamoDB's own count of the reads")] = None


@dataclasses.dataclass(frozen=True, slots=True)
class RunWarning:
    """Something that limits what the numbers show, and the next step."""

    code: Annotated[str, Meaning("which warning: see the list of codes")] = ""
    message: Annotated[str, Meaning("what limits the numbers")] = ""
    advice: Annotated[str, Meaning("the next step")] = ""


def run_warning(code: WarningCode, message: str, advice: str) -> RunWarning:
    """A warning without the account number that AWS's refusals contain in ARNs: runs are shown to others."""
    return RunWarning(code, _ACCOUNT.sub("<account>", message), advice)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """The content of ``run.json``. None: not known.

    Attributes:
        damaged: paths of the values that could not be read; not part of the file.
    """

    schema_version: Annotated[int, Meaning("version of this file")] = SCHEMA_VERSION
    run: Annotated[RunIdentity, Meaning("which run it is")] = RunIdentity()
    settings: Annotated[MeasuredSettings, Meaning("the load and the functions' settings")] = MeasuredSettings()
    variants: Annotated[tuple[VariantDescription, ...], Meaning("the variants, in the registry's order")] = ()
    baseline: Annotated[str, Meaning("the variant that the others are compared to")] = _BASELINE_OF_VERSION_1
    local: Annotated[LocalEndpoint | None, Meaning("the local endpoint; null on AWS")] = None
    repetitions: Annotated[tuple[Repetition, ...], Meaning("every repetition, the bad ones too")] = ()
    cpu: Annotated[CpuLoad | None, Meaning("how busy the machine was; null: not measured")] = None
    wire: Annotated[Mapping[str, WireCounts] | None, Meaning("downstream calls on the wire, by variant")] = None
    aws: Annotated[AwsObservations | None, Meaning("what only a run on AWS observes")] = None
    finished: Annotated[bool, Meaning("whether the run ended by itself")] = False
    finished_at: Annotated[str | None, Meaning("when it ended", "ISO 8601")] = None
    warnings: Annotated[tuple[RunWarning, ...], Meaning("warnings that only the run itself could give")] = ()
    damaged: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The text of the file."""
        content = dataclasses.asdict(self)
        del content["damaged"]
        return json.dumps(content, indent=2) + "\n"

    def variant(self, name: str) -> VariantDescription:
        """The description of a variant; of one that the file does not describe, its name and a grey colour."""
        found = next((one for one in self.variants if one.name == name), None)
        return found or VariantDescription(name=name, title=name)


def run_file_rows() -> list[FieldRow]:
    """The reference of ``run.json``: a row a field."""
    return list(field_rows(RunFile))


def no_run(place: object, missing: str) -> NoReturn:
    """Raise the error of a folder, or another place, that holds no run.

    Raises:
        UsageError: always.
    """
    raise UsageError(f"no run at {place}: {missing} is missing; give the folder that `lab run` wrote")


def read_run(run_dir: Path) -> RunFile:
    """Read a run's ``run.json``, of any version. Damaged values are absent, and listed in ``damaged``.

    Raises:
        UsageError: the file is missing, or of a version that this lab does not know.
        LabError: it is not a JSON object.
    """
    path = run_dir / RUN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        no_run(run_dir, RUN_FILE)
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise LabError(f"{path} is not a JSON object")
    version = content.get("schema_version", 1)
    if version not in VERSIONS:
        raise UsageError(
            f"{path} has schema_version {str(version)[:40]!r}, and this lab reads {' and '.join(map(str, VERSIONS))};"
            " use the lab that wrote it"
        )
    return run_from(content)


def run_from(content: dict[str, Json]) -> RunFile:
    """The run that the content of a ``run.json`` describes."""
    run, damaged = decode(RunFile, content)
    damaged = (*(name for name in ("run", "settings") if name not in content), *damaged)
    described = run.variants or _described(run.settings.variants)
    checked = tuple(
        one if _COLOR.fullmatch(one.color) else dataclasses.replace(one, color=_OTHER_COLOR) for one in described
    )
    return dataclasses.replace(run, variants=checked, damaged=damaged)


def _described(names: Iterable[str]) -> tuple[VariantDescription, ...]:
    """Variants of version 1, of which only the names are known."""
    return tuple(
        VariantDescription(name=name, title=name, color=_PALETTE[place] if place < len(_PALETTE) else _OTHER_COLOR)
        for place, name in enumerate(names)
    )


def describe_variants(registry: Iterable[Any], names: Iterable[str]) -> tuple[VariantDescription, ...]:
    """The descriptions of the named variants, from the entries of ``functions.registry``, in their order.

    Args:
        registry: objects with the attributes of `VariantDescription`.
        names: the variants of the run.
    """
    wanted = set(names)
    fields = [field.name for field in dataclasses.fields(VariantDescription)]
    return tuple(
        VariantDescription(**{name: getattr(entry, name) for name in fields})
        for entry in registry
        if entry.name in wanted
    )
