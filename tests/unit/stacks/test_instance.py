"""With `-c instance=NAME`, NAME is part of every name in every template."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App, Stack

from facts.names import INSTANCE_FORM, Names
from facts.sources import SOURCES
from functions.registry import VARIANTS
from stacks.checks import unique
from stacks.checks.__main__ import check_assembly
from stacks.checks.assembly import Assembly as CheckedAssembly
from stacks.checks.assembly import as_text
from stacks.errors import ApplicationError
from stacks.settings import ApplicationSettings
from stacks.source import read_statements
from tests.snapshot.synthesis import EVERYTHING_ON, Assembly, resources, synthesize

ANNA = "anna"
UNNAMED = {"AWS::IAM::Policy", "AWS::IAM::Role", "AWS::S3::BucketPolicy"}
"""CloudFormation names them after their stack, or they have no name."""
PART_OF_A_FUNCTION = {"AWS::Lambda::Alias", "AWS::Lambda::Url", "AWS::Lambda::Permission", "AWS::Lambda::Version"}
NAMED_BY = {**unique.NAMED_BY, "AWS::Lambda::LayerVersion": "LayerName"}
LONGEST = {
    "AWS::CloudWatch::Alarm": 255,
    "AWS::CloudWatch::Dashboard": 255,
    "AWS::DynamoDB::Table": 255,
    "AWS::Lambda::Function": 64,
    "AWS::Lambda::LayerVersion": 140,
    "AWS::Logs::LogGroup": 512,
    "AWS::S3::Bucket": 63,
    "AWS::StepFunctions::StateMachine": 80,
    "stack": 128,
}
"""The longest name of each type: the service's own API reference."""

NamesByKind = dict[str, set[str]]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The application with every setting that adds something, as an instance."""
    return synthesize(tmp_path_factory.mktemp("instance"), **EVERYTHING_ON, instance=ANNA)


def names_of(assembly: Assembly) -> NamesByKind:
    """All names by the type of what they name, with pseudo parameters as `${…}`."""
    found: NamesByKind = {"stack": set(assembly.templates)}
    for template in assembly.templates.values():
        for resource in template["Resources"].values():
            kind = resource["Type"]
            if kind in UNNAMED | PART_OF_A_FUNCTION | {"AWS::CDK::Metadata"}:
                continue
            name = as_text(resource["Properties"].get(NAMED_BY[kind]))
            assert name, f"{kind} has no name"
            found.setdefault(kind, set()).add(name)
    return found


def texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from texts(inner)
        case list():
            for inner in value:
                yield from texts(inner)
        case str():
            yield value


def test_every_name_in_every_template_has_the_name_of_the_instance(instance: Assembly) -> None:
    for kind, names in names_of(instance).items():
        for name in names:
            assert re.search(rf"(?i:cache-?lab)-{ANNA}-", name), (kind, name)


def test_nothing_in_a_template_refers_to_another_instance(instance: Assembly, everything_on: Assembly) -> None:
    """Dashboards, alarms, permissions and variables too: only the names differ from those without an instance."""
    for stack, template in instance.templates.items():
        other = stack.replace(f"-{ANNA}", "")
        assert not [text for text in texts(template) if re.search(rf"(?i)cache-?lab(?![-/]{ANNA}\b)", text)], stack
        changed = json.dumps(template).replace(f"-{ANNA}", "").replace(f"CacheLab/{ANNA}", "CacheLab")
        changed = changed.replace(f'"CACHE_LAB_INSTANCE": "{ANNA}", ', "")
        assert without_hashes(changed) == without_hashes(json.dumps(everything_on.templates[other])), stack


def without_hashes(text: str) -> str:
    return re.sub(r"[0-9a-f]{32,64}", "", text)


def test_no_name_of_one_instance_is_one_of_another_or_of_none(everything_on: Assembly) -> None:
    """A name is a prefix with the instance, then what it names. So no such rest may end in another: `a` + `b-x`."""
    for kind, names in names_of(everything_on).items():
        rests = {re.sub(r"^.*?(?i:cache-?lab)-", "", name) for name in names}
        clashes = [(one, other) for one in rests for other in rests if one.endswith(f"-{other}")]
        assert not clashes, kind


def test_the_longest_name_of_an_instance_fits_everything(everything_on: Assembly) -> None:
    longest = "a" * 16
    assert re.fullmatch(INSTANCE_FORM, longest)
    assert not re.fullmatch(INSTANCE_FORM, longest + "a")
    places = {"${AWS::AccountId}": "1" * 12, "${AWS::Region}": "ap-southeast-1-xx"}
    found = names_of(everything_on)
    assert set(found) == set(LONGEST)
    for kind, names in found.items():
        for name in names:
            for place, value in places.items():
                name = name.replace(place, value)  # noqa: PLW2901
            assert len(name) + len(longest) + 1 <= LONGEST[kind], name


@pytest.mark.parametrize("source", SOURCES)
def test_a_role_reads_the_items_of_its_instance_only(source: str) -> None:
    stack = Stack(App(), "stack")
    arns = [
        [
            as_text(stack.resolve(arn))
            for statement in read_statements(stack, settings, many=True)
            for arn in statement.resources
        ]
        for settings in (
            ApplicationSettings.from_context({"source": source, **more}) for more in ({}, {"instance": ANNA})
        )
    ]
    nobody, anna = ([arn for arn in found if arn != "*"] for found in arns)
    assert [arn.replace(f"cache-lab-{ANNA}", "cache-lab") for arn in anna if arn] == nobody
    assert all(f"cache-lab-{ANNA}" in arn for arn in anna if arn)
    # `cache-lab/*` allows no `cache-lab-anna/item-0000`.
    assert not [arn for arn in nobody if arn and re.search(r"cache-lab\*", arn)]


def test_the_checks_find_nothing_in_an_instance_but_an_alarm_on_another_namespace(instance: Assembly) -> None:
    checked = CheckedAssembly.read(instance.folder)
    assert checked.namespaces == {f"CacheLab/{ANNA}"}
    assert check_assembly(checked) == []
    alarm = next(
        alarm["Properties"]
        for template in checked.templates.values()
        for alarm in resources(template, "AWS::CloudWatch::Alarm")
        if alarm["Properties"]["Namespace"] == f"CacheLab/{ANNA}"
    )
    alarm["Namespace"] = "CacheLab"
    assert [finding.rule for finding in check_assembly(checked)] == ["alarm-metric"]


def test_dashboard_names_include_the_region(assembly: Assembly) -> None:
    found = names_of(assembly)["AWS::CloudWatch::Dashboard"]
    assert found == {f"{stack}-${{AWS::Region}}" for stack in assembly.templates if stack != Names().source_stack}


def test_a_second_region_can_be_deployed_since_every_global_name_has_the_region(everything_on: Assembly) -> None:
    """Dashboards are global to an account, buckets to AWS. Roles are global too, and CloudFormation names them."""
    found = names_of(everything_on)
    for kind in ("AWS::CloudWatch::Dashboard", "AWS::S3::Bucket"):
        assert all("${AWS::Region}" in name for name in found[kind])
    roles = [role for template in everything_on.templates.values() for role in resources(template, "AWS::IAM::Role")]
    assert roles
    assert not [role for role in roles if "RoleName" in role["Properties"]]


@pytest.mark.parametrize("name", ["Anna", "a_b", "-a", "a-", "a" * 17, "", "ännä", "a/b", "a b"])
def test_a_name_that_cannot_be_part_of_every_name_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ApplicationError) as refused:
        ApplicationSettings.from_context({"instance": name})
    said = str(refused.value)
    assert said.startswith(f"context instance={name!r} is not none or 1 to 16 lower-case letters")
    assert "\n" not in said


def test_without_an_instance_all_names_other_than_the_dashboards_stay(assembly: Assembly) -> None:
    assert ApplicationSettings.from_context({"instance": "none"}) == ApplicationSettings()
    found = names_of(assembly)
    variants = [variant.name for variant in VARIANTS]
    assert found["AWS::Lambda::Function"] == {f"cache-lab-{name}" for name in variants}
    assert found["AWS::DynamoDB::Table"] == {"cache-lab-items"}
    assert found["stack"] >= {"CacheLab-source", "CacheLab-comparison", "CacheLab-no-cache"}
