"""The answer in a few short sentences, and how it was measured."""

from facts import prices
from lab.analysis.model import Report
from lab.analysis.wording import NOT_MEASURED, shown, whole
from lab.records.json_values import Json
from lab.records.run_file import LocalEndpoint, Machine


def answer(report: Report) -> str:
    """What to use, or why the run cannot say, in one sentence."""
    return report.advice.sentence


def how_measured(report: Report) -> list[tuple[str, str]]:
    """How the numbers were made: terms and their explanations."""
    return [
        ("Where", _where(report)),
        *([("Downstream", _downstream(report))] if report.file.local else []),
        ("Load", _load(report)),
        ("Functions", _functions(report)),
        *([] if report.from_logs else [("Machine", _machine(report))]),
        _measure(report),
        (
            "Percentiles",
            "nearest rank, of all that was requested: what was not answered comes after every answer. The 95 % "
            "intervals are over repetitions",
        ),
        (
            "Downstream calls",
            "every attempt, with retries. Calls that an environment made at init or after a restore count with its "
            "first invocation. A failed invocation has its calls only if its log was seen",
        ),
        (
            "Per invocation",
            "hit ratio, calls per 1,000 and cost are per invocation that ran, to an answer or to an error, as AWS's "
            "metric Invocations counts. Throttled and lost ones are not included. A failed one is not a hit, and is "
            "billed as on AWS",
        ),
        (
            "Limits",
            "the intervals are for this run on this machine. They do not show how much a few environments differ for "
            "a whole run, or one run from the next. Run again and use `lab compare`",
        ),
        ("Cost", _cost(report)),
    ]


def _measure(report: Report) -> tuple[str, str]:
    if report.from_logs:
        return (
            "Duration",
            "of the function, as Lambda reported it in the log, without init, restore and other waits of the caller. "
            "Of answered invocations, all starts together",
        )
    return (
        "Latency",
        "from the planned start of an invocation to its answer, so waiting counts (no coordinated omission). Service "
        "time counts from the sending. All starts together unless the table says otherwise",
    )


def _where(report: Report) -> str:
    if report.from_logs:
        return f"from the logs of the functions, whoever invoked them; target {shown(report.target)}"
    return {
        "local": "local: the functions as deployed, in execution environments on this machine, not on AWS",
        "aws": "AWS: the functions as deployed, invoked over the network by this machine",
        "simulated": "simulated: no function was run",
    }.get(report.target, shown(report.target))


def _downstream(report: Report) -> str:
    local = report.file.local or LocalEndpoint()
    text = local.profile_text
    profile = f"latency profile {shown(report.profile)}" + (f": {shown(text, 300)}" if text else "")
    tiers = _joined(*(local.tiers or {}).items())
    return f"{profile}. Tiers: {tiers}" if tiers else profile


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


def _cost(report: Report) -> str:
    text = (
        f"AWS list prices in {prices.REGION}, read {prices.READ_ON}, first tier. Included: {prices.INCLUDED}. "
        f"Not included: {prices.EXCLUDED}"
    )
    restored = next((one for one in report.variants if one.restores and one.memory_mb), None)
    if restored is None or restored.memory_mb is None:
        return text
    kept = prices.snapshot_per_month(restored.memory_mb)
    return f"{text}. Keeping one version's snapshot of {whole(restored.memory_mb)} MB: ${kept:.2f} for 30 days"


def _unit(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:g} {unit}"


def _joined(*pairs: tuple[str, Json]) -> str:
    return ", ".join(
        f"{shown(name, 30).replace('_', ' ')} {shown(value)}" for name, value in pairs if value is not None
    )
