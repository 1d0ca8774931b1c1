import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from lab.dashboard.run_source import RunSource
from lab.dashboard.serve import serving
from lab.records.dashboards_file import DashboardBody
from lab.records.files import run_files
from tests.unit.lab.dashboard.runs import BEGAN, append, record, write

HOSTILE = "</script><img src=x onerror=alert(1)>"
METRIC = ["AWS/Lambda", "Invocations", "FunctionName", "cache-lab-no_cache", {"stat": "Sum", "period": 60}]
WIDGETS = [
    {"type": "metric", "properties": {"view": "timeSeries", "title": HOSTILE, "metrics": [METRIC]}},
    {"type": "text", "properties": {"markdown": f"{HOSTILE} [x](https://example.com) ![y](https://example.com/y.png)"}},
    {"type": HOSTILE, "properties": {"title": "odd"}},
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write(tmp_path / "run", [record(second) for second in range(100)], finished=False)


@pytest.fixture
async def client(run: Path) -> AsyncIterator[ClientSession]:
    """A client of a server that has read the run."""
    with run_files(run) as files:
        source = RunSource(files, [DashboardBody("one", json.dumps({"widgets": WIDGETS}))])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with serving(source, listening) as (url, _), ClientSession(url) as session:
            while source.state.records < 100:
                await asyncio.sleep(0.01)
            yield session


async def get(client: ClientSession, path: str, **arguments: Any) -> ClientResponse:
    """An answer that has been read whole."""
    async with client.get(path, **arguments) as answer:
        await answer.read()
        return answer


async def data(client: ClientSession, **query: Any) -> Any:
    answer = await get(client, "/data", params=query)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_the_page_may_load_nothing_from_elsewhere(client: ClientSession) -> None:
    answer = await get(client, "/")
    policy = answer.headers["Content-Security-Policy"]
    text = await answer.text()

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in text.replace("http-equiv", "").replace("https://example.com", "")
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_what_a_body_holds_is_text(client: ClientSession) -> None:
    text = await (await get(client, "/")).text()

    assert "<img" not in text
    assert "<a " not in text
    assert text.count("<script") == 3
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "widget 3 “odd” is not drawn: it has the type '</script>" in (await data(client))["widgets"][2]["why"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", ""])
@pytest.mark.parametrize("path", ["/", "/data", "/events", "/assets/page.js"])
async def test_a_request_by_another_name_is_refused(client: ClientSession, host: str, path: str) -> None:
    answer = await get(client, path, headers={"Host": host})
    assert answer.status == 421
    assert await answer.text() == "This server answers at its loopback address alone.\n"


async def test_the_whole_run_or_its_end_or_a_part_is_shown(client: ClientSession) -> None:
    whole = await data(client)
    end = await data(client, last="30", period="30")
    part = await data(client, start=str(BEGAN + 10), end=str(BEGAN + 19.9), period="5")

    assert (whole["records"], whole["finished"]) == (100, False)
    assert whole["range"] == {"start": BEGAN, "end": BEGAN + 100, "period": 5, "own": 60}
    assert whole["widgets"][0]["series"] == [[5.0] * 20]
    assert end["range"]["start"] == BEGAN + 60
    assert part["widgets"][0]["series"] == [[5.0, 5.0]]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"period": "7"}, 400),
        ({"last": "nan"}, 400),
        ({"start": "x", "end": "1"}, 400),
        ({"last": "1e300"}, 400),
        ({"dashboard": "none"}, 404),
    ],
)
async def test_a_wrong_question_is_answered_in_a_line(
    client: ClientSession, query: dict[str, str], status: int
) -> None:
    answer = await get(client, "/data", params=query)
    assert answer.status == status
    assert (await answer.text()).count("\n") == 1


async def test_news_come_as_records_do(client: ClientSession, run: Path) -> None:
    async with client.get("/events") as events:
        assert events.headers["Content-Type"] == "text/event-stream"
        first = json.loads((await events.content.readline()).removeprefix(b"data: "))
        append(run, [record(second) for second in range(100, 150)])
        while True:
            line = await asyncio.wait_for(events.content.readline(), 30)
            if line.startswith(b"data: "):
                break
        news = json.loads(line.removeprefix(b"data: "))

    assert (first["records"], news["records"]) == (100, 150)
    assert news["version"] > first["version"]
    assert (await data(client))["widgets"][0]["series"][0][-1] == 5.0


async def test_only_the_pages_own_files_are_served(client: ClientSession) -> None:
    for name, kind in (("page.js", "text/javascript"), ("page.css", "text/css"), ("echarts.js", "text/javascript")):
        answer = await get(client, f"/assets/{name}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    for name in ("server.py", "..%2Fserver.py", "%2Fetc%2Fpasswd"):
        assert (await get(client, f"/assets/{name}")).status == 404
    async with client.post("/data") as answer:
        assert answer.status == 405


async def test_a_dashboard_that_is_deployed_again_has_another_plan(client: ClientSession) -> None:
    page = await (await get(client, "/")).text()
    plan = (await data(client))["plan"]
    assert f'data-plan="{plan}"' in page
