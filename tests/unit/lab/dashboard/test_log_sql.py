"""Queries of Logs Insights over records, with results computed by hand."""

from pathlib import Path
from typing import Any

import pytest

from lab.dashboard.insights import parse_query
from lab.dashboard.log_sql import compile_query
from lab.dashboard.record_store import RecordStore
from lab.dashboard.refusal import RefusedError
from tests.unit.lab.dashboard.runs import BEGAN, record, write

SOURCES = "SOURCE '/aws/lambda/cache-lab-no_cache' | SOURCE '/aws/lambda/cache-lab-snapstart' | "
RECORDS = [
    record(0, duration_ms=10.0, init_ms=400.5, billed_ms=411.0, request_id="r-1"),
    record(1, duration_ms=20.0, billed_ms=20.0),
    record(2, duration_ms=30.0, billed_ms=30.0),
    record(3, "snapstart", duration_ms=1.0, restore_ms=32.25, billed_ms=34.0),
    record(4, "snapstart", duration_ms=2.0, status="function_error", cache=None),
    record(5, "ttl_cache", duration_ms=99.0),
    record(6, status="throttled", duration_ms=None, cache=None),
]


def rows(tmp_path: Path, query: str, start: float = 0.0, end: float = 60.0) -> list[tuple[Any, ...]]:
    compiled = compile_query(parse_query(SOURCES + query))
    with RecordStore(write(tmp_path / "run", RECORDS)) as store:
        store.catch_up()
        return store.rows(compiled.text, {**compiled.values, "start": BEGAN + start, "end": BEGAN + end})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("stats count(*)", [(5,)]),
        ('filter @type = "REPORT" | stats count(*) as n, count(@initDuration) as inits', [(5, 1)]),
        ('filter type = "platform.report" | stats max(record.metrics.restoreDurationMs) as m', [(32.25,)]),
        ('filter @type = "START" | stats count(*)', []),
        ("filter @duration >= 2 and @duration < 20 | stats count(*)", [(2,)]),
        ("filter @duration = 1 or @duration = 30 | stats sum(@duration)", [(31,)]),
        ("stats pct(@duration, 50) as p50, avg(@duration) as mean, min(@duration) as least", [(10, 12.6, 1)]),
        ("stats max(@duration + coalesce(@initDuration, 0)) as whole", [(410.5,)]),
        ("stats count(*) as n, 2 * n + 1 as more, n / 0 as none", [(5, 11, None)]),
        ("stats sum(@duration - 1 * 2 / (1 + 1)) as d", [(58,)]),
        (
            r"parse @log /cache-lab-(?<variant>\w+)/ | stats count(*) as n by variant | sort n desc",
            [("no_cache", 3), ("snapstart", 2)],
        ),
        (
            r"parse @log /cache-lab-(?<v>\w+)/ | parse @message /Restore Duration: (?<ms>[\d.]+) ms/ "
            "| stats count(ms) as restores, max(ms) as longest by v | sort v asc",
            [("no_cache", 0, None), ("snapstart", 1, 32.25)],
        ),
        (
            r"parse @message /^REPORT RequestId: (?<id>[-\w]+)/ | stats count(*) as n by id | sort id desc",
            [("r-1", 1), (None, 4)],
        ),
        (
            r"parse @message /\tBilled Duration: (?<ms>\d+) ms\tMemory Size: 512 MB\t/ | stats max(ms) as ms",
            [(411.0,)],
        ),
        (
            "stats count(*) as n by (ispresent(@initDuration) or ispresent(record.metrics.restoreDurationMs)) as cold "
            "| sort cold asc",
            [(0, 3), (1, 2)],
        ),
    ],
)
def test_a_query_has_the_rows_that_insights_would_have(tmp_path: Path, query: str, expected: list[Any]) -> None:
    assert rows(tmp_path, query) == expected


def test_only_the_range_is_asked(tmp_path: Path) -> None:
    assert rows(tmp_path, "stats count(*)", start=1, end=3) == [(2,)]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("fields @message", "the command 'fields' of its query is not known here"),
        ("limit 20", "the command 'limit'"),
        ("dedup @log | stats count(*)", "the command 'dedup'"),
        ("stats count(*) | stats count(*)", "exactly one `stats`"),
        ('filter @type = "REPORT"', "exactly one `stats`"),
        ("stats stddev(@duration)", "the function 'stddev'"),
        ("stats count(*) by bin(1m)", "the function 'bin'"),
        ("stats pct(@duration, 101)", "the function 'pct'"),
        ("stats pct(@duration, @billedDuration)", "the function 'pct'"),
        ("stats count(*) by @requestTime", "the field '@requestTime'"),
        ("stats @duration as d", "is no aggregate"),
        ("filter @duration | stats count(*)", "neither true nor false"),
        ("filter @message like /x/ | stats count(*)", "where '\\|' is expected"),
        ("parse @message 'a * b' as x | stats count(*)", "no regular expression"),
        (r"parse @message /(?<a>x)(?<b>y)/ | stats count(*)", "not exactly one named group"),
        ("stats count(*) as n | sort m asc", "`sort` names 'm'"),
        ("stats count(*", "where '\\)' is expected"),
        ("stats", "unexpected 'end'"),
        ("", "the command ''"),
    ],
)
def test_what_is_not_known_is_refused_by_name(query: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        compile_query(parse_query(SOURCES + query))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("stats count(*)", "names no log group"),
        ("SOURCE '/aws/lambda/shop' | stats count(*)", "/aws/lambda/shop is of no variant"),
        ("SOURCE logGroups(namePrefix: ['x']) | stats count(*)", "where a text is expected"),
    ],
)
def test_log_groups_are_named_and_of_the_lab(query: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        compile_query(parse_query(query))
