"""Queries of Logs Insights over records, with results computed by hand."""

from pathlib import Path
from typing import Any

import pytest

from cloudwatch.insights import parse_query
from cloudwatch.insights_sql import compile_query
from cloudwatch.refusal import RefusedError
from lab.dashboard.record_store import RecordStore
from tests.unit.lab.dashboard.runs import BEGAN, record, write

SOURCES = "SOURCE '/aws/lambda/cache-lab-no_cache' | SOURCE '/aws/lambda/cache-lab-snapstart' | "
REPORTS = 'filter @type = "REPORT" | '
RECORDS = [
    record(
        0,
        downstream_calls=1,
        init_downstream_calls=2,
        duration_ms=10.0,
        init_ms=400.5,
        billed_ms=411.0,
        request_id="r-1",
    ),
    record(1, duration_ms=20.0, billed_ms=20.0),
    record(2, duration_ms=30.0, billed_ms=30.0),
    record(3, "snapstart", duration_ms=1.0, restore_ms=32.25, billed_ms=34.0),
    record(4, "snapstart", duration_ms=2.0, status="function_error", cache=None, downstream_calls=3),
    record(5, "ttl_cache", duration_ms=99.0),
    record(6, status="throttled", duration_ms=None, cache=None, downstream_calls=None),
    record(7, status="function_error", duration_ms=None, cache=None, downstream_calls=None),  # its log was not seen
]


def rows(tmp_path: Path, query: str, start: float = 0.0, end: float = 60.0) -> list[tuple[Any, ...]]:
    compiled = compile_query(parse_query(SOURCES + query))
    with RecordStore(write(tmp_path / "run", RECORDS)) as store:
        store.catch_up()
        return store.rows(compiled.text, {**compiled.values, "start": BEGAN + start, "end": BEGAN + end})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (REPORTS + "stats count(*)", [(5,)]),
        ("stats count(*)", [(10,)]),
        ("filter ispresent(DownstreamCalls) | stats count(*) as n, count(@duration) as reports", [(5, 0)]),
        ('filter @type = "REPORT" or ispresent(DownstreamCalls) | stats sum(DownstreamCalls) as n', [(6,)]),
        ('filter @type = "REPORT" | stats count(*) as n, count(@initDuration) as inits', [(5, 1)]),
        ('filter type = "platform.report" | stats max(record.metrics.restoreDurationMs) as m', [(32.25,)]),
        ('filter @type = "START" | stats count(*)', []),
        ("filter @duration >= 2 and @duration < 20 | stats count(*)", [(2,)]),
        ("filter @duration = 1 or @duration = 30 | stats sum(@duration)", [(31,)]),
        ("stats pct(@duration, 50) as p50, avg(@duration) as mean, min(@duration) as least", [(10, 12.6, 1)]),
        ("stats max(@duration + coalesce(@initDuration, 0)) as whole", [(410.5,)]),
        (REPORTS + "stats count(*) as n, 2 * n + 1 as more, n / 0 as none", [(5, 11, None)]),
        ("stats sum(@duration - 1 * 2 / (1 + 1)) as d", [(58,)]),
        (
            REPORTS + r"parse @log /cache-lab-(?<variant>\w+)/ | stats count(*) as n by variant | sort n desc",
            [("no_cache", 3), ("snapstart", 2)],
        ),
        (
            REPORTS + r"parse @log /cache-lab-(?<variant>\w+)/ "
            '| fields 2 * strcontains(variant, "no_") + strcontains(variant, "snap") as place, @duration > 5 as slow '
            "| stats count(*) as n, max(@duration) as longest by place, variant, slow "
            "| sort place asc, slow desc | display longest, slow, variant",
            [(2, 0, "snapstart"), (30, 1, "no_cache")],
        ),
        (
            r"parse @log /cache-lab-(?<v>\w+)/ | parse @message /Restore Duration: (?<ms>[\d.]+) ms/ "
            "| stats count(ms) as restores, max(ms) as longest by v | sort v asc",
            [("no_cache", 0, None), ("snapstart", 1, 32.25)],
        ),
        (
            REPORTS + r"parse @message /^REPORT RequestId: (?<id>[-\w]+)/ | stats count(*) as n by id | sort id desc",
            [("r-1", 1), (None, 4)],
        ),
        (
            r"parse @message /\tBilled Duration: (?<ms>\d+) ms\tMemory Size: 512 MB\t/ | stats max(ms) as ms",
            [(411.0,)],
        ),
        (
            "filter ispresent(@duration) | stats count(*) as n "
            "by (ispresent(@initDuration) or ispresent(record.metrics.restoreDurationMs)) as cold | sort cold asc",
            [(0, 3), (1, 2)],
        ),
    ],
)
def test_a_query_has_the_rows_that_insights_would_have(tmp_path: Path, query: str, expected: list[Any]) -> None:
    assert rows(tmp_path, query) == expected


def test_only_the_range_is_asked(tmp_path: Path) -> None:
    assert rows(tmp_path, REPORTS + "stats count(*)", start=1, end=3) == [(2,)]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("unnest @message", "the command 'unnest' of its query is not known here"),
        ("fields @message", "exactly one `stats`"),
        ("fields @requestTime as at | stats count(*)", "the field '@requestTime'"),
        ("fields strcontains(@message, @type) as x | stats count(*)", "the function 'strcontains'"),
        ("stats count(*) as n | filter n > 1", "after `stats`"),
        ("stats count(*) as n | fields n + 1 as m", "after `stats`"),
        ("stats count(*) as n | display m", "`display` names 'm'"),
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
