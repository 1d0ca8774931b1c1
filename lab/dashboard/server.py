"""The dashboard's HTTP server: the page, the data of its widgets, and word of news.

It binds the loopback address alone and answers only requests that name it: a domain name that somebody lets lead here
(DNS rebinding) is refused. The page may load, send and run only what comes from here.
"""

import asyncio
import contextlib
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cloudwatch.dashboard import Dashboard
from cloudwatch.ranges import COARSE, FINE
from lab.charts.drawing import ECHARTS
from lab.dashboard.live import Choice, Live
from lab.dashboard.page import dashboard_page, plan_id
from lab.dashboard.sources import State
from lab.errors import LabError

HERE: Final = Path(__file__).resolve().parent
PERIODS: Final = (*FINE, *COARSE)
RANGES: Final[Mapping[str, Mapping[str, str]]] = {
    "run": {"": "Whole run", "60": "1 min", "300": "5 min", "900": "15 min"},
    "endpoint": {"300": "5 min", "": "15 min", "3600": "1 h", "10800": "3 h"},
}
"""The buttons: seconds until now, and their text. Without seconds it is the default of the source."""

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


def application(live: Live, port: int) -> web.Application:
    """The application that shows a source, listening on this port.

    Raises:
        LabError: the chart library is not installed.
    """
    if not ECHARTS.is_file():
        raise LabError(f"the chart library is missing ({ECHARTS.name}); run `make setup`, then again")
    pages = _Pages(live)
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
    def __init__(self, live: Live) -> None:
        self._live = live
        self._template = Environment(
            loader=FileSystemLoader(HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        ).get_template("page.html.j2")

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page of one dashboard."""
        source = self._live.source
        page = dashboard_page(self._chosen(request))
        text = self._template.render(page=page, source=source, ranges=RANGES[source.state.kind], periods=PERIODS)
        return web.Response(text=text, content_type="text/html")

    async def data(self, request: web.Request) -> web.StreamResponse:
        """What every widget of a dashboard shows of a range."""
        dashboard, choice = self._chosen(request), _choice(request.query)
        try:
            found = await self._live.widgets(dashboard, choice)
        except LabError as error:
            return web.json_response(self._state() | {"problem": str(error)})
        state = self._state()
        if found is not None:
            shown, widgets = found
            state |= {"range": shown._asdict(), "widgets": widgets, "plan": plan_id(dashboard)}
        return web.json_response(state)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Word of news, as server-sent events, for as long as the reader listens."""
        answer = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            while True:
                version = self._live.version
                await answer.write(f"data: {json.dumps(self._state())}\n\n".encode())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._live.wait_beyond(version), HEARTBEAT_S)
        return answer

    def _state(self) -> dict[str, Any]:
        return {"version": self._live.version, **self._live.source.state._asdict()}

    def _chosen(self, request: web.Request) -> Dashboard:
        dashboards = self._live.source.dashboards
        name = request.query.get("dashboard") or next(iter(dashboards), "")
        if name not in dashboards:
            raise web.HTTPNotFound(reason="There is no such dashboard.")
        return dashboards[name]


def _choice(query: Mapping[str, str]) -> Choice:
    """The range and the period that a request asks for."""
    last_s, start, end = (_number(query, name) for name in ("last", "start", "end"))
    text = query.get("period", "auto")
    if text != "auto" and text not in map(str, PERIODS):
        raise web.HTTPBadRequest(reason="period is auto or one of CloudWatch's.")
    period = None if text == "auto" else int(text)

    def choose(state: State) -> tuple[float, float, int | None]:
        first, last = state.window or (0.0, 0.0)
        if start is not None and end is not None and start <= end:
            if end < first or start > last:
                return start, end, period  # nothing is there, and the widgets say so
            return max(start, first), min(end, last), period
        seconds = state.default_s if last_s is None else last_s
        return first if seconds is None else max(first, last - seconds), last, period

    return choose


def _number(query: Mapping[str, str], name: str) -> float | None:
    if name not in query:
        return None
    try:
        value = float(query[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e11:
        raise web.HTTPBadRequest(reason=f"{name} is not a number of seconds.")
    return value
