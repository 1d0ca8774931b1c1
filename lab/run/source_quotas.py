"""Before a run on AWS: whether its load fits the default quotas of the source that the functions read."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from facts.quotas import HIGHER_THROUGHPUT, PARAMETER_READS, PARAMETER_WRITES, SECRET_VERSION_S, SECRET_VERSIONS
from functions.registry import BASELINE
from lab.aws.connection import Connection
from lab.aws.errors import DENIED, aws_errors, error_code
from lab.drive.schedule import peak_rate, plan_updates
from lab.errors import UsageError
from lab.records.run_file import MOST_BAD
from lab.run.settings import RunSettings

CHECKED: Final = 20
"""Secrets that are looked at: those with the most updates. The most requested ones have them in every run."""


def check_quotas(settings: RunSettings, connection: Connection, settle_s: float) -> list[str]:
    """Say how much of a quota the run uses. Changes nothing.

    Args:
        settings: the run's.
        connection: the target.
        settle_s: how long caches fill in each repetition, seconds.

    Raises:
        UsageError: the run must exceed a quota; names it and the remedy.
        LabError: AWS does not answer.
    """
    if settings.source == "ssm":
        return list(_parameters(settings, connection))
    if settings.source == "secretsmanager" and settings.updates:
        return list(_secrets(settings, connection, settle_s))
    return []


def _parameters(settings: RunSettings, connection: Connection) -> Iterator[str]:
    if settings.updates > PARAMETER_WRITES:
        raise UsageError(
            f"--updates {settings.updates:g} is above AWS's quota for Parameter Store, {PARAMETER_WRITES} PutParameter"
            f" calls per second; give --updates {PARAMETER_WRITES} or less"
        )
    each, most = peak_rate(settings), len(settings.variants) * peak_rate(settings)
    quota = f"Parameter Store allows {PARAMETER_READS} GetParameter and GetParameters calls per second by default"
    if most > PARAMETER_READS and not _has_higher_throughput(connection):
        if BASELINE in settings.variants and each > PARAMETER_READS:
            fitting = math.floor(settings.rate * PARAMETER_READS / each)
            raise UsageError(
                f"--rate {settings.rate:g} makes {BASELINE} read {each:g} times per second, and {quota}; give --rate"
                f" {fitting} or less, or turn on higher throughput"
            )
        yield (
            f"all variants together read up to {most:g} times per second, and {quota}: calls above it are throttled,"
            " and the report says so"
        )
    if settings.updates:
        yield f"items are written at most {PARAMETER_WRITES} per second, AWS's default quota for PutParameter"


def _has_higher_throughput(connection: Connection) -> bool:
    """Whether the account has it; False where the caller may not read the setting."""
    with aws_errors("read the throughput setting of Parameter Store"):
        try:
            answer = connection.client("ssm").get_service_setting(SettingId=HIGHER_THROUGHPUT)
        except ClientError:
            return False  # also of an emulator that has no such setting
    return bool(answer["ServiceSetting"]["SettingValue"] == "true")


def _secrets(settings: RunSettings, connection: Connection, settle_s: float) -> Iterator[str]:
    repetitions = 1 if settings.repeat is None else settings.repeat + MOST_BAD
    planned = Counter(
        update.key for number in range(repetitions) for update in plan_updates(settings, number, settle_s)
    )
    if not planned:
        return
    client = connection.client("secretsmanager")
    used = {key: _recent_versions(client, settings.names.secret_name(key)) for key, _ in planned.most_common(CHECKED)}
    key = max(used, key=lambda each: used[each] + planned[each])
    quota = f"AWS keeps each version of a secret for 24 hours, {SECRET_VERSIONS} at most"
    if used[key] + planned[key] > SECRET_VERSIONS:
        fitting = settings.updates * max(0, SECRET_VERSIONS - used[key]) / planned[key]
        lower = f"give --updates {math.floor(fitting * 100) / 100:g} or less" if fitting >= 0.01 else "give --updates 0"
        raise UsageError(
            f"the run writes {key} up to {planned[key]:,} times, and {quota} (quota `Versions per secret`);"
            f" {used[key]} are there: {lower}, or wait until they are older"
        )
    yield (
        f"the run uses up to {planned[key]} of the {SECRET_VERSIONS} versions that {key} can have in 24 hours"
        f" ({used[key]} are there; {quota})"
    )


def _recent_versions(client: Any, secret: str) -> int:
    """How many versions of a secret cannot be removed yet; 1 of one that the run will create.

    One answer lists 100 versions, which is the quota. A caller who may not list them is taken to have no others.
    """
    with aws_errors(f"list the versions of {secret}"):
        try:
            found = client.list_secret_version_ids(SecretId=secret, MaxResults=100, IncludeDeprecated=True)["Versions"]
        except ClientError as error:
            if error_code(error) not in DENIED | {"ResourceNotFoundException"}:
                raise
            return 1
    since = time.time() - SECRET_VERSION_S
    return sum(bool(each.get("VersionStages")) or each["CreatedDate"].timestamp() > since for each in found)
