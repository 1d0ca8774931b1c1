"""What is told before anything is done on AWS."""

import dataclasses

import pytest

from facts import prices
from lab.aws.account import Caller
from lab.deploy.deployment import Deployment
from lab.fleet.fleet_window import LEAD_S
from lab.run.consent import (
    ASSUMED_RESTORES,
    before_deploy,
    before_destroy,
    before_run,
    run_cost,
)
from lab.run.settings import Settings

CALLER = Caller("111122223333", "eu-central-1", None)
DEPLOYMENT = Deployment("python3.14", 1024, "arm64", "dynamodb", 10.0, 10.0)


def settings(*variants: str) -> Settings:
    return Settings(variants=variants, rate=100, duration_s=100, updates=1)


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
    assert ("10 executions at once" in said) == (limit is not None)


def test_a_fleet_is_told_and_charged_for() -> None:
    asked = dataclasses.replace(settings("no_cache"), fleet=4)
    gb_seconds = 4 * (100 + LEAD_S) * 1769 / 1024

    assert run_cost(asked, DEPLOYMENT) == pytest.approx(
        (run_cost(settings("no_cache"), DEPLOYMENT) or 0.0) + gb_seconds * prices.LAMBDA_GB_SECOND["arm64"].usd
    )
    assert "by 4 driver functions" in "\n".join(before_run(CALLER, asked, DEPLOYMENT, None))


def test_secrets_are_told_with_their_monthly_charge() -> None:
    asked = dataclasses.replace(settings("no_cache"), source="secretsmanager", keys=30)

    assert "30 secrets cost about US$ 12.00 a month" in "\n".join(before_run(CALLER, asked, DEPLOYMENT, None))
    said = before_deploy(CALLER, {}, prepared=True, source="secretsmanager", keys=30)
    assert "US$ 12.00 a month" in "\n".join(said)


def test_a_destroy_tells_that_runs_go_where_there_are_any() -> None:
    assert "runs that fleets have left in s3://fleet" in "\n".join(before_destroy(CALLER, ["CacheLab-a"], "fleet"))
    assert "s3://" not in "\n".join(before_destroy(CALLER, ["CacheLab-a"], None))


def test_a_destroy_without_a_stack_tells_that_only_items_can_go() -> None:
    said = "\n".join(before_destroy(CALLER, [], None))

    assert "no stack of the lab is there" in said
    assert "stacks" not in said


def test_a_place_that_is_not_aws_is_called_so() -> None:
    assert "at http://127.0.0.1:4566, which is not AWS" in str(CALLER._replace(elsewhere="http://127.0.0.1:4566"))
    assert "not AWS" not in str(CALLER)


def test_a_deployment_tells_what_it_makes_and_what_that_costs_idle() -> None:
    snapshot = {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512, "SnapStart": {}}}
    templates = {"CacheLab-a": {"Resources": {"F": snapshot}}}
    idle = prices.snapshot_per_month(512)

    said = "\n".join(before_deploy(CALLER, templates, prepared=False, source="ssm", keys=50))
    for part in ("1 stacks: CacheLab-a", "50 items in ssm", "CDKToolkit", f"US$ {idle:,.2f} a month"):
        assert part in said
    assert "CDKToolkit" not in "\n".join(before_deploy(CALLER, templates, prepared=True, source="ssm", keys=50))
