"""The pictures of the pages in `docs/results`: `python -m tests.browser.screenshots`.

Drawn by Chromium from the committed run: the HTML report (desktop in light and in dark, phone) and the comparison
dashboard (light and dark).
"""

import base64
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, Literal, NamedTuple

from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from lab.report.render import render
from tests.browser.chromium import chromium
from tests.served_dashboard import served_dashboard

ROOT: Final = Path(__file__).resolve().parents[2]
RESULTS: Final = ROOT / "docs" / "results"
DEMO: Final = RESULTS / "demo"
LARGEST: Final = 400_000
"""Bytes of a picture."""

PHONE: Final = 390
WIDGETS: Final = "return document.querySelectorAll('[data-kind=graph] canvas').length >= 4"
CHARTS: Final = "return [...document.querySelectorAll('figure svg')].length"
TOP: Final = """return [...document.querySelectorAll('h2')].find((one) => one.textContent.trim() === arguments[0])
  .getBoundingClientRect().top + scrollY - 20"""


class Picture(NamedTuple):
    """One picture.

    Attributes:
        name: its file's, without the ending.
        width: of the page, CSS pixels.
        height: of the picture; a page may be longer.
        theme: that the reader has chosen.
        beginning: of the part that is taken, the text of a heading; None for the page's.
    """

    name: str
    width: int
    height: int
    theme: Literal["light", "dark"]
    beginning: str | None = None


REPORT: Final = (
    Picture("report/light", 1280, 2050, "light"),
    Picture("report/dark", 1280, 2300, "dark", beginning="Charts"),
    Picture("report/phone", PHONE, 3000, "light"),
)
DASHBOARD: Final = (
    Picture("dashboard/light", 1440, 1180, "light"),
    Picture("dashboard/dark", 1440, 1180, "dark"),
)


def take(browser: webdriver.Chrome, url: str, picture: Picture, drawn: str) -> Path:
    """Take one picture of a page.

    Args:
        browser: that opens it.
        url: of the page.
        picture: which.
        drawn: a script that is true when the page is drawn.
    """
    phone = picture.width == PHONE
    media = {"media": "", "features": [{"name": "prefers-color-scheme", "value": picture.theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": picture.width, "height": picture.height, "deviceScaleFactor": 1, "mobile": phone}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(url)
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(drawn))
    time.sleep(1)  # the frame after the last change of size
    top = browser.execute_script(TOP, picture.beginning) if picture.beginning else 0
    clip = {"x": 0, "y": top, "width": picture.width, "height": picture.height, "scale": 1}
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    path = RESULTS / f"{picture.name}.png"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(base64.b64decode(taken["data"]))
    return path


def main() -> None:
    """Take all of them, and print their sizes; an exit code of 1 if one is too large."""
    with tempfile.TemporaryDirectory(prefix="lab-pictures-") as folder:
        page = Path(folder) / "report.html"
        page.write_text(render(DEMO, "html"), encoding="utf-8")
        with chromium(Path(folder) / "profile") as browser, served_dashboard(DEMO) as (url, _):
            paths = [take(browser, page.as_uri(), one, CHARTS) for one in REPORT]
            paths += [take(browser, url, one, WIDGETS) for one in DASHBOARD]
    for path in paths:
        sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size // 1000} KB\n")
    sys.exit(any(path.stat().st_size > LARGEST for path in paths))


if __name__ == "__main__":
    main()
