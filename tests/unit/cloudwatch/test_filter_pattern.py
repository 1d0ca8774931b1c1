"""Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax"; examples there where marked."""

import json

import pytest

from cloudwatch.filter_pattern import PatternError, compiled

ERROR = "[ERROR 400] BAD REQUEST"
EVENT = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "bandwidth": 75,
        "share": 0.25,
        "ok": True,
        "cluster.name": "c",
    }
)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("", True),
        ("ERROR", True),  # example
        ("error", False),  # terms are case sensitive
        ("BAD ERROR", True),  # all terms
        ("ERROR ARGUMENTS", False),
        ("?ERROR ?ARGUMENTS", True),  # example: any of them
        ("?WARN ?ARGUMENTS", False),
        ("ERROR -ARGUMENTS", True),  # example: but not
        ("ERROR -BAD", False),
        ("-WARN", True),
        ('"BAD REQUEST"', True),  # example: an exact phrase
        ('"BAD  REQUEST"', False),
        ('"REQUEST BAD"', False),
        ('"[ERROR"', True),
        ('?"BAD REQUEST" ?x', True),
        ("?WARN BAD", True),  # beside other terms the optional ones are ignored
    ],
)
def test_terms(pattern: str, matches: bool) -> None:
    assert compiled(pattern)(ERROR) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),  # example
        ('{$.eventType="UpdateTrail"}', True),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "updatetrail" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", True),  # example
        ("{ $.sourceIPAddress = 111.111.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),  # example
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.arrayKey[*] = "another value" }', True),
        ("{ $.objectList[1].id = 2 }", True),  # example
        ("{ $.objectList[5].id = 2 }", False),
        ("{ $.bandwidth > 75 }", False),  # example
        ("{ $.bandwidth >= 75 }", True),
        ("{ $.bandwidth = 75.0 }", True),
        ("{ $.share < 2.5e-1 }", False),
        ("{ $.share <= 0.25 }", True),
        ("{ $.eventType > 1 }", False),
        ("{ $.SomeObject IS NULL }", True),  # example
        ("{ $.SomeOtherObject NOT EXISTS }", True),  # example
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.ok IS TRUE }", True),  # example
        ("{ $.ok IS FALSE }", False),
        ("{ $.ok = 1 }", False),
        ('{ $["cluster.name"] = "c" }', True),
        ('{ ($.eventType = "x") || ($.bandwidth = 75) }', True),
        ('{ $.eventType = "x" || $.bandwidth = 75 && $.share > 1 }', False),
        ('{ ($.eventType = "x" || $.bandwidth = 75) && $.share > 0 }', True),
    ],
)
def test_conditions_on_json(pattern: str, matches: bool) -> None:
    assert compiled(pattern)(EVENT) is matches


@pytest.mark.parametrize("message", ["no json", "[1]", '{"a": ', "", '{"a":' * 5000])
def test_what_is_no_json_object_matches_no_condition(message: str) -> None:
    assert compiled("{ $.a NOT EXISTS }")(message) is False


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = 1",
        "{ $.a }",
        "{ a = 1 }",
        "{ $.a = }",
        "{ $.a = 1 && }",
        "{ ($.a = 1 }",
        "{ $.a = 1 ) }",
        "{ $.a > x }",
        "{ $.a IS }",
        "{ $.a[x] = 1 }",
        "{ $.a ~ 1 }",
        "{ }",
        '"open',
        "[ip, user]",
        "%regex%",
    ],
)
def test_what_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compiled(pattern)
