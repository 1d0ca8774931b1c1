"""The cost of a million invocations, against AWS's own worked example and by hand."""

import datetime

import pytest

from facts import prices


def test_the_worked_example_of_the_lambda_pricing_page() -> None:
    # "SnapStart Pricing": 7.44 million requests of 2 s, 1 GB, x86, 1 % of them restores: $1.49, $248.00 and $10.4.
    cost = prices.cost_per_million(
        architecture="x86_64", source="ssm", memory_mb=1024, billed_ms=2000, restores=0.01, reads=1
    )

    assert cost is not None
    assert round(cost.requests * 7.44, 2) == 1.49
    assert round(cost.compute * 7.44, 2) == 248.00
    assert round(cost.restores * 7.44, 1) == 10.4
    assert cost.downstream == 0


def test_the_snapshot_of_the_worked_example() -> None:
    assert round(prices.snapshot_per_month(1024) / 30 * 31, 2) == 4.03


@pytest.mark.parametrize(
    ("source", "per_million"), [("dynamodb", 0.125), ("ssm", 0.0), ("secretsmanager", 5.0), ("s3", 0.4)]
)
def test_a_read_costs(source: str, per_million: float) -> None:
    cost = prices.cost_per_million(architecture="arm64", source=source, memory_mb=128, billed_ms=1, restores=0, reads=2)

    assert cost is not None
    assert cost.downstream == pytest.approx(2 * per_million)
    assert cost.total == pytest.approx(0.20 + 0.125 * 0.001 * 13.3334 + 2 * per_million)


def test_arm_is_a_fifth_cheaper() -> None:
    ratio = prices.LAMBDA_GB_SECOND["arm64"].usd / prices.LAMBDA_GB_SECOND["x86_64"].usd

    assert ratio == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_provisioned_concurrency_has_a_lower_duration_price_and_one_for_being_kept(architecture: str) -> None:
    # One environment that is busy for a whole month: 58.3 % of the ordinary price, and 25 % for being kept.
    def cost(*, provisioned: bool) -> float:
        found = prices.cost_per_million(
            architecture=architecture,
            source="ssm",
            memory_mb=1024,
            billed_ms=1000 * prices.MONTH_S / 1e6,
            restores=0,
            reads=0,
            provisioned=provisioned,
        )
        assert found is not None
        return found.compute

    kept = prices.provisioned_per_month(architecture, 1024)
    assert cost(provisioned=True) + kept == pytest.approx((0.5833 + 0.25) * cost(provisioned=False), rel=1e-3)


@pytest.mark.parametrize("known", [{"architecture": "riscv"}, {"source": "redis"}])
def test_without_a_price_there_is_no_cost(known: dict[str, str]) -> None:
    asked = {"architecture": "arm64", "source": "s3"} | known

    assert (
        prices.cost_per_million(
            architecture=asked["architecture"],
            source=asked["source"],
            memory_mb=128,
            billed_ms=1,
            restores=0,
            reads=1,
        )
        is None
    )


EVERY = [
    prices.LAMBDA_REQUEST,
    *prices.LAMBDA_GB_SECOND.values(),
    *prices.PROVISIONED_GB_SECOND.values(),
    *prices.PROVISIONED_DURATION_GB_SECOND.values(),
    prices.SNAPSTART_CACHE,
    prices.SNAPSTART_RESTORE,
    *prices.READ.values(),
    prices.SECRET_MONTH,
    prices.METRIC_MONTH,
    prices.DASHBOARD_MONTH,
    prices.ALARM_MONTH,
    prices.LOG_GB,
    prices.LOG_GB_MONTH,
]


def test_every_price_names_its_page_and_how_it_was_seen() -> None:
    assert all(price.page and price.unit and price.usd >= 0 and price.seen in ("AWS", "quoted") for price in EVERY)


def test_the_file_is_dated_and_names_its_region() -> None:
    assert datetime.date.fromisoformat(prices.READ_ON) >= datetime.date(2026, 11, 1)
    assert prices.REGION == "us-east-1"
