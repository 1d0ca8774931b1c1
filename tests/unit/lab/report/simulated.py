"""Simulated runs of realistic shape: Poisson starts, Zipf keys, environments picked most recently used first, the five
caches in miniature. No function is run; the target says so."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from functions.registry import BASELINE, VARIANTS
from lab.records.record import Record
from lab.records.run_file import describe_variants

BEGAN = 1_790_000_000.0
TTL_S = 10.0
REPEATED_TTL_S = 1.0
CONCURRENCY = 3
START_S = 1.0
NAMES = ("no_cache", "module_cache", "ttl_cache", "tmp_cache", "snapstart")
"""Fixed, so that a new variant does not change what is simulated."""


@dataclasses.dataclass
class _Environment:
    identity: str
    free_at: float = 0.0
    invocations: int = 0
    cached: dict[int, tuple[int, float]] = dataclasses.field(default_factory=dict)


def simulated_records(
    *,
    variants: tuple[str, ...] = NAMES,
    rate: float = 20.0,
    duration_s: float = 10.0,
    keys: int = 50,
    updates: float = 2.0,
    seed: int = 1,
    downstream_ms: float = 6.0,
    target: str = "simulated",
) -> list[Record]:
    """Records of one window, in order of completion."""
    rng = np.random.default_rng(seed)
    weights = _zipf(keys)
    written = _written(rng, keys, duration_s, updates)
    records = []
    for variant in variants:
        starts = BEGAN + np.sort(rng.uniform(0, duration_s, round(rate * duration_s)))
        records += _drive(
            variant,
            starts=starts,
            keys=rng.choice(keys, size=starts.size, p=weights),
            written=written,
            rng=rng,
            downstream_ms=downstream_ms,
            target=target,
        )
    return sorted(records, key=lambda record: record.received_at or 0.0)


def repeated_records(
    *,
    variants: tuple[str, ...] = NAMES,
    repetitions: int = 5,
    rate: float = 20.0,
    steady_s: float = 4.0,
    keys: int = 12,
    updates: float = 2.0,
    seed: int = 1,
    downstream_ms: float = 6.0,
    own_ms: float = 0.5,
    target: str = "simulated",
) -> list[Record]:
    """Records of a run with repetitions: `CONCURRENCY` environments start, then as many requests are sent together."""
    rng = np.random.default_rng(seed)
    weights = _zipf(keys)
    written = _written(rng, keys, repetitions * (START_S + steady_s), updates)
    records: list[Record] = []
    for variant in variants:
        sequence = 0
        for repetition in range(repetitions):
            began = BEGAN + repetition * (START_S + steady_s)
            slots = began + START_S + np.arange(round(rate * steady_s / CONCURRENCY)) * CONCURRENCY / rate
            starts = np.repeat([began, *slots], CONCURRENCY)
            made = _drive(
                variant,
                starts=starts,
                keys=rng.choice(keys, size=starts.size, p=weights),
                written=written,
                rng=rng,
                downstream_ms=downstream_ms,
                target=target,
                ttl_s=REPEATED_TTL_S,
                own=own_ms,
            )
            for record in made:
                is_start = record.sequence < CONCURRENCY
                records.append(
                    dataclasses.replace(
                        record,
                        sequence=sequence,
                        environment_id=f"{record.environment_id}-{repetition}",
                        repetition=repetition,
                        phase="start" if is_start else "steady",
                        start_wait_ms=0.0,
                    )
                )
                sequence += 1
    return sorted(records, key=lambda record: record.received_at or 0.0)


def _zipf(keys: int) -> Any:
    weights = 1 / np.arange(1, keys + 1)
    return weights / weights.sum()


def _written(rng: np.random.Generator, keys: int, duration_s: float, updates: float) -> list[list[float]]:
    """When each version of each key was written."""
    written: list[list[float]] = [[BEGAN - 60.0] for _ in range(keys)]
    for at in np.sort(rng.uniform(0, duration_s, rng.poisson(updates * duration_s))):
        written[int(rng.choice(keys, p=_zipf(keys)))].append(BEGAN + float(at))
    return written


def _drive(
    variant: str,
    *,
    starts: Any,
    keys: Any,
    written: list[list[float]],
    rng: np.random.Generator,
    downstream_ms: float,
    target: str,
    ttl_s: float = TTL_S,
    own: float = 0.5,
) -> list[Record]:
    environments: list[_Environment] = []
    records = []
    for sequence, (planned, key) in enumerate(zip(starts, keys, strict=True)):
        sent = float(planned) + float(rng.exponential(0.0004))
        idle = [one for one in environments if one.free_at <= sent]
        environment = max(idle, key=lambda one: one.free_at, default=None)
        if environment is None:
            environment = _Environment(f"{variant}-{len(environments)}")
            environments.append(environment)
            if variant == "snapstart":
                environment.cached = {
                    each: (sum(at <= sent for at in written[each]) - 1, sent) for each in range(len(written))
                }
        environment.invocations += 1
        first = environment.invocations == 1
        restored = variant == "snapstart"
        init_ms = float(rng.normal(430, 25)) if first and not restored else None
        restore_ms = float(rng.normal(24, 4)) if first and restored else None
        held = environment.cached.get(int(key))
        fresh = held is not None and (variant == "module_cache" or sent - held[1] < ttl_s)
        hit = fresh and variant != "no_cache"
        read_ms = 0.0 if hit else float(rng.lognormal(np.log(downstream_ms), 0.3))
        own_ms = float(rng.lognormal(np.log(own + 0.4 if variant == "tmp_cache" else own), 0.25))
        duration_ms = own_ms + read_ms
        if not hit:
            environment.cached[int(key)] = (sum(at <= sent for at in written[int(key)]) - 1, sent)
        version, read_at = environment.cached[int(key)]
        service_ms = duration_ms + (init_ms or restore_ms or 0.0) + float(rng.lognormal(np.log(0.8), 0.3))
        received = sent + service_ms / 1000
        environment.free_at = received
        later = written[int(key)][version + 1 :]
        records.append(
            Record(
                run_id="simulated-run",
                target=target,
                variant=variant,
                sequence=sequence,
                key=f"item-{int(key):04d}",
                planned_at=float(planned),
                sent_at=sent,
                received_at=received,
                latency_ms=(received - float(planned)) * 1000,
                service_ms=service_ms,
                status="ok",
                request_id=f"{variant}-{sequence}",
                environment_id=environment.identity,
                invocation=environment.invocations,
                cold_start=first and not restored,
                restored=restored,
                init_ms=init_ms,
                restore_ms=restore_ms,
                duration_ms=duration_ms,
                billed_ms=float(np.ceil(duration_ms + (init_ms or restore_ms or 0.0))),
                memory_mb=256,
                max_memory_mb=71,
                cache="hit" if hit else "miss",
                downstream_calls=0 if hit else 1,
                downstream_ms=read_ms,
                age_ms=(sent - read_at) * 1000,
                version=version,
                staleness_ms=max(0.0, (sent - later[0]) * 1000) if later and later[0] <= sent else 0.0,
            )
        )
    return records


def run_content(
    records: list[Record], *, variants: tuple[str, ...] = NAMES, target: str = "simulated", duration_s: float = 10.0
) -> dict[str, Any]:
    """What ``run.json`` holds for these records: counts on the wire as the functions have them."""
    wire = {
        name: {
            "downstream_calls": sum(one.downstream_calls or 0 for one in records if one.variant == name),
            "downstream_errors": 0,
        }
        for name in variants
    }
    return {
        "schema_version": 2,
        "run": {
            "id": "simulated-run",
            "target": target,
            "scenario": "steady",
            "source": "dynamodb",
            "started_at": "2026-09-21T14:13:20Z",
            "duration_s": duration_s,
            "seed": 1,
            "runtime": "python3.14",
            "machine": {"cpus": 2, "cpu_model": "simulated", "memory_gb": 8, "os": "Linux", "python": "3.11.2"},
        },
        "settings": {
            "variants": list(variants),
            "rate": 20.0,
            "keys": 50,
            "skew": 1.0,
            "updates": 2.0,
            "ttl_s": TTL_S,
            "memory_mb": 256,
            "architecture": "x86_64",
        },
        "variants": [dataclasses.asdict(one) for one in describe_variants(VARIANTS, NAMES)],
        "baseline": BASELINE,
        "local": {
            "interpreter": "3.14.0",
            "profile": "dynamodb-us-east-1",
            "profile_text": "lognormal, median 6 ms",
            "tiers": {"isolation": "process"},
        },
        "wire": wire,
        "finished": True,
        "finished_at": "2026-09-21T14:13:41Z",
        "warnings": [],
    }


def write_run(run_dir: Path, records: list[Record], content: dict[str, Any]) -> Path:
    """Write a run's folder."""
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "records.jsonl").write_text("".join(record.to_json() + "\n" for record in records), encoding="utf-8")
    (run_dir / "run.json").write_text(json.dumps(content), encoding="utf-8")
    return run_dir


def repeated_content(
    records: list[Record],
    *,
    variants: tuple[str, ...] = NAMES,
    repetitions: int = 5,
    steady_s: float = 4.0,
    **more: Any,
) -> dict[str, Any]:
    """What ``run.json`` holds for records with repetitions."""
    content = run_content(records, variants=variants, duration_s=repetitions * steady_s, **more)
    content["run"]["repetitions"] = repetitions
    content["settings"] |= {"ttl_s": REPEATED_TTL_S, "concurrency": CONCURRENCY, "keys": 12}
    content["local"] |= {
        "startup": "python-arm64",
        "startup_text": "init 420 ms, restore 450 ms, assumed",
        "snapshot_age_s": 30.0,
    }
    length = START_S + steady_s
    content["repetitions"] = [
        {
            "number": number,
            "began_at": BEGAN + number * length - 1.5 * REPEATED_TTL_S,
            "measured_from": BEGAN + number * length + START_S,
            "measured_until": BEGAN + (number + 1) * length,
            "complete": True,
            "start_s": START_S,
            "cpu_pressure": 0.2,
            "cpu_busy": 0.4,
            "unplanned_starts": 0,
            "late_share": 0.0,
        }
        for number in range(repetitions)
    ]
    return content


def simulate_repeated(run_dir: Path, **settings: Any) -> Path:
    """A whole simulated run with repetitions, ready to report."""
    records = repeated_records(**settings)
    told = {name: settings[name] for name in ("variants", "target", "repetitions", "steady_s") if name in settings}
    return write_run(run_dir, records, repeated_content(records, **told))


def simulate(run_dir: Path, **settings: Any) -> Path:
    """A whole simulated run, ready to report."""
    records = simulated_records(**settings)
    told = {name: settings[name] for name in ("variants", "target", "duration_s") if name in settings}
    return write_run(run_dir, records, run_content(records, **told))
