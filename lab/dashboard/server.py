"""The dashboard's HTTP server: the page, what its widgets show, and word of news.

It binds the loopback address alone and answers only requests that name it: a name of somebody's domain that leads here
(DNS rebinding) is refused. The page may load, send and run nothing but what comes from here.
"""

import asyncio
import contextlib
import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cloudwatch.dashboard import Dashboard
from cloudwatch.ranges import COARSE, FINE
from lab.charts.drawing import ECHARTS
from lab.dashboard.live import LiveRun
from lab.dashboard.page import dashboard_page
from lab.dashboard.record_store import Seen
from lab.errors import LabError

HERE: Final = Path(__file__).resolve().parent
PERIODS: Final = (*FINE, *COARSE)
HEARTBEAT_S: Final = 15.0
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
ASSETS: Final = {
    "page.js": (HERE / "page.js", "text/javascript"),
    "page.css": (HERE / "page.css", "text/css"),
    "echarts.js": (ECHARTS, "text/javascript"),
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(run: LiveRun, dashboards: Sequence[Dashboard], remark: str, port: int) -> web.Application:
    """The application.

    Args:
        run: whose records.
        dashboards: the first is shown first.
        remark: what the page says of the dashboards.
        port: the port that is listened on.

    Raises:
        LabError: the chart library is not installed.
    """
    if not ECHARTS.is_file():
        raise LabError(f"the chart library is missing ({ECHARTS.name}); run `make setup`, then again")
    pages = _Pages(run, dashboards, remark)
    app = web.Application(middlewares=[_guard(port)])
    app.router.add_get("/", pages.page)
    app.router.add_get("/data", pages.data)
    app.router.add_get("/events", pages.events)
    app.router.add_get("/assets/{name}", _asset)
    return app


def _guard(port: int) -> Any:
    @web.middleware
    async def guarded(request: web.Request, handler: _Handler) -> web.StreamResponse:
        names = [f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")]
        if request.headers.get("Host", "") not in names:
            return _refused(421, "This server answers at its loopback address alone.")
        try:
            answer = await handler(request)
        except web.HTTPException as refusal:
            return _refused(refusal.status, refusal.reason)
        if not answer.prepared:
            answer.headers.update(HEADERS)
        return answer

    return guarded


def _refused(status: int, reason: str) -> web.Response:
    return web.Response(status=status, text=f"{reason}\n", headers=HEADERS)


async def _asset(request: web.Request) -> web.StreamResponse:
    path, kind = ASSETS.get(request.match_info["name"], (None, ""))
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Content-Type": f"{kind}; charset=utf-8"})


class _Pages:
    def __init__(self, run: LiveRun, dashboards: Sequence[Dashboard], remark: str) -> None:
        self._run = run
        self._remark = remark
        self._dashboards = {dashboard.name: dashboard for dashboard in dashboards}
        self._template = Environment(
            loader=FileSystemLoader(HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        ).get_template("page.html.j2")

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page of one dashboard."""
        dashboard = self._chosen(request)
        names = list(self._dashboards)
        page = dashboard_page(dashboard, names)
        text = self._template.render(page=page, run=self._run.content, remark=self._remark, periods=PERIODS)
        return web.Response(text=text, content_type="text/html")

    async def data(self, request: web.Request) -> web.StreamResponse:
        """What every widget of a dashboard shows of a range."""
        dashboard, choice = self._chosen(request), _Choice(request.query)
        found = await self._run.results(dashboard, choice)
        state = self._state()
        if found is not None:
            shown, widgets = found
            state |= {"range": shown._asdict(), "widgets": widgets}
        return web.json_response(state)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Word of news, as server-sent events, for as long as the reader listens."""
        answer = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        version = -1
        with contextlib.suppress(ConnectionResetError):
            while True:
                version = self._run.version
                await answer.write(f"data: {json.dumps(self._state())}\n\n".encode())
                try:
                    await asyncio.wait_for(self._run.wait_beyond(version), HEARTBEAT_S)
                except TimeoutError:
                    continue
        return answer

    def _state(self) -> dict[str, Any]:
        seen = self._run.seen
        return {
            "version": self._run.version,
            "finished": self._run.content.finished,
            "records": seen.records,
            "damaged": seen.damaged,
            "share": seen.share,
            "window": seen.window,
        }

    def _chosen(self, request: web.Request) -> Dashboard:
        name = request.query.get("dashboard") or next(iter(self._dashboards))
        if name not in self._dashboards:
            raise web.HTTPNotFound(reason="There is no such dashboard.")
        return self._dashboards[name]


class _Choice:
    """The range and the period that a request asks for."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._last = _number(query, "last")
        self._start, self._end = _number(query, "start"), _number(query, "end")
        period = query.get("period", "auto")
        if period != "auto" and period not in map(str, PERIODS):
            raise web.HTTPBadRequest(reason="period is auto or one of CloudWatch's.")
        self._period = None if period == "auto" else int(period)

    def __call__(self, seen: Seen) -> tuple[float, float, int | None]:
        first, last = seen.window or (0.0, 0.0)
        if self._start is not None and self._end is not None and self._start <= self._end:
            return max(self._start, first), min(self._end, last), self._period
        if self._last is not None:
            return max(first, last - self._last), last, self._period
        return first, last, self._period


def _number(query: Mapping[str, str], name: str) -> float | None:
    if name not in query:
        return None
    try:
        value = float(query[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e11:
        raise web.HTTPBadRequest(reason=f"{name} is no number of seconds.")
    return value
