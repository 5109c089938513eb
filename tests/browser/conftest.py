"""A headless Chromium without network, and the pages that it opens."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

import pages
from proxsweep.dms.page import page
from proxsweep.sweep import chosen, fits

CHROMIUM = shutil.which("chromium")
READY = "html[data-ready]"
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 144, 36  # from the edges of the plot to the heatmap, as layout.js has them
ABOVE = 112  # from the top to where the profile is


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for since it was opened."""

    tab: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        """Text of an element, minus signs as hyphens."""
        return self.tab.locator(selector).inner_text().replace("\N{MINUS SIGN}", "-")

    def select(self, control: str, text: str) -> None:
        """Select the option that has this text, whatever is noted behind it."""
        options = self.tab.locator(f"#{control} option").all_inner_texts()
        (label,) = [option for option in options if re.split(r"[ :](?=\(|:| )|:", option)[0] == text or option == text]
        self.tab.select_option(f"#{control}", label=label)

    def find(self, mutation: str) -> None:
        """Type a mutation or a site where one is looked for."""
        self.tab.fill("#find", mutation)
        self.tab.press("#find", "Enter")

    def details(self) -> dict[str, list[str]]:
        """The table of the mutation that is picked: for each replicate, and their mean, its column."""
        return self.columns("#details tr")

    def rows(self, selector: str) -> dict[str, list[str]]:
        """Texts of the cells of a table's rows, by the first of each row."""
        texts = [row.replace("\N{MINUS SIGN}", "-").split("\t") for row in self.tab.locator(selector).all_inner_texts()]
        return {name.strip(): [cell.strip() for cell in cells] for name, *cells in texts}

    def columns(self, selector: str) -> dict[str, list[str]]:
        """The same by the last word of each heading of a column."""
        head, *body = self.rows(selector).values()
        return {name.split(" ")[-1]: [line[k] for line in body] for k, name in enumerate(head)}

    def counts(self) -> list[int]:
        """Numbers of mutations shown, not zero, and seen too rarely."""
        return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?= )", self.text("#counts"))][:3]

    def colour(self, mutation: str) -> list[int]:
        """Red, green and blue in the middle of a mutation's cell, as the screen shows it; right of a mark in it."""
        script = """([x, y]) => {
          const canvas = document.getElementById("plot"), box = canvas.getBoundingClientRect();
          const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          const place = [x - box.left, y - box.top].map(length => Math.floor(length * window.devicePixelRatio));
          copy.drawImage(canvas, ...place, 1, 1, 0, 0, 1, 1);
          return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
        sites, letters = self.tab.evaluate("[page.data.sites, page.data.letters]")
        place = self.place(sites.index(mutation[1:-1]) + 0.9, letters.index(mutation[-1]) + 0.2)
        return self.tab.evaluate(script, place)

    def place(self, site: float, row: float) -> tuple[float, float]:
        """Position in the window of a place on the heatmap; negative rows lie on the profile above."""
        box = self.tab.locator("#plot").bounding_box()
        first, last, rows = self.tab.evaluate("[...page.state.view, page.data.letters.length]")
        x = LEFT + (site - first) / (last - first) * (box["width"] - LEFT - RIGHT)
        y = ABOVE if row < 0 else TOP + row / rows * (box["height"] - TOP - BOTTOM)
        return box["x"] + x, box["y"] + y


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one these tests are skipped, but where CI is true they fail."""
    if CHROMIUM is None:
        message = "needs Chromium (Debian package chromium)"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made study, with its page in `page.html`."""
    folder = pages.write(tmp_path_factory.mktemp("study"))
    text = page.make(fits.read(folder / "fits.csv"), chosen.load(folder / "chosen.csv"))
    (folder / "page.html").write_text(text)
    return folder


@pytest.fixture
def open_page(browser: Browser) -> Iterator:
    """A function that opens a file in a window of its own, without network; what goes wrong there fails the test."""
    contexts, opened = [], []

    def open_file(path: Path, width: int = 1280, height: int = 900, before: str = "", ready: str = READY) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        contexts.append(context)
        found = Opened(context.new_page())
        opened.append(found)
        found.tab.set_default_timeout(20_000)
        found.tab.on("console", lambda message: found.said.append(message.text))
        found.tab.on("pageerror", lambda error: found.said.append(str(error)))
        found.tab.on("request", lambda request: found.asked.append(request.url))
        if before:
            found.tab.add_init_script(before)
        found.tab.goto(path.as_uri())
        found.tab.wait_for_selector(ready)
        return found

    yield open_file
    for context in contexts:
        context.close()
    for found in opened:
        assert found.said == []
        assert [address for address in found.asked if not address.startswith("file:")] == []


@pytest.fixture
def opened(open_page, study: Path) -> Opened:
    """The page of the made study."""
    return open_page(study / "page.html")
