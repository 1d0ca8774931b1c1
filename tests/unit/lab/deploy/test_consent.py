"""What the user reads before the lab deploys to AWS, or removes the application from it."""

from facts import prices
from facts.names import Names
from lab.aws.account import Caller
from lab.deploy.consent import before_deploy, before_destroy

CALLER = Caller("111122223333", "eu-central-1", None)


def test_a_destroy_tells_that_runs_go_where_there_are_any() -> None:
    assert "runs that fleets left in s3://fleet" in "\n".join(before_destroy(CALLER, Names(), ["CacheLab-a"], "fleet"))
    assert "s3://" not in "\n".join(before_destroy(CALLER, Names(), ["CacheLab-a"], None))


def test_a_destroy_without_a_stack_tells_that_only_items_can_go() -> None:
    said = "\n".join(before_destroy(CALLER, Names(), [], None))

    assert "no stack of the lab exists" in said
    assert "stacks" not in said


def test_a_deployment_tells_what_it_makes_and_what_that_costs_idle() -> None:
    snapshot = {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512, "SnapStart": {}}}
    templates = {"CacheLab-a": {"Resources": {"F": snapshot}}}
    idle = prices.snapshot_per_month(512)

    said = "\n".join(before_deploy(CALLER, Names(), templates, bootstrapped=False, source="ssm", keys=50))
    for part in ("1 stacks: CacheLab-a", "50 items in ssm", "CDKToolkit", f"US$ {idle:,.2f} per month"):
        assert part in said
    assert "CDKToolkit" not in "\n".join(
        before_deploy(CALLER, Names(), templates, bootstrapped=True, source="ssm", keys=50)
    )


def test_the_user_reads_which_instance_is_deployed_or_removed() -> None:
    anna = Names("anna")
    deploying = "\n".join(before_deploy(CALLER, anna, {}, bootstrapped=True, source="ssm", keys=3))
    assert "until `lab destroy --target aws --instance anna`" in deploying
    assert "and instance anna's items from every source" in "\n".join(before_destroy(CALLER, anna, ["s"], None))
    assert "no stack of instance anna exists" in "\n".join(before_destroy(CALLER, anna, [], None))


def test_secrets_cost_while_they_exist() -> None:
    said = before_deploy(CALLER, Names(), {}, bootstrapped=True, source="secretsmanager", keys=30)
    assert "US$ 12.00 per month" in "\n".join(said)
