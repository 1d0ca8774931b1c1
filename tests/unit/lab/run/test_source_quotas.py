"""Quotas of the source that the functions read, before a run on AWS: with answers as AWS documents them."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from lab.aws.connection import Connection
from lab.drive.schedule import plan_updates
from lab.errors import UsageError
from lab.run.settings import RunSettings
from lab.run.source_quotas import check_quotas

FIVE = ("no_cache", "module_cache", "ttl_cache", "tmp_cache", "snapstart")
Prepare = Callable[[str], Stubber]


@pytest.fixture
def stubbed(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prepare]:
    """Makes the one client that is used, and its stub."""
    made: list[Stubber] = []

    def prepare(service: str) -> Stubber:
        client = connection.client(service)
        monkeypatch.setattr(connection, "client", lambda _: client)
        made.append(Stubber(client))
        made[0].activate()
        return made[0]

    yield prepare
    for each in made:
        each.assert_no_pending_responses()


def asked(**more: Any) -> RunSettings:
    given: dict[str, Any] = {"variants": FIVE, "source": "ssm", "target": "aws", "repeat": None, "rate": 8.0}
    return RunSettings(**given | more)


def throughput(stub: Stubber, value: str) -> None:
    stub.add_response(
        "get_service_setting",
        {"ServiceSetting": {"SettingId": "id", "SettingValue": value}},
        {"SettingId": "/ssm/parameter-store/high-throughput-enabled"},
    )


def test_the_default_run_fits_parameter_stores_quotas_and_says_that_its_updates_are_paced(
    connection: Connection,
) -> None:
    assert check_quotas(asked(), connection, 0.0) == [
        "items are written at most 3 per second, AWS's default quota for PutParameter"
    ]


def test_more_than_three_updates_a_second_of_parameters_are_refused(connection: Connection) -> None:
    with pytest.raises(UsageError, match=r"--updates 4 is above .*3 PutParameter calls per second; give --updates 3"):
        check_quotas(asked(updates=4.0), connection, 0.0)


def test_a_baseline_that_must_be_throttled_by_parameter_store_is_refused(
    connection: Connection, stubbed: Prepare
) -> None:
    throughput(stubbed("ssm"), "false")

    with pytest.raises(
        UsageError,
        match=r"no_cache read 50 times .*40 GetParameter and .*give --rate 40 or less, or turn on higher throughput",
    ):
        check_quotas(asked(rate=50.0), connection, 0.0)


def test_a_burst_is_measured_by_its_busy_second(connection: Connection, stubbed: Prepare) -> None:
    throughput(stubbed("ssm"), "false")

    with pytest.raises(UsageError, match=r"--rate 20 makes no_cache read 80 times per second.*give --rate 10 or less"):
        check_quotas(asked(scenario="burst", rate=20.0), connection, 0.0)


def test_variants_that_may_be_throttled_together_are_a_warning_before_the_run(
    connection: Connection, stubbed: Prepare
) -> None:
    throughput(stubbed("ssm"), "false")

    (line,) = check_quotas(asked(rate=16.0, updates=0.0), connection, 0.0)

    assert line.startswith("all variants together read up to 80 times per second, and Parameter Store allows 40")


def test_higher_throughput_lifts_the_limit_of_reads(connection: Connection, stubbed: Prepare) -> None:
    throughput(stubbed("ssm"), "true")

    assert check_quotas(asked(rate=50.0, updates=0.0), connection, 0.0) == []


def test_who_may_not_read_the_throughput_setting_has_the_default(connection: Connection, stubbed: Prepare) -> None:
    stubbed("ssm").add_client_error("get_service_setting", "AccessDeniedException", "no", http_status_code=400)

    with pytest.raises(UsageError, match="40 GetParameter"):
        check_quotas(asked(rate=50.0), connection, 0.0)


def versions(stub: Stubber, key: str, recent: int, old: int = 0) -> None:
    now = datetime.datetime.now(datetime.UTC)
    ages = [datetime.timedelta(hours=1)] * recent + [datetime.timedelta(hours=30)] * old
    found = [{"VersionId": f"{number:032d}", "CreatedDate": now - age} for number, age in enumerate(ages)]
    expected = {"SecretId": f"cache-lab/{key}", "MaxResults": 100, "IncludeDeprecated": True}
    stub.add_response("list_secret_version_ids", {"Versions": found}, expected)


def secrets(**more: Any) -> RunSettings:
    return asked(**{"source": "secretsmanager", "keys": 1, "duration_s": 20.0} | more)


def test_a_run_says_how_many_versions_of_a_secret_it_uses(connection: Connection, stubbed: Prepare) -> None:
    versions(stubbed("secretsmanager"), "item-0000", recent=12, old=40)

    (line,) = check_quotas(secrets(), connection, 0.0)

    assert line.startswith(
        "the run uses up to 40 of the 100 versions that item-0000 can have in 24 hours (12 are there"
    )


@pytest.mark.parametrize(
    ("recent", "updates", "parts"),
    [
        (
            12,
            5.0,
            ["writes item-0000 up to 99 times", "`Versions per secret`", "12 are", "give --updates 4.44 or less"],
        ),
        (61, 2.0, ["writes item-0000 up to 40 times", "give --updates 1.95 or less, or wait until they are older"]),
        (100, 2.0, ["100 are there: give --updates 0, or wait"]),
    ],
)
def test_a_run_that_would_use_up_the_versions_of_a_secret_is_refused(
    connection: Connection, stubbed: Prepare, recent: int, updates: float, parts: list[str]
) -> None:
    versions(stubbed("secretsmanager"), "item-0000", recent=recent)

    with pytest.raises(UsageError) as raised:
        check_quotas(secrets(updates=updates), connection, 0.0)

    for part in parts:
        assert part in str(raised.value)


def test_two_updates_a_second_use_up_the_versions_of_the_most_requested_secret(
    connection: Connection, stubbed: Prepare
) -> None:
    """The issue's own case, with eight secrets: each run of 5 + 1 repetitions adds to the last ones'."""
    settings = secrets(keys=8, duration_s=60.0, repeat=5, fresh_environments=True)
    planned = Counter(update.key for number in range(6) for update in plan_updates(settings, number, 5.0))
    stub = stubbed("secretsmanager")
    for key, _ in planned.most_common(20):
        versions(stub, key, recent=60)

    with pytest.raises(UsageError, match=rf"writes item-0000 up to {planned['item-0000']} times"):
        check_quotas(settings, connection, 5.0)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_secret_that_is_not_there_or_not_to_be_listed_has_one_version(
    connection: Connection, stubbed: Prepare, code: str
) -> None:
    stubbed("secretsmanager").add_client_error("list_secret_version_ids", code, "no", http_status_code=400)

    assert "(1 are there" in check_quotas(secrets(), connection, 0.0)[0]


def test_a_run_too_short_for_one_update_of_a_secret_uses_no_quota(connection: Connection) -> None:
    assert check_quotas(secrets(updates=0.001), connection, 0.0) == []


@pytest.mark.parametrize(("source", "updates"), [("dynamodb", 2.0), ("s3", 2.0), ("secretsmanager", 0.0)])
def test_other_loads_ask_aws_nothing(connection: Connection, source: str, updates: float) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "Unexpected"}}, "any")

    connection._session.events.register("before-call", refused)

    assert check_quotas(asked(source=source, updates=updates, rate=500.0), connection, 0.0) == []
