"""The report's page in a real browser: drawn, silent, offline, by keyboard, on a phone, in the dark, on paper."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from lab.analysis.summary import summarise
from lab.charts.charts import charts
from lab.charts.drawing import DARK, LIGHT
from lab.report.render import render
from tests.browser.conftest import logged
from tests.unit.lab.report.hostile import hostile_run
from tests.unit.lab.report.simulated import simulate, simulate_repeated

Open = Callable[[Path], webdriver.Chrome]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_repeated(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def page(run_dir: Path) -> Path:
    return _page(run_dir)


def _page(run_dir: Path) -> Path:
    path = run_dir / "report.html"
    path.write_text(render(run_dir, "html"), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: webdriver.Chrome) -> Iterator[Open]:
    """Opens a page on a desktop in the light, with empty logs."""

    def open_page(path: Path) -> webdriver.Chrome:
        logged(browser, "browser")
        logged(browser, "performance")
        browser.get(path.as_uri())
        return browser

    yield open_page
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _requests(browser: webdriver.Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in logged(browser, "performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith("chrome://")]  # the browser's own first page


def _shapes(browser: webdriver.Chrome) -> dict[str, int]:
    counts: dict[str, int] = browser.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('[data-chart]')]"
        ".map((place) => [place.dataset.chart, place.querySelectorAll('svg path').length]))"
    )
    return counts


def test_every_chart_is_drawn_without_a_word_on_the_console_or_a_request(
    opened: Open, page: Path, run_dir: Path
) -> None:
    browser = opened(page)

    shapes = _shapes(browser)
    assert set(shapes) == {chart.name for chart in charts(summarise(run_dir))}
    assert all(count >= 5 for count in shapes.values()), shapes
    assert logged(browser, "browser") == []
    assert [url for url in _requests(browser) if not url.startswith(("data:", page.as_uri()))] == []


def test_the_sentence_and_the_figures_stand_on_the_first_screen(opened: Open, page: Path) -> None:
    browser = opened(page)
    figures = browser.find_element(By.CSS_SELECTOR, ".figures")

    assert browser.find_element(By.TAG_NAME, "h1").text.startswith("Use ttl_cache: it answers ")
    assert len(figures.find_elements(By.TAG_NAME, "strong")) == 4
    assert figures.rect["y"] + figures.rect["height"] < 900


def test_every_table_of_numbers_opens_by_keyboard(opened: Open, page: Path) -> None:
    browser = opened(page)
    summaries = browser.find_elements(By.TAG_NAME, "summary")
    assert len(summaries) == len(_shapes(browser))
    for summary in summaries:
        summary.send_keys(Keys.ENTER)

    assert browser.execute_script("return document.querySelectorAll('details[open] table tbody tr').length") > 50


def test_tab_reaches_every_table_and_every_summary(opened: Open, page: Path) -> None:
    browser = opened(page)
    wanted = browser.execute_script(
        "return [...document.querySelectorAll('main > section > [tabindex=\"0\"], summary')].length"
    )
    reached = set()
    for _ in range(wanted + 5):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(browser.execute_script("return document.activeElement.textContent.trim().slice(0, 60)"))

    assert len(reached) >= wanted


def test_dark_and_light_follow_the_reader_and_paper_is_light(opened: Open, page: Path) -> None:
    browser = opened(page)
    ink = "return document.querySelector('[data-chart] svg text').getAttribute('fill')"
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = (browser.execute_script(ground), browser.execute_script(ink))
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    dark = (browser.execute_script(ground), browser.execute_script(ink))
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    printed = browser.execute_script(ink)

    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] == "rgb(21, 24, 29)"
    assert light[1].lower() in (LIGHT.ink, LIGHT.muted)
    assert dark[1].lower() in (DARK.ink, DARK.muted)
    assert printed == light[1]


def test_on_a_phone_nothing_is_wider_than_the_screen(opened: Open, page: Path) -> None:
    browser = opened(page)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    browser.get(page.as_uri())

    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert all(count >= 5 for count in _shapes(browser).values())


def test_hostile_names_and_values_are_text(opened: Open, tmp_path: Path) -> None:
    browser = opened(_page(hostile_run(tmp_path / "run")))

    assert logged(browser, "browser") == []
    assert browser.execute_script("return document.querySelectorAll('img, iframe, object').length") == 0
    assert browser.execute_script("return document.scripts.length") == 3
    assert "<img src=x onerror" in browser.find_element(By.TAG_NAME, "body").text
    assert [url for url in _requests(browser) if not url.startswith(("data:", "file://"))] == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 1280


def test_a_run_in_which_nothing_was_answered_says_so_in_its_charts(opened: Open, tmp_path: Path) -> None:
    browser = opened(_page(simulate(tmp_path / "run", duration_s=0.0)))

    words = [place.text for place in browser.find_elements(By.CSS_SELECTOR, "[data-chart=latency] svg text")]
    assert "Nothing was measured that could be drawn here." in words
    assert logged(browser, "browser") == []
