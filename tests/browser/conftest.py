"""One headless Chromium for all of these tests, and the pages, each made once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

import cbc_screen as cbc
from browser.exports import (
    ANSWERED,
    HISTORY,
    HOSTILE_FILE,
    HOSTILE_HEADERS,
    hostile_message,
    write_hostile,
    write_large,
    write_table,
)
from browser.worklist_page import WIDE, Heard, WorklistPage
from cbc_screen.demo import write_demo

MANY = 3_000
AXE = Path(__file__).resolve().parents[2] / ".browser/node_modules/axe-core/axe.min.js"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)

Open = Callable[..., WorklistPage]


@dataclass(frozen=True)
class Made:
    """A flags file and its page."""

    flags: Path
    page: Path


def missing(what: str) -> None:
    """Fail where CI should have it, skip elsewhere."""
    message = f"{what} is not there; .ci/run installs it"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser saves files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[webdriver.Chrome]:
    """Start the browser, with a profile of its own."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        missing("chromium with chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(service=webdriver.ChromeService(chromedriver), options=options)
    started.set_script_timeout(120)
    yield started
    started.quit()


@pytest.fixture
def open_page(driver: webdriver.Chrome, downloads: Path) -> Iterator[Open]:
    """Open pages; whatever a test does with them, nothing leaves them and nothing is complained of."""
    opened: list[WorklistPage] = []
    heard = Heard(driver)
    heard.forget()  # what the browser did before

    def open_one(made: Made, size: tuple[int, int] = WIDE, *, forget: bool = True) -> WorklistPage:
        opened.append(WorklistPage(driver, made.page, downloads, heard, size, forget=forget))
        return opened[-1]

    yield open_one
    heard.listen()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    driver.get("about:blank")
    assert heard.messages == []
    assert heard.beyond({page.address for page in opened}) == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    path = Path(os.environ.get("CBC_SCREEN_AXE", AXE))
    if not path.is_file():
        missing("axe-core")
    return path.read_text(encoding="utf-8")


# The pages -------------------------------------------------------------------------------


def made(folder: Path, source: Any, *, name: str = "flags", person: str | None = None, **options: Any) -> Made:
    """Scan a source and write its page."""
    flags, page = folder / f"{name}.parquet", folder / "worklist.html"
    cbc.scan(source, flags, **{"received": True, **options})
    cbc.worklist(flags, page, person=person)
    return Made(flags, page)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The synthetic export of the demo, its page written by the scan itself."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder / "export.csv")
    found = Made(folder / "flags.parquet", folder / "worklist.html")
    cbc.scan(folder / "export.csv", found.flags, keep=["Sample"], report=found.page)
    return found


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, demo: Made) -> Made:
    """The same export without its cells as received."""
    folder = tmp_path_factory.mktemp("bare")
    return made(folder, demo.flags.parent / "export.csv", received=False, keep=["Sample"])


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Three counts to answer about."""
    folder = tmp_path_factory.mktemp("answered")
    write_table(folder / "export.csv", ANSWERED)
    return made(folder, folder / "export.csv", keep=["Sample"])


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Several counts of one person."""
    folder = tmp_path_factory.mktemp("history")
    write_table(folder / "export.csv", HISTORY)
    return made(folder, folder / "export.csv", keep=["MRN"], person="MRN")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Hostile texts in every cell, two headers, both file names and the name of the flags."""
    folder = tmp_path_factory.mktemp("hostile")
    files = [folder / f"{HOSTILE_FILE}.csv", folder / "<b class=pwned>second.csv"]
    for file in files:
        write_hostile(file)
    keep = ["Sample", "MRN", *HOSTILE_HEADERS]
    return made(folder, files, name=HOSTILE_FILE, person="MRN", keep=keep)


@pytest.fixture(scope="session")
def hostile_hl7(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A message with hostile texts in every field that may hold any."""
    folder = tmp_path_factory.mktemp("message")
    (folder / "message.hl7").write_bytes(hostile_message().encode())
    return made(folder, folder / "message.hl7")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Thousands of people, all of them to review."""
    folder = tmp_path_factory.mktemp("large")
    write_large(folder / "export.csv", MANY)
    return made(folder, folder / "export.csv", keep=["Sample"])
