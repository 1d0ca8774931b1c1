"""Queries of Logs Insights over the events of a run, which have figures and no text; results computed by hand.

`tests/unit/lab/endpoint/telemetry/test_ingest.py` has queries over events with their text.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from cloudwatch.errors import UnsupportedError
from cloudwatch.insights import Catalog, compile_query, parse_query
from cloudwatch.store import Store

GROUPS = ("/aws/lambda/cache-lab-no_cache", "/aws/lambda/cache-lab-snapstart")
SOURCES = " | ".join(f"SOURCE '{group}'" for group in GROUPS) + " | "
REPORTS = 'filter @type = "REPORT" | '


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("store"), fields=["DownstreamCalls"], has_messages=False) as store:
        no_cache, snapstart, other = map(store.logs.group_id, (*GROUPS, "/aws/lambda/cache-lab-ttl_cache"))
        for second, group, *figures in [
            (0, no_cache, 10.0, 411.0, 400.5, None),
            (1, no_cache, 20.0, 20.0, None, None),
            (2, no_cache, 30.0, 30.0, None, None),
            (3, snapstart, 1.0, 34.0, None, 32.25),
            (4, snapstart, 2.0, 2.0, None, None),
            (5, other, 99.0, 99.0, None, None),
        ]:
            store.connection.execute(
                """INSERT INTO events BY NAME SELECT 'REPORT' AS type, $1 AS time, $2 AS log_group, $3 AS duration_ms,
                       $4 AS billed_ms, $5 AS init_ms, $6 AS restore_ms, 512 AS memory_mb, 'r-' || $1 AS request_id""",
                [second * 1000, group, *figures],
            )
        for second, group, calls in [(0, no_cache, 3), (1, no_cache, 0), (4, snapstart, 3)]:
            store.connection.execute(
                'INSERT INTO events BY NAME SELECT $1 AS time, $2 AS log_group, $3 AS "DownstreamCalls"',
                [second * 1000, group, calls],
            )
        yield store


def rows(store: Store, query: str, start: float = 0.0, end: float = 60.0) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.insights(parse_query(SOURCES + query), start=start, end=end).rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (REPORTS + "stats count(*)", [(5,)]),
        ("stats count(*)", [(8,)]),
        ("filter ispresent(DownstreamCalls) | stats count(*) as n, count(@duration) as reports", [(3, 0)]),
        ('filter @type = "REPORT" or ispresent(DownstreamCalls) | stats sum(DownstreamCalls) as n', [(6,)]),
        ('filter @type = "REPORT" | stats count(*) as n, count(@initDuration) as inits', [(5, 1)]),
        ('filter type = "platform.report" | stats max(record.metrics.restoreDurationMs) as m', [(32.25,)]),
        ('filter @type = "START" | stats count(*)', []),
        ("filter @duration >= 2 and @duration < 20 | stats count(*)", [(2,)]),
        ("filter @duration = 1 or @duration = 30 | stats sum(@duration)", [(31,)]),
        ("stats pct(@duration, 50) as p50, avg(@duration) as mean, min(@duration) as least", [(10, 12.6, 1)]),
        ("stats max(@duration + coalesce(@initDuration, 0)) as whole", [(410.5,)]),
        ("stats max(@memorySize / 1000 / 1000) as text, max(record.metrics.memorySizeMB) as json", [(512, 512)]),
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
            r"parse @log /cache-lab-(?<v>\w+)/ | parse @message /Restore Duration: (?<restoreMs>[\d.]+) ms/ "
            "| stats count(restoreMs) as restores, max(restoreMs) as longest by v | sort v asc",
            [("no_cache", 0, None), ("snapstart", 1, 32.25)],
        ),
        (
            "filter ispresent(@duration) | stats count(*) as n "
            "by (ispresent(@initDuration) or ispresent(record.metrics.restoreDurationMs)) as cold | sort cold asc",
            [(0, 3), (1, 2)],
        ),
        (REPORTS + "fields @duration as ms | filter ms > 10 | sort ms", [(20,), (30,)]),
        (REPORTS + "fields @duration / 10 as x | display @requestId, x | limit 2", [("r-4000", 0.2), ("r-3000", 0.1)]),
        (REPORTS + "filter @requestId like 'r-3' | display @timestamp", [("1970-01-01 00:00:03.000",)]),
        (REPORTS + "filter @requestId like /^r-[12]/ | stats count(*)", [(2,)]),
    ],
)  # fmt: skip
def test_a_query_has_the_rows_that_insights_would_have(store: Store, query: str, expected: list[Any]) -> None:
    assert rows(store, query) == expected


def test_only_the_range_is_read(store: Store) -> None:
    assert rows(store, REPORTS + "stats count(*)", start=1, end=3) == [(2,)]


def test_columns_are_named(store: Store) -> None:
    query = parse_query("stats count(*), max(@duration) as ms by @type as kind", GROUPS)
    assert list(store.insights(query, start=0, end=60).columns) == ["kind", "count(*)", "ms"]


def test_a_log_group_without_events_has_no_rows(store: Store) -> None:
    assert store.insights(parse_query("stats count(*)", ["/other"]), start=0, end=60).rows == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("unnest @message", "the command 'unnest' of its query is not known here"),
        ("display @message", "`display` names '@message'"),
        ("fields @message", "the field '@message'"),
        ("fields @requestTime as at | stats count(*)", "the field '@requestTime'"),
        ("fields strcontains(@log, @type) as x | stats count(*)", "the function 'strcontains'"),
        ("stats count(*) as n | filter n > 1", "after `stats`"),
        ("stats count(*) as n | fields n + 1 as m", "after `stats`"),
        ("stats count(*) as n | display m", "`display` names 'm'"),
        ("limit few", "where a whole number is expected"),
        ("dedup @log | stats count(*)", "the command 'dedup'"),
        ("stats count(*) | stats count(*)", "after `stats`"),
        ("stats stddev(@duration)", "the function 'stddev'"),
        ("stats count(*) by bin(1m)", "the function 'bin'"),
        ("stats pct(@duration, 101)", "the function 'pct'"),
        ("stats pct(@duration, @billedDuration)", "the function 'pct'"),
        ("stats count(*) by @requestTime", "the field '@requestTime'"),
        ("stats @duration as d", "is not an aggregate"),
        ("filter @duration | stats count(*)", "neither true nor false"),
        ("filter @message like /x/ | stats count(*)", "the field '@message'"),
        ("parse @message 'a * b' as x | stats count(*)", "no regular expression with exactly one named group"),
        (r"parse @message /(?<a>x)/ | stats count(*)", "the field '@message'"),
        (r"parse @message /(?<a>x)(?<b>y)/ | stats count(*)", "exactly one named group"),
        ("stats count(*) as n | sort m asc", "`sort` names 'm'"),
        ("stats count(*", "where '\\)' is expected"),
        ("stats", "unexpected 'end'"),
        ("", "the command ''"),
    ],
)
def test_what_is_not_known_is_refused_by_name(query: str, reason: str) -> None:
    groups = {group: number for number, group in enumerate(GROUPS)}
    with pytest.raises(UnsupportedError, match=reason):
        compile_query(parse_query(SOURCES + query), Catalog(groups, ["DownstreamCalls"], has_messages=False))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("stats count(*)", "names no log group"),
        ("SOURCE logGroups(namePrefix: ['x']) | stats count(*)", "names no log group"),
    ],
)
def test_log_groups_are_named(query: str, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        parse_query(query)
