"""The dashboards in a real browser: drawn, live, silent, on their own origin; by mouse and keyboard, light and dark."""

import json
import math
import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from functions.registry import VARIANTS
from lab.analysis.wording import NOT_MEASURED, figure
from lab.dashboard import live
from lab.records.dashboards_file import DashboardBody
from tests.browser.conftest import logged
from tests.served_dashboard import served_run
from tests.shown_run import add_dashboards
from tests.unit.lab.report.hostile import hostile_run

FIGURES = (By.CSS_SELECTOR, ".numbers dd")

KINDS = "return [...document.querySelectorAll('#grid > section')].map((one) => one.dataset.kind ?? 'words')"
# Of every graph: how many pixels of its canvas have a colour, its titles and axes being grey.
COLOURED = """
return [...document.querySelectorAll('[data-kind=graph]')].map((section) => {
  const canvas = section.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
    if (data[at + 3] > 100 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) coloured += 1;
  }
  return [section.getAttribute('aria-label'), coloured];
})"""

UNDRAWN = (
    "return [...document.querySelectorAll('[data-kind=graph]')].filter((one) => !one.querySelector('canvas')).length"
)

Open = Callable[..., webdriver.Chrome]


@pytest.fixture(scope="module")
def url(shown_run: Path) -> Iterator[str]:
    with served_run(shown_run) as served:
        yield served


@pytest.fixture
def opened(browser: webdriver.Chrome) -> Iterator[Open]:
    """Opens an address on a desktop in the light, with empty logs, and waits until the widgets have drawn."""

    def open_page(url: str) -> webdriver.Chrome:
        logged(browser, "browser")
        logged(browser, "performance")
        browser.get(url)
        _until(browser, lambda: "graph" in browser.execute_script(KINDS))
        return browser

    yield open_page
    browser.execute_script("localStorage.clear()")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get("about:blank")


def _until(browser: webdriver.Chrome, condition: Callable[[], Any]) -> None:
    WebDriverWait(browser, 30, poll_frequency=0.05).until(lambda _: condition())


def _widget(browser: webdriver.Chrome, title: str, kind: str = "graph") -> WebElement:
    section = browser.find_element(By.CSS_SELECTOR, f"section[aria-label='{title}'][data-kind={kind}]")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", section)
    if kind == "graph":
        _until(browser, lambda: section.find_elements(By.TAG_NAME, "canvas"))
    return section


def _requests(browser: webdriver.Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in logged(browser, "performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith("chrome://")]  # the browser's own first page


def _see_all(browser: webdriver.Chrome) -> None:
    """Make the screen as high as the page: graphs are drawn when they come near."""
    height = browser.execute_script("return document.documentElement.scrollHeight")
    size = {"width": 1280, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    _until(browser, lambda: browser.execute_script(UNDRAWN) == 0)


def _tip(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.ID, "tip").text


def _note(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.ID, "note").text


def test_every_widget_of_every_dashboard_shows_data(
    opened: Open, url: str, application_dashboards: Sequence[DashboardBody]
) -> None:
    names = [body.name for body in application_dashboards]
    assert len(names) == len(VARIANTS) + 1
    for name in names:
        browser = opened(f"{url}/?dashboard={name}")
        assert set(browser.execute_script(KINDS)) == {"words", "graph", "numbers", "table"}, name
        _see_all(browser)
        assert "" not in [cell.text.strip(NOT_MEASURED) for cell in browser.find_elements(*FIGURES)]
        assert browser.find_elements(By.CSS_SELECTOR, "tbody td")
        assert logged(browser, "browser") == []
        assert [asked for asked in _requests(browser) if not asked.startswith((f"{url}/", "data:"))] == []
        # The baseline's line is grey, as the axes are.
        assert name == "CacheLab-no-cache-us-east-1" or all(
            count > 20 for _, count in browser.execute_script(COLOURED)
        ), name


def test_the_layout_is_cloudwatchs_grid(opened: Open, url: str) -> None:
    browser = opened(url)
    boxes = [_widget(browser, f"Duration {name}").rect for name in ("p50", "p90", "p99", "maximum")]

    assert len({box["y"] for box in boxes}) == 1
    assert len({round(box["width"]) for box in boxes}) == 1
    assert boxes[0]["x"] < boxes[1]["x"] < boxes[2]["x"] < boxes[3]["x"]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 1280


def test_hovering_shows_the_values_and_puts_a_crosshair_on_every_graph(opened: Open, url: str) -> None:
    browser = opened(url)
    plot = _widget(browser, "Duration p50").find_element(By.CSS_SELECTOR, ".plot")
    ActionChains(browser).move_to_element(plot).perform()

    lines = _tip(browser).splitlines()
    assert lines[0].endswith(" UTC")
    assert [line.strip() for line in lines[1::2]] == [variant.title for variant in VARIANTS]
    hairs = browser.execute_script(
        "return [...document.querySelectorAll('.hair')].filter((hair) => hair.style.display === 'block')"
        ".map((hair) => hair.closest('section').getAttribute('aria-label'))"
    )
    assert {"Duration p50", "Duration p90", "Duration p99", "Duration maximum"} <= set(hairs)
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert not browser.find_element(By.ID, "tip").is_displayed()


def test_the_pages_figures_are_the_reports(opened: Open, url: str) -> None:
    browser = opened(url)
    for value in (
        0,
        1,
        5,
        9.995,
        10,
        12.25,
        100.5,
        101.5,
        0.0625,
        99.96,
        0.00001,
        11.64,
        99.95,
        100,
        1234.5,
        0.79,
        0.0966,
        0.1,
        0.004567,
        2.5e-7,
        1e21,
        None,
    ):
        assert browser.execute_script("return figure(arguments[0])", value) == figure(value), value
    assert browser.execute_script("return figure(NaN)") == figure(math.nan)


def test_the_legend_toggles_a_line_by_mouse_and_by_key(opened: Open, url: str) -> None:
    browser = opened(url)
    widget = _widget(browser, "Duration p99")
    plot, button = widget.find_element(By.CSS_SELECTOR, ".plot"), ".legend button:nth-child(2)"
    assert plot.get_attribute("data-lines") == str(len(VARIANTS))

    widget.find_element(By.CSS_SELECTOR, button).click()
    assert plot.get_attribute("data-lines") == str(len(VARIANTS) - 1)
    assert widget.find_element(By.CSS_SELECTOR, button).get_attribute("aria-pressed") == "false"
    ActionChains(browser).move_to_element(plot).perform()
    assert "Module cache" not in _tip(browser)
    assert _widget(browser, "Duration p90").find_element(By.CSS_SELECTOR, ".plot").get_attribute("data-lines") == str(
        len(VARIANTS)
    )

    widget.find_element(By.CSS_SELECTOR, button).send_keys(Keys.ENTER)
    assert plot.get_attribute("data-lines") == str(len(VARIANTS))
    assert browser.switch_to.active_element == widget.find_element(By.CSS_SELECTOR, button)


def test_a_range_is_chosen_by_a_button_and_by_dragging_and_the_whole_run_comes_back(opened: Open, url: str) -> None:
    browser = opened(url)
    whole, totals = _note(browser), _widget(browser, "Duration p50, ms", "numbers").text
    plot = _widget(browser, "Duration p50").find_element(By.CSS_SELECTOR, ".plot")
    drag = ActionChains(browser).move_to_element_with_offset(plot, -40, 0).click_and_hold()
    drag.move_to_element_with_offset(plot, 40, 0).release().perform()
    _until(browser, lambda: _note(browser) != whole)

    custom = browser.find_element(By.ID, "custom")
    assert custom.get_attribute("aria-pressed") == "true"
    assert _widget(browser, "Duration p50, ms", "numbers").text != totals
    browser.find_element(By.CSS_SELECTOR, "[data-last='']").click()
    _until(browser, lambda: _note(browser) == whole)
    assert not custom.is_displayed()
    assert _widget(browser, "Duration p50, ms", "numbers").text == totals


def test_the_period_is_shown_and_can_be_that_of_cloudwatch(opened: Open, url: str) -> None:
    browser = opened(url)
    chip = _widget(browser, "Invocations").find_element(By.CSS_SELECTOR, ".chip")
    assert "a point for each 1 s. CloudWatch draws these with the dashboard's own period, 1 min" in _note(browser)
    assert chip.text == "count per 1 s"

    browser.find_element(By.CSS_SELECTOR, "#period option[value='60']").click()
    _until(browser, lambda: "a point for each 1 min. Drag" in _note(browser))
    assert not chip.is_displayed()


def test_arrow_keys_show_the_values_and_shift_with_them_chooses_a_range(
    opened: Open, url: str, shown_run: Path
) -> None:
    browser = opened(url)
    whole = _note(browser)
    plot = _widget(browser, "Duration p50").find_element(By.CSS_SELECTOR, ".plot")
    plot.send_keys(Keys.HOME)
    first = _tip(browser)
    plot.send_keys(Keys.ARROW_RIGHT)

    assert _tip(browser) != first
    spoken = browser.find_element(By.ID, "spoken").get_attribute("textContent")
    assert spoken is not None
    assert "No cache" in spoken
    assert f"No cache {figure(_median_ms_of_second(shown_run, 1))}" in spoken
    plot.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.NULL, Keys.ENTER)
    _until(browser, lambda: _note(browser) != whole)


def test_tab_reaches_every_graph_legend_and_control(opened: Open, url: str) -> None:
    browser = opened(f"{url}/?dashboard=CacheLab-ttl-cache-us-east-1")
    _see_all(browser)
    wanted = set(
        browser.execute_script(
            "return [...document.querySelectorAll('button, select, .plot, .text, .scroll')]"
            ".filter((one) => one.offsetParent).map((one, at) => (one.id = one.id || `stop-${at}`))"
        )
    )
    browser.execute_script(
        "document.activeElement.blur(); reached = [];"
        "document.addEventListener('focusin', (event) => reached.push(event.target.id))"
    )
    ActionChains(browser).send_keys(Keys.TAB * (len(wanted) + 5)).perform()
    assert wanted - set(browser.execute_script("return reached")) == set()


def test_a_widget_fills_the_screen_and_gives_it_back_on_escape(opened: Open, url: str) -> None:
    browser = opened(url)
    widget = _widget(browser, "Hit ratio")
    small = widget.size
    widget.find_element(By.CSS_SELECTOR, ".enlarge").send_keys(Keys.ENTER)
    inner = browser.execute_script("return [innerWidth, innerHeight]")
    _until(browser, lambda: widget.find_element(By.TAG_NAME, "canvas").size["width"] > inner[0] - 40)

    assert [widget.size["width"], widget.size["height"]] == pytest.approx(inner, abs=20)
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert widget.size == small
    assert browser.switch_to.active_element == widget.find_element(By.CSS_SELECTOR, ".enlarge")


def test_dark_and_light_follow_the_reader_or_the_switch(opened: Open, url: str) -> None:
    browser = opened(url)
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.execute_script(ground)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    dark = browser.execute_script(ground)
    button = browser.find_element(By.ID, "theme")
    button.click()

    assert (light, dark) == ("rgb(242, 244, 247)", "rgb(15, 18, 22)")
    assert (button.text, browser.execute_script(ground)) == ("Theme: light", light)
    opened(url)
    assert browser.execute_script(ground) == light


def test_on_a_phone_nothing_is_wider_than_the_screen(opened: Open, url: str) -> None:
    browser = opened(url)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    opened(url)

    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert _widget(browser, "Duration p50").size["width"] > 300


def _median_ms_of_second(run: Path, number: int) -> float:
    """Of the baseline's durations, in a second of the clock counted from the first."""
    records = _records(run)
    began = math.floor(min(record["sent_at"] for record in records))
    durations: list[float] = [
        record["duration_ms"]
        for record in records
        if record["variant"] == "no_cache" and math.floor(record["sent_at"]) == began + number
    ]
    return statistics.median_low(durations)


def _records(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_run_that_goes_on_is_seen_to_move(
    opened: Open, tmp_path: Path, shown_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POLL_S", "LONGEST_POLL_S", "LEAST_S", "MOST_S"):
        monkeypatch.setattr(live, name, 0.1)
    lines = (shown_run / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    run = tmp_path / "run"
    shutil.copytree(shown_run, run)
    content = json.loads((shown_run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(content | {"finished": False, "wire": None}))
    (run / "records.jsonl").write_text("".join(lines[:300]))
    with served_run(run) as url:
        browser = opened(url)
        status = browser.find_element(By.ID, "status")
        _until(browser, lambda: status.text == "live: 300 records")
        before, totals = _note(browser), _widget(browser, "Duration p50, ms", "numbers").text
        assert (
            "no record in this range has CacheLab DownstreamErrors"
            in _widget(browser, "Downstream errors", "nothing").text
        )

        with (run / "records.jsonl").open("a") as records:
            records.writelines(lines[300:600])
        _until(browser, lambda: status.text == "live: 600 records")
        _until(browser, lambda: _note(browser) != before)
        assert _widget(browser, "Duration p50, ms", "numbers").text != totals

        with (run / "records.jsonl").open("a") as records:
            records.writelines(lines[600:])
        shutil.copy(shown_run / "run.json", run / "run.json")
        _until(browser, lambda: status.text == "finished: 750 records")
        _until(browser, lambda: "nothing" not in browser.execute_script(KINDS))
        assert logged(browser, "browser") == []
    _until(browser, lambda: status.text.startswith("the server has stopped"))


def test_a_range_without_data_says_so_in_the_widgets(opened: Open, url: str) -> None:
    browser = opened(url)
    browser.execute_script("query.set('start', 1795237300); query.set('end', 1795237310); ask()")
    _until(browser, lambda: "nothing" in browser.execute_script(KINDS))

    assert set(browser.execute_script(KINDS)) <= {"words", "nothing"}
    assert (
        "No data: no record in this range has AWS/Lambda Duration." in _widget(browser, "Duration p50", "nothing").text
    )


def test_hostile_names_and_values_are_text(
    opened: Open, tmp_path: Path, application_dashboards: Sequence[DashboardBody]
) -> None:
    with served_run(add_dashboards(hostile_run(tmp_path / "run"), application_dashboards)) as url:
        browser = opened(url)
        _see_all(browser)

        assert logged(browser, "browser") == []
        assert browser.execute_script("return document.querySelectorAll('img, iframe, object').length") == 0
        assert browser.execute_script("return document.scripts.length") == 3
        assert browser.find_element(By.TAG_NAME, "h1").text.startswith("<img src=x onerror=alert(1)>")
        assert [asked for asked in _requests(browser) if not asked.startswith((f"{url}/", "data:"))] == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 1280
