"""How a report's numbers were made: terms and their explanations."""

from facts import prices
from lab.analysis.model import Report
from lab.analysis.statistics import CONFIDENCE
from lab.analysis.wording import NOT_MEASURED, shown
from lab.records.json_values import Json
from lab.records.run_file import LocalEndpoint, Machine
from lab.report.brief import month


def how_measured(report: Report) -> list[tuple[str, str]]:
    """How the numbers were made: terms and their explanations, the most important first."""
    local = report.file.local
    return [
        ("Where", _where(report)),
        *([("Downstream", _downstream(local)), ("Start-up", _startup(local))] if local else []),
        ("Load", _load(report)),
        *([] if report.from_logs else [("Repetitions", _repetitions(report))]),
        ("Functions", _functions(report)),
        *([] if report.from_logs else [("Machine", _machine(report))]),
        _measure(report),
        (
            "Intervals",
            f"{CONFIDENCE * 100:.0f} %, over repetitions: each variant is paired with {shown(report.baseline, 24)} "
            "within a repetition, and the interval is Student's t. Fewer than two repetitions give no interval",
        ),
        (
            "Percentiles",
            "nearest rank, so each is a value that was measured. Those of latency and service time cover everything "
            "that was requested: a lost, failed or throttled invocation sorts after every answered one. Those of warm "
            "answers, ages and durations cover answers",
        ),
        (
            "Downstream calls",
            "every attempt, with retries. Calls that an environment made at init or after a restore count with its "
            "first invocation. A failed invocation has its calls only if its log was seen",
        ),
        (
            "Per invocation",
            "hit ratio, calls per 1,000 and cost are per invocation that ran, to an answer or to an error, as AWS's "
            "metric Invocations counts. Throttled and lost ones are not included",
        ),
        ("A month", _month(report)),
        ("Cost", _cost()),
        (
            "Limits",
            "the intervals are for this run on this machine. Milliseconds of another run can differ by some 4 % more; "
            "run again and use `lab compare`",
        ),
    ]


def _measure(report: Report) -> tuple[str, str]:
    if report.from_logs:
        return (
            "Duration",
            "of the function, as Lambda reported it in the log, without init, restore and other waits of the caller",
        )
    return (
        "Latency",
        "from the planned start of an invocation to its answer, so waiting counts (no coordinated omission). Service "
        "time counts from the sending. Time lost because this machine starts few environments at once is subtracted "
        "and shown as the start wait",
    )


def _repetitions(report: Report) -> str:
    count, concurrency = report.file.run.repetitions, report.file.settings.concurrency
    if count is None:
        return "none: one window. It describes, and gives no interval and no advice"
    together = f", {concurrency} requests of a variant together" if concurrency else ""
    if report.file.run.scenario == "burst":
        return f"{count}, each with environments of its own, which start as they are needed"
    return (
        f"{count}, each with environments of its own. Environments start first, then caches fill, then time is "
        f"measured{together}"
    )


def _month(report: Report) -> str:
    return (
        f"{month(report)}: the cost of warm invocations and of starts by these shares, and what is paid by the month "
        "(a SnapStart snapshot, provisioned concurrency). Set them with --volume and --cold-share"
    )


def _where(report: Report) -> str:
    instance = report.file.run.instance
    return _place(report) + ("" if instance is None else f"; instance {shown(instance, 16)}")


def _place(report: Report) -> str:
    if report.from_logs:
        return f"from the logs of the functions, whoever invoked them; target {shown(report.target)}"
    return {
        "local": "local: the functions as deployed, in execution environments on this machine, not on AWS",
        "aws": "AWS: the functions as deployed, invoked over the network by this machine",
        "simulated": "simulated: no function was run",
    }.get(report.target, shown(report.target))


def _downstream(local: LocalEndpoint) -> str:
    tiers = _joined(*(local.tiers or {}).items())
    profile = _profile("latency profile", local.profile, local.profile_text)
    return f"{profile}. Tiers: {tiers}" if tiers else profile


def _startup(local: LocalEndpoint) -> str:
    age = _unit(local.snapshot_age_s, "s old when the measured time began")
    profile = _profile("start-up profile", local.startup, local.startup_text)
    return f"{profile}. The youngest snapshot was {age}" if age else profile


def _profile(kind: str, name: str | None, text: str | None) -> str:
    if name is None:
        return f"{kind} not known"
    return f"{kind} {shown(name)}" + (f": {shown(text, 300)}" if text else "")


def _load(report: Report) -> str:
    settings, run = report.file.settings, report.file.run
    return _joined(
        ("scenario", run.scenario),
        ("source", run.source),
        ("rate", _unit(settings.rate, "a second for each variant")),
        ("duration", _unit(run.duration_s, "s")),
        ("keys", settings.keys),
        ("Zipf exponent", settings.skew),
        ("updates", _unit(settings.updates, "a second")),
        ("seed", run.seed),
        ("started", run.started_at),
    )


def _functions(report: Report) -> str:
    settings, local = report.file.settings, report.file.local
    return _joined(
        ("runtime", report.file.run.runtime),
        ("ran on Python", local.interpreter if local else None),
        ("memory", _unit(settings.memory_mb, "MB")),
        ("architecture", settings.architecture),
        ("TTL", _unit(settings.ttl_s, "s")),
    )


def _machine(report: Report) -> str:
    machine = report.file.run.machine or Machine()
    python = None if machine.python is None else f"python {machine.python}"
    known = (_unit(machine.cpus, "CPUs"), machine.cpu_model, _unit(machine.memory_gb, "GB memory"), machine.os, python)
    return ", ".join(shown(value) for value in known if value) or NOT_MEASURED


def _cost() -> str:
    return (
        f"AWS list prices in {prices.REGION}, read {prices.READ_ON}, first tier. Included: {prices.INCLUDED}. "
        f"Not included: {prices.EXCLUDED}"
    )


def _unit(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:g} {unit}"


def _joined(*pairs: tuple[str, Json]) -> str:
    return ", ".join(
        f"{shown(name, 30).replace('_', ' ')} {shown(value)}" for name, value in pairs if value is not None
    )
