"""The page: well-formed, offline, and text is text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.report import as_html
from lab.report.render import render
from tests.unit.lab.report.hostile import MARKUP, hostile_run
from tests.unit.lab.report.simulated import NAMES, run_content, write_run

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Parses a page, checks that every element is closed, and keeps what the tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.words[self.open[-1]] = self.words.get(self.open[-1], "") + data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(repeated_run: Path) -> str:
    return render(repeated_run, "html")


def test_the_page_is_well_formed_and_small(html: str) -> None:
    assert Page(html).open == []
    assert html.startswith("<!doctype html>")
    assert len(html.encode()) < 2_000_000


def test_nothing_is_asked_of_the_network(html: str) -> None:
    page = Page(html)

    for tag, attributes in page.elements:
        assert not {"src", "href", "srcset", "action", "data", "poster"} & set(attributes), tag
    assert not {"link", "img", "iframe", "object", "base", "form"} & {tag for tag, _ in page.elements}
    assert "url(" not in page.words["style"]
    assert "@import" not in page.words["style"]
    policy = next(one["content"] for one in page.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_the_answer_is_the_heading_and_the_order_is_kept(html: str) -> None:
    assert Page(html).words["h1"].startswith("Use ttl_cache: it answers ")
    places = [html.index(f'id="{name}"') for name in ("choice", "glance", "details", "charts", "measured")]
    assert places == sorted(places)


def test_every_table_has_a_caption_and_headers(html: str) -> None:
    page = Page(html)

    # The tables of the report, and one beside each of the eight charts.
    assert len(page.of("table")) == len(page.of("caption")) == 1 + 10 + 8
    assert page.words["span"].count("(simulated, downstream profile dynamodb-us-east-1)") >= 19
    assert all(header.get("scope") in ("col", "row") for header in page.of("th"))
    assert all(
        one.get("tabindex") == "0" and one["aria-label"] for one in page.of("div") if one.get("role") == "region"
    )


def test_every_chart_is_described_and_has_options_for_light_and_dark(html: str) -> None:
    page = Page(html)
    places = [one for one in page.of("div") if one.get("role") == "img"]
    embedded = re.search(r'<script type="application/json" id="options">(.*?)</script>', html, re.DOTALL)
    assert embedded is not None
    options = json.loads(embedded[1])

    assert {one["data-chart"] for one in places} == set(options)
    assert all(one["aria-label"] for one in places)
    for option in options.values():
        assert set(option) == {"light", "dark"}
    assert [series["name"] for series in options["latency"]["light"]["series"]] == list(NAMES)
    assert all(len(series["data"]) <= 401 for series in options["latency"]["light"]["series"])


def test_both_colour_schemes_are_there(html: str) -> None:
    style = Page(html).words["style"]

    assert "prefers-color-scheme: dark" in style
    assert "--color: #0072B2" in style


def test_hostile_text_is_text(tmp_path: Path) -> None:
    html = render(hostile_run(tmp_path), "html")
    page = Page(html)

    assert page.open == []
    assert "img" not in {tag for tag, _ in page.elements}
    assert len(page.of("script")) == 3
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert MARKUP[:23] in page.words["bdi"]
    assert "7*7" in page.words["bdi"]
    assert "49" not in page.words["h1"]
    assert "\u202e" not in html
    assert html.encode()


def test_warnings_that_matter_stand_before_the_chart_with_their_next_step(tmp_path: Path) -> None:
    html = render(write_run(tmp_path, [], run_content([]) | {"finished": False}), "html")

    assert html.index('id="matter"') < html.index('id="choice"') < html.index('id="measured"')
    assert "Next step: " in Page(html).words["li"]


def test_the_four_figures_stand_below_the_sentence(html: str) -> None:
    start, end = html.index('class="figures"'), html.index('id="choice"')

    assert html.index("<h1>") < start < end
    assert html[start:end].count("<strong>") == 4
    assert "95 % CI" in html[start:end]


def test_without_the_chart_library_the_remedy_is_told(repeated_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_html, "ECHARTS", repeated_run / "echarts.min.js")

    with pytest.raises(LabError, match="run `make setup`"):
        render(repeated_run, "html")
