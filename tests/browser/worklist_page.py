"""The worklist page as a test uses it: opened, read, clicked and typed into."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from selenium.common.exceptions import ElementNotInteractableException, StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

PATIENCE = 10.0  # seconds; nothing is timed with it
FILTERS = ("urgency", "pattern", "line", "condition", "guard", "missing")
WIDE, PHONE = (1280, 900), (390, 844)
_SHOWN = "return [...document.querySelectorAll('#rows button.open')].map((b) => b.textContent.replace('row ', ''))"
_ALL_SHOWN = """
const found = [], next = document.getElementById("after");
for (;;) {
  found.push(...[...document.querySelectorAll("#rows button.open")].map((b) => b.textContent.replace("row ", "")));
  if (next.disabled) return found;
  next.click();
}
"""
_OPTIONS = """
const select = document.getElementById("by-" + arguments[0]);
return [...select.options].map((option) => [option.value, option.textContent]);
"""
_WALK = """
const done = arguments[0], found = [], next = document.getElementById("next");
const which = () => document.getElementById("which").textContent.split(",")[0].replace("row ", "");
const look = () => { SCRIPT };
const wait = () => new Promise((ready) => setTimeout(ready, 5));
(async () => {
  for (;;) {
    const key = which();
    found.push([key, look()]);
    if (next.disabled) return done(found);
    next.click();
    while (which() === key) await wait();
  }
})();
"""
_UNFOLD = "for (let e = arguments[0]; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true"
PERSON = (Path(__file__).parent / "person_words.js").read_text(encoding="utf-8")


class Heard:
    """What the browser has asked for and complained of."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver
        self.requested: list[str] = []
        self.messages: list[str] = []

    def listen(self) -> None:
        """Take over what was logged since the last time."""
        for entry in self._driver.get_log("browser"):
            if entry["level"] in ("SEVERE", "WARNING"):
                self.messages.append(entry["message"])
        for entry in self._driver.get_log("performance"):
            told = json.loads(entry["message"])["message"]
            if told["method"] != "Network.requestWillBeSent":
                continue
            if not told["params"]["documentURL"].startswith("chrome"):  # the browser's own first page
                self.requested.append(told["params"]["request"]["url"])

    def forget(self) -> None:
        """Drop what was logged: it was provoked."""
        self.listen()
        self.requested, self.messages = [], []

    def beyond(self, addresses: set[str]) -> list[str]:
        """Return the requests for anything but some pages and what they hold themselves."""
        return [url for url in self.requested if url not in addresses and not url.startswith("blob:")]


class WorklistPage:
    """One open page, at one size of screen."""

    def __init__(
        self, driver: Chrome, path: Path, downloads: Path, heard: Heard, size: tuple[int, int], *, forget: bool = True
    ) -> None:
        self.driver, self.address, self.downloads, self.heard = driver, path.as_uri(), downloads, heard
        self.width, height = size
        screen = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.load()
        if forget:
            self.forget_answers()

    def load(self) -> None:
        """Load the page anew."""
        self.driver.get(self.address)
        self.until(lambda: self.script("return document.body.dataset.ready === 'yes'"))

    def forget_answers(self) -> None:
        """Load the page anew, without the answers that the browser kept."""
        self.script("localStorage.clear()")
        self.load()

    def script(self, text: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(text, *arguments)

    def until(self, told: Callable[[], Any]) -> None:
        """Wait until something is so."""
        WebDriverWait(self.driver, PATIENCE, poll_frequency=0.02).until(lambda _: told())

    def one(self, selector: str) -> WebElement:
        """Return an element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def every(self, selector: str) -> list[WebElement]:
        """Return every element."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """Click where an element is, as a hand would."""
        self.one(selector).click()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def text(self, selector: str) -> str:
        """Return the text of an element, seen or not, with single blanks."""
        return " ".join(str(self.one(selector).get_property("textContent")).split())

    # The list

    def shown(self) -> list[str]:
        """Return the keys of the rows that are in the list now."""
        return list(self.script(_SHOWN))

    def all_shown(self) -> list[str]:
        """Turn every page of the list from here on; return the keys of their rows."""
        return list(self.script(_ALL_SHOWN))

    def choose(self, name: str, value: str) -> None:
        """Choose an option of a filter; on a phone the filters are folded."""
        self.script("document.getElementById('more-filters').open = true")
        Select(self.one(f"#by-{name}")).select_by_value(value)

    def options(self, name: str) -> dict[str, str]:
        """Return the options of a filter, and how each reads."""
        return dict(self.script(_OPTIONS, name))

    def search(self, text: str) -> None:
        """Type into the search box, in place of what is there."""
        self.one("#search").clear()
        self.one("#search").send_keys(text)

    def focused(self) -> str:
        """Return the key of the row that has the focus, or what else has it."""
        told = "const e = document.activeElement; return e.tagName === 'BUTTON' ? e.textContent : e.tagName"
        return str(self.script(told)).removeprefix("row ")

    def sees_focus(self) -> bool:
        """Tell whether what has the focus is in the viewport, with nothing over it."""
        return bool(
            self.script(
                "const e = document.activeElement, r = e.getBoundingClientRect();"
                "const over = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);"
                "return over !== null && (e === over || e.contains(over))"
            )
        )

    # One person

    @property
    def is_open(self) -> bool:
        """Whether a person is open."""
        return bool(self.script("return document.getElementById('person').open"))

    @property
    def opened(self) -> str:
        """The key of the person who is open; empty where none is."""
        return self.text("#which").split(",")[0].removeprefix("row ") if self.is_open else ""

    def open(self, key: str) -> None:
        """Open a row that is in the list, by a click."""
        self.until(lambda: self._clicked(key))
        self.until(lambda: self.opened == key)

    def _clicked(self, key: str) -> bool:
        """Click on a row, and tell whether it was still there: the list may be drawn anew behind a closing person."""
        number = self.shown().index(key)
        try:
            self.every("#rows button.open")[number].click()
        except (StaleElementReferenceException, ElementNotInteractableException):
            return False
        return True

    def open_first(self) -> None:
        """Open the first row of the list."""
        self.click("#rows button.open")
        self.until(lambda: self.is_open)

    def close(self) -> None:
        """Close the person."""
        self.click("#close")
        self.until(lambda: not self.is_open)

    def person(self) -> dict[str, Any]:
        """Return the words of the open person, by part."""
        return dict(self.script(PERSON))

    def walk(self, script: str) -> dict[str, Any]:
        """Go from the open person to the last one by the button; return what a script finds at each, by key."""
        return dict(self.driver.execute_async_script(_WALK.replace("SCRIPT", script)))

    # Answers

    def answer(self, rule: str, word: str) -> None:
        """Click agree, disagree or comment beside what a rule told."""
        self._box(rule).find_element(By.XPATH, f"./button[text()='{word}']").click()

    def say_instead(self, rule: str, word: str) -> None:
        """Say what it is instead."""
        Select(self._box(rule).find_element(By.TAG_NAME, "select")).select_by_value(word)

    def comment(self, rule: str, text: str) -> None:
        """Write a comment."""
        self.answer(rule, "comment")
        self._box(rule).find_element(By.TAG_NAME, "input").send_keys(text)

    def pressed(self, rule: str) -> list[str]:
        """Return which answers of a rule are pressed."""
        buttons = self._box(rule).find_elements(By.TAG_NAME, "button")
        return [button.text for button in buttons if button.get_attribute("aria-pressed") == "true"]

    def _box(self, rule: str) -> WebElement:
        """Return the buttons of a rule, unfolded with what they are about."""
        selector = f'#page [data-rule="{rule}"]'
        self.script(_UNFOLD, self.one(selector))
        box = self.one(f"{selector} > .answer, {selector} + .answer")
        asks = [ask for ask in box.find_elements(By.CSS_SELECTOR, "button.ask") if ask.is_displayed()]
        for ask in asks:
            self.script("arguments[0].click()", ask)
        box = box.find_element(By.CSS_SELECTOR, ".given")
        self.script("arguments[0].scrollIntoView({ block: 'center' })", box)
        return box

    def save(self, kind: str) -> Path:
        """Save the answers as "csv" or "json", by a real download; return the file."""
        for file in self.downloads.iterdir():
            file.unlink()
        self.click(f"#to-{kind}")
        expected = self.downloads / f"answers.{kind}"
        self.until(lambda: expected.exists() and not list(self.downloads.glob("*.crdownload")))
        return expected

    def restore(self, file: Path) -> None:
        """Choose a file of saved answers."""
        self.one("#load").send_keys(str(file))

    # The screen

    def media(self, name: str) -> None:
        """Show the page as on a "screen", or as in "print"."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": name})


def keys(rows: Iterable[Any]) -> list[str]:
    """Return the keys of some rows, as the page writes them."""
    return [row.key for row in rows]
