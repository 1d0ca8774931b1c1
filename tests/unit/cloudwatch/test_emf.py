"""Source of all: Amazon CloudWatch User Guide, "Specification: Embedded metric format" and its JSON schema."""

import json
from typing import Any

import pytest

from cloudwatch.emf import documents, measured

NOW = 1_800_000_000.0


def document(directives: Any = None, *, timestamp: Any = NOW * 1000, **members: Any) -> bytes:
    """A document that measures Time as 12.5 by Service=cart, but for what is given."""
    directive = {
        "Namespace": "Shop",
        "Dimensions": [["Service"]],
        "Metrics": [{"Name": "Time", "Unit": "Milliseconds"}],
    }
    metadata = {"Timestamp": timestamp, "CloudWatchMetrics": [directive] if directives is None else directives}
    return json.dumps({"_aws": metadata, "Service": "cart", "Time": 12.5, **members}).encode()


def directive(**changes: Any) -> dict[str, Any]:
    return {"Namespace": "Shop", "Dimensions": [["Service"]], "Metrics": [{"Name": "Time"}]} | changes


def values(content: bytes) -> list[Any]:
    return [of.values for of in measured(content, NOW)]


def test_a_document_gives_its_metrics_with_namespace_dimensions_unit_and_time() -> None:
    (found,) = measured(document(), NOW)
    assert found.directive.namespace == "Shop"
    assert found.directive.metrics == [("Time", "Milliseconds")]
    assert found.dimension_sets == [(("Service", "cart"),)]
    assert found.values == [12.5]
    assert found.at == NOW


def test_a_metric_without_a_unit_has_the_unit_none() -> None:
    (found,) = measured(document([directive()]), NOW)
    assert found.directive.metrics == [("Time", "None")]


def test_an_array_is_several_values_of_one_metric() -> None:
    assert values(document(Time=[1, 2.5, 2.5])) == [[[1.0, 2.5, 2.5]]]


def test_every_dimension_set_makes_a_metric_of_its_own_and_may_be_empty() -> None:
    content = document([directive(Dimensions=[["Service"], ["Region", "Service"], []])], Region="here")
    (found,) = measured(content, NOW)
    assert found.dimension_sets == [(("Service", "cart"),), (("Region", "here"), ("Service", "cart")), ()]


def test_dimensions_are_the_same_in_whatever_order() -> None:
    content = document([directive(Dimensions=[["Service", "Region"], ["Region", "Service"]])], Region="here")
    (found,) = measured(content, NOW)
    assert found.dimension_sets[0] == found.dimension_sets[1]


def test_several_directives_are_measured_each() -> None:
    content = document(
        [directive(), directive(Namespace="Till", Metrics=[{"Name": "Coins", "Unit": "Count"}])], Coins=3
    )
    assert [(of.directive.namespace, of.values) for of in measured(content, NOW)] == [
        ("Shop", [12.5]),
        ("Till", [[3.0]]),
    ]


def test_members_that_the_specification_does_not_know_are_ignored() -> None:
    assert values(document([directive(Colour="red")], requestId="7", nested={"a": 1})) == [[12.5]]


def test_a_member_whose_name_has_a_dot_is_meant_not_a_nested_one() -> None:
    content = document([directive(Metrics=[{"Name": "A.a"}])], **{"A.a": 4, "A": {"a": 5}})
    assert values(content) == [[[4.0]]]


@pytest.mark.parametrize(
    "content",
    [
        document([directive(Namespace="")]),
        document([directive(Namespace="AWS/Lambda")]),
        document([directive(Namespace="n" * 256)]),
        document([directive(Namespace=None)]),
        document([directive(Dimensions=[])]),
        document([directive(Dimensions=["Service"])]),
        document([directive(Dimensions=[["Nowhere"]])]),
        document([directive(Dimensions=[["Time"]])]),
        document([directive(Dimensions=[[f"d{n}" for n in range(31)]])], **{f"d{n}": "x" for n in range(31)}),
        document([directive(Metrics=[{"Name": f"m{n}"} for n in range(101)])], **{f"m{n}": 1 for n in range(101)}),
        document([directive(Metrics=[{"Name": "Nowhere"}])]),
        document([directive(Metrics=[{"Unit": "Count"}])]),
        document([directive(Metrics=[{"Name": "Time", "Unit": "Furlongs"}])]),
        document([directive(Metrics=[{"Name": "Time", "StorageResolution": 5}])]),
        document([directive(Metrics={"Name": "Time"})]),
        document(["Shop"]),
        document({}),
        document(Time="12.5"),
        document(Time=True),
        document(Time=None),
        document(Time={"value": 1}),
        document(Time=[1, "2"]),
        document(Time=list(range(101))),
        document(Service=""),
        document(timestamp="now"),
        document(timestamp=None),
        document(timestamp=10**400),
        b'{"_aws": 1}',
        b'{"_aws": {"CloudWatchMetrics": []}}',
        b'["_aws"]',
        b'{"_aws": {',
        b'{"_aws": "\xff"}',
        b'{"_aws":' * 5000,
        document().replace(b"12.5", b"NaN"),
        document().replace(b"12.5", b"-Infinity"),
    ],
)
def test_a_document_that_breaks_the_specification_measures_nothing(content: bytes) -> None:
    assert measured(content, NOW) == []


def test_30_dimensions_100_metrics_and_100_values_are_allowed() -> None:
    many = [directive(Dimensions=[[f"d{n}" for n in range(30)]], Metrics=[{"Name": f"m{n}"} for n in range(100)])]
    members = {f"d{n}": "x" for n in range(30)} | {f"m{n}": list(range(100)) for n in range(100)}
    (found,) = measured(document(many, **members), NOW)
    assert len(found.dimension_sets[0]) == 30
    assert [len(of) for of in found.values if isinstance(of, list)] == [100] * 100


def test_a_value_that_cloudwatch_cannot_hold_is_left_out_alone() -> None:
    """MetricDatum: "values can be in the range of -2^360 to 2^360"; NaN and infinities are not supported."""
    assert values(document(Time=[1, 1e300, 10**200, 2])) == [[[1.0, 2.0]]]
    assert values(document(Time=1).replace(b"1}", b"1e999}")) == [[[]]]


@pytest.mark.parametrize(
    ("offset_s", "taken"), [(-13.9 * 86_400, 1), (-14.1 * 86_400, 0), (1.9 * 3600, 1), (2.1 * 3600, 0)]
)
def test_a_time_stamp_may_be_two_weeks_old_and_two_hours_ahead(offset_s: float, taken: int) -> None:
    assert len(measured(document(timestamp=(NOW + offset_s) * 1000), NOW)) == taken


def test_a_document_larger_than_a_log_event_is_none() -> None:
    assert values(document(padding="x" * (1 << 20))) == []


def test_documents_are_found_among_the_lines_of_a_log() -> None:
    log = b"START\n" + document() + b'\nplain "_aws" text\n{"no": "mark"}\n' + document(Time=1.5) + b"\nEND\n"
    assert [values(found) for found in documents(log)] == [[[12.5]], [[1.5]]]


def test_a_document_may_follow_what_lambdas_runtime_writes_before_a_message() -> None:
    """ "While Lambda may prepend log events with metadata …, a valid … document after this metadata is valid"."""
    log = b"[INFO]\t2026-11-21T04:00:00.000Z\tsome-request\t" + document() + b"\n"
    assert [values(found) for found in documents(log)] == [[[12.5]]]


def test_a_document_after_other_text_is_none() -> None:
    assert list(documents(b"see: " + document() + b"\n")) == []


def test_a_document_within_a_json_log_line_is_none() -> None:
    """The LogEvent message must be the document itself."""
    assert list(documents(json.dumps({"message": document().decode()}).encode())) == []


def test_the_last_line_of_a_log_may_be_without_its_end() -> None:
    assert len(list(documents(document()))) == 1
