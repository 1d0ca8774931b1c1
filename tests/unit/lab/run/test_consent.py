"""What the user reads before a run on AWS."""

import dataclasses

import pytest

from facts import prices
from lab.aws.account import Caller
from lab.deploy.deployment import Deployment
from lab.fleet.fleet_window import LEAD_S
from lab.run.consent import ASSUMED_RESTORES, before_run, run_cost
from lab.run.settings import RunSettings

CALLER = Caller("111122223333", "eu-central-1", None)
DEPLOYMENT = Deployment("python3.14", 1024, "arm64", "dynamodb", 10.0, 10.0, {})


def settings(*variants: str) -> RunSettings:
    return RunSettings(variants=variants, rate=100, concurrency=1, duration_s=100, repeat=None, updates=1, target="aws")


def test_the_cost_of_a_run() -> None:
    per_million = 0.2 + 0.1 * 1e6 * prices.LAMBDA_GB_SECOND["arm64"].usd + 1e6 * prices.READ["dynamodb"].usd
    restores = 1e6 * ASSUMED_RESTORES * prices.SNAPSTART_RESTORE.usd

    assert run_cost(settings("no_cache"), DEPLOYMENT) == pytest.approx(per_million / 100)
    assert run_cost(settings("no_cache", "snapstart"), DEPLOYMENT) == pytest.approx((2 * per_million + restores) / 100)
    assert run_cost(settings("no_cache"), DEPLOYMENT._replace(architecture="riscv")) is None


@pytest.mark.parametrize("limit", [10, None])
def test_a_run_tells_where_how_much_and_at_what_cost(limit: int | None) -> None:
    said = "\n".join(before_run(CALLER, settings("no_cache", "ttl_cache"), DEPLOYMENT, limit))

    for part in ("AWS account 111122223333, region eu-central-1", "20,000 invocations", "100 updates", "about US$ 0.0"):
        assert part in said
    assert ("10 concurrent executions" in said) == (limit is not None)


def test_a_fleet_is_told_and_charged_for() -> None:
    asked = dataclasses.replace(settings("no_cache"), fleet=4)
    gb_seconds = 4 * (100 + LEAD_S) * 1769 / 1024

    assert run_cost(asked, DEPLOYMENT) == pytest.approx(
        (run_cost(settings("no_cache"), DEPLOYMENT) or 0.0) + gb_seconds * prices.LAMBDA_GB_SECOND["arm64"].usd
    )
    assert "by 4 driver functions" in "\n".join(before_run(CALLER, asked, DEPLOYMENT, None))


@pytest.mark.parametrize("limit", [10, None])
def test_the_consent_text_has_the_fleets_own_concurrency(limit: int | None) -> None:
    said = "\n".join(before_run(CALLER, dataclasses.replace(settings("no_cache"), fleet=4), DEPLOYMENT, limit))

    assert "the fleet itself takes 4 of the account's concurrent executions" in said
    assert "fleet itself" not in "\n".join(before_run(CALLER, settings("no_cache"), DEPLOYMENT, limit))


def test_what_runs_on_provisioned_concurrency_is_estimated_at_its_price() -> None:
    kept = DEPLOYMENT._replace(provisioned_concurrency={"no_cache": 2})
    saved = 0.1 * (prices.LAMBDA_GB_SECOND["arm64"].usd - prices.PROVISIONED_DURATION_GB_SECOND["arm64"].usd)

    for variant, less in (("no_cache", saved * 10_000), ("ttl_cache", 0.0)):
        on_demand = run_cost(settings(variant), DEPLOYMENT) or 0.0
        assert run_cost(settings(variant), kept) == pytest.approx(on_demand - less)


def test_repetitions_with_environments_of_their_own_are_told_and_charged_for() -> None:
    asked = dataclasses.replace(settings("no_cache", "ttl_cache"), repeat=5, fresh_environments=True)
    said = "\n".join(before_run(CALLER, asked, DEPLOYMENT, None))

    # 15 s of settling (one and a half TTLs), 20 s measured, 100 a second, and one that starts the environment.
    assert "35,010 invocations (3,501 of each of 2 variants, in 5 repetitions)" in said
    assert "10 versions of the functions are published" in said
    assert "one more is done" in said
    assert "published" not in "\n".join(before_run(CALLER, settings("no_cache"), DEPLOYMENT, None))


def test_the_cost_of_repetitions_has_the_snapshots_of_their_versions() -> None:
    asked = dataclasses.replace(settings("snapstart"), repeat=5, fresh_environments=True)
    few = dataclasses.replace(asked, rate=1, concurrency=10, duration_s=50)  # settles once, serves once: 30 each
    per_million = 0.2 + 0.1 * 1e6 * prices.LAMBDA_GB_SECOND["arm64"].usd + 1e6 * prices.READ["dynamodb"].usd
    restores = 1e6 * prices.SNAPSTART_RESTORE.usd
    snapshots = 5 * 3 * 3600 * prices.SNAPSTART_CACHE.usd

    assert run_cost(asked, DEPLOYMENT) == pytest.approx(
        (per_million + ASSUMED_RESTORES * restores) * 5 * 3_501 / 1e6 + snapshots
    )
    assert run_cost(few, DEPLOYMENT) == pytest.approx((per_million + restores / 3) * 5 * 30 / 1e6 + snapshots)


def test_secrets_are_told_with_their_monthly_charge() -> None:
    asked = dataclasses.replace(settings("no_cache"), source="secretsmanager", keys=30)

    assert "30 secrets cost about US$ 12.00 per month" in "\n".join(before_run(CALLER, asked, DEPLOYMENT, None))


def test_a_place_that_is_not_aws_is_called_so() -> None:
    assert "at http://127.0.0.1:4566, which is not AWS" in str(CALLER._replace(elsewhere="http://127.0.0.1:4566"))
    assert "not AWS" not in str(CALLER)
