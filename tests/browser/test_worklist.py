"""The worklist in a real Chromium: what is listed, in which order, how it is filtered and opened (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

import cbc_screen as cbc
from browser.conftest import MANY, Made, Open
from browser.expected import (
    LINES,
    Row,
    listed,
    person_page,
    read_rows,
    sections,
    to_review,
)
from browser.worklist_page import FILTERS, PERSON, PHONE, WIDE, WorklistPage, keys
from cbc_screen.engines.rescreen import FlagFile
from cbc_screen.engines.worklist import IN_A_PIECE, write_worklist
from cbc_screen.knowledge.loaded import load_knowledge
from cbc_screen.vocabulary import NOTICE

IN_A_PAGE = 50
FOLDS = 5  # results, review triggers, published cut-offs, blood criteria, sources
WIDTHS = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1280 px", "390 px"])


def one_by(rows: tuple[Row, ...], sample: str) -> Row:
    """Return the row of a sample."""
    (found,) = [row for row in rows if row.cells["Sample"] == sample]
    return found


# 1. What is listed, and in which order.


def test_the_most_urgent_counts_come_first(demo: Made, open_page: Open) -> None:
    rows, page = listed(demo.flags), open_page(demo)
    found = page.all_shown()
    # T02 and T01 have three lines low and urgency immediate, T17 is less severe; T07 is the first prompt one.
    samples = {row.key: row.cells["Sample"] for row in rows}
    assert [samples[key] for key in found[:4]] == ["T02", "T01", "T17", "T07"]
    assert found == keys(rows)


def test_every_count_with_something_to_review_is_listed_and_no_other(demo: Made, open_page: Open) -> None:
    rows, page = read_rows(demo.flags), open_page(demo)
    review = [str(row["row"]) for row in rows if to_review(row)]
    assert 0 < len(review) < len(rows) == 501
    assert sorted(page.all_shown()) == sorted(review)
    assert page.text("#count") == f"{len(review)} of {len(review)} listed counts"
    assert page.text("main > p").startswith(
        f"{len(review)} of 501 counts screened have something to review; 503 rows in = 501 screened + 2 rejected."
    )


def test_a_row_of_the_list_says_what_the_flags_say(demo: Made, open_page: Open) -> None:
    page = open_page(demo)
    row = one_by(listed(demo.flags), "T01")
    place = page.shown().index(row.key)
    cells = page.script(
        "return [...document.querySelectorAll('#rows tr')[arguments[0]].cells].map((cell) => cell.textContent)", place
    )
    assert cells[0] == f"row {row.key}Sample T01, 54 y, female"
    assert cells[1:7] == [
        "immediateplatelets below the notification limit (platelets below 10 ×10⁹/L)"
        "neutrophils below the notification limit (neutrophils 0.2 ×10⁹/L)",
        "pancytopenia",
        "71 g/L low",
        "0.2 ×10⁹/L low",
        "below 10 ×10⁹/L low",
        "very severe",
    ]
    names = [entry.name for entry in row.result.checklist if entry.id in row.facet("condition")]
    assert cells[7] == f"{'; '.join(names[:2])}; and {len(names) - 2} more"


def test_a_row_that_is_listed_says_why(demo: Made, open_page: Open) -> None:
    """A count without a low line and without urgency is listed for its guards and review triggers."""
    page = open_page(demo)
    rows = [row for row in listed(demo.flags) if row.cells["pattern"] == row.cells["urgency"] == "none"]
    assert len(rows) == 7  # two more have an MCV above 105, which is routine
    page.choose("urgency", "none")
    page.choose("pattern", "none")
    told = page.script("return [...document.querySelectorAll('#rows tr')].map((row) => row.cells[8].textContent)")
    for row, text in zip(rows[:IN_A_PAGE], told, strict=True):
        first = [*row.result.guards, *row.result.review_triggers][0]
        assert first.text in text, row.key


def test_the_figures_count_every_row_and_stand_beside_their_numbers(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), read_rows(demo.flags)
    page.click("details.summary > summary")
    figures = page.script(
        "return Object.fromEntries([...document.querySelectorAll('figure')].map((figure) =>"
        "[figure.querySelector('figcaption').textContent, [...figure.querySelectorAll('tbody tr')].map((row) =>"
        "[row.cells[0].textContent, ...[...row.querySelectorAll('.number')].map((cell) => cell.textContent)])]))"
    )
    for title, name in (("Patterns, all rows screened", "pattern"), ("Urgency, all rows screened", "urgency")):
        counts = Counter(row[name].replace("_", " ") for row in rows)
        assert {word: int(number) for word, number in figures[title]} == counts
    severity = next(told for title, told in figures.items() if title.startswith("Severity by line"))
    assert [sum(int(row[column]) for row in severity) for column in (1, 2, 3)] == [len(listed(demo.flags))] * 3
    assert figures["Rejected rows"] == [["NO_RESULT", "1"], ["ROW_RAGGED", "1"]]


# 2. Filters and search.


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_shows_the_rows_that_fit_and_counts_them(demo: Made, open_page: Open, name: str) -> None:
    page, rows = open_page(demo), listed(demo.flags)
    counts = Counter(value for row in rows for value in row.facet(name))
    options = page.options(name)
    assert set(options) == {"", *counts}
    assert options.pop("") == f"all ({len(rows)})"
    for value, text in options.items():
        assert text.endswith(f" ({counts[value]})"), value
        page.choose(name, value)
        assert page.all_shown() == keys(row for row in rows if row.fits({name: value})), value
    page.click("#reset")
    page.until(lambda: page.text("#count") == f"{len(rows)} of {len(rows)} listed counts")
    assert page.all_shown() == keys(rows)


@pytest.mark.parametrize(
    "chosen",
    [
        {"urgency": "prompt", "line": "platelet"},
        {"pattern": "bicytopenia", "condition": "mds", "line": "white"},
        {"urgency": "prompt", "missing": "sex"},
        {"pattern": "cannot_tell", "guard": "platelet_clumps"},
        {"urgency": "immediate", "pattern": "single_line"},
    ],
    ids=lambda chosen: " and ".join(chosen.values()),
)
def test_filters_go_together_and_each_counts_what_the_others_leave(
    demo: Made, open_page: Open, chosen: dict[str, str]
) -> None:
    page, rows = open_page(demo), listed(demo.flags)
    for name, value in chosen.items():
        page.choose(name, value)
    assert page.all_shown() == keys(row for row in rows if row.fits(chosen))
    for name in FILTERS:
        others = {other: value for other, value in chosen.items() if other != name}
        left = [row for row in rows if row.fits(others)]
        counts = Counter(value for row in left for value in row.facet(name))
        for value, text in page.options(name).items():
            assert text.endswith(f" ({counts[value] if value else len(left)})"), (name, value)


def test_the_search_finds_kept_columns_conditions_checks_and_reasons(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), listed(demo.flags)

    def told(row: Row) -> list[str]:
        considered = [entry.name for entry in row.result.checklist if entry.id in row.facet("condition")]
        checks = [finding.text for finding in (*row.result.guards, *row.result.review_triggers)]
        return [row.cells["Sample"], row.cells["reasons"], *considered, *checks]

    for text in ("T17", "s00", "Aplastic anemia", "clump", "UNIT_MISSING", "  CENSORED_low "):
        wanted = text.strip().lower()
        found = keys(row for row in rows if any(wanted in part.lower() for part in told(row)))
        assert 0 < len(found) < len(rows)
        page.search(text)
        page.until(lambda found=found: page.shown() == found[:IN_A_PAGE])
        assert page.all_shown() == found, text
    page.search("no count has this")
    page.until(lambda: page.text("#count") == f"0 of {len(rows)} listed counts")
    assert page.shown() == []
    assert page.text("#place") == "page 1 of 1"


def test_a_row_is_found_by_the_name_it_has_in_the_list(demo: Made, open_page: Open) -> None:
    page, row = open_page(demo), one_by(listed(demo.flags), "T01")
    page.search(f"row {row.key}")
    page.until(lambda: page.text("#count").split()[0] != str(len(listed(demo.flags))))
    assert row.key in page.shown()


# 3. The keyboard.


def test_arrows_move_enter_opens_and_escape_comes_back(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), keys(listed(demo.flags))
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.focused() == rows[2]
    page.press(Keys.ARROW_UP)
    assert page.focused() == rows[1]
    page.press(Keys.ENTER)
    page.until(lambda: page.opened == rows[1])
    for key, step in ((rows[2], Keys.ARROW_DOWN), (rows[3], Keys.ARROW_DOWN), (rows[2], Keys.ARROW_UP)):
        page.press(step)
        page.until(lambda key=key: page.opened == key)
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.is_open)
    assert page.focused() == rows[2]


def test_the_ends_of_the_list_are_ends(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), keys(listed(demo.flags))
    page.press(Keys.ARROW_DOWN, Keys.ARROW_UP, Keys.ARROW_UP)
    assert page.focused() == rows[0]
    page.press(Keys.ENTER)
    page.until(lambda: page.opened == rows[0])
    page.press(Keys.ARROW_UP)
    assert page.opened == rows[0]
    assert not page.one("#previous").is_enabled()
    assert page.one("#next").is_enabled()


def test_the_keyboard_turns_the_pages_of_the_list(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), keys(listed(demo.flags))
    pages = math.ceil(len(rows) / IN_A_PAGE)
    page.press(*[Keys.ARROW_DOWN] * (IN_A_PAGE + 1))
    assert page.focused() == rows[IN_A_PAGE]
    assert page.shown() == rows[IN_A_PAGE : 2 * IN_A_PAGE]
    assert page.text("#place") == f"page 2 of {pages}"
    page.press(Keys.ARROW_UP)
    assert page.focused() == rows[IN_A_PAGE - 1]
    assert page.text("#place") == f"page 1 of {pages}"
    page.press(Keys.ENTER)
    page.until(lambda: page.opened == rows[IN_A_PAGE - 1])
    page.press(Keys.ARROW_DOWN)
    page.until(lambda: page.opened == rows[IN_A_PAGE])
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.is_open)
    assert page.text("#place") == f"page 2 of {pages}"
    assert page.focused() == rows[IN_A_PAGE]


def test_arrows_inside_of_a_field_stay_there(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), keys(listed(demo.flags))
    page.open(rows[0])
    page.answer("pattern:pattern", "comment")
    page.press("a", Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert page.opened == rows[0]


@WIDTHS
def test_what_has_the_focus_is_seen(demo: Made, open_page: Open, size: tuple[int, int]) -> None:
    """The header that stays on top must not lie over the row that the keyboard moved to."""
    page = open_page(demo, size)
    page.press(*[Keys.ARROW_DOWN] * 12)
    assert page.sees_focus()
    for _ in range(11):
        page.press(Keys.ARROW_UP)
        assert page.sees_focus(), page.focused()


def test_escape_wins_over_a_step_that_was_not_done_yet(large: Made, open_page: Open) -> None:
    page = open_page(large)
    page.open(page.shown()[0])
    found = page.script(
        "const dialog = document.getElementById('person');"
        "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }));"
        "dialog.close();"
        "return new Promise((done) => setTimeout(() => done(dialog.open), 1000));"
    )
    assert found is False


def test_steps_over_the_end_of_a_piece_all_count(large: Made, open_page: Open) -> None:
    """The pages of people lie in compressed pieces; the next one must be unpacked on the way."""
    page = open_page(large)
    rows = page.all_shown()
    page.load()
    for _ in range((IN_A_PIECE - 2) // IN_A_PAGE):
        page.click("#after")
    page.open(rows[IN_A_PIECE - 2])
    page.script(
        "for (let i = 0; i < 4; i++) document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }));"
    )
    page.until(lambda: page.opened == rows[IN_A_PIECE + 2])
    told = page.person()
    wanted = person_page(cbc.screen_again(large.flags, rows[IN_A_PIECE + 2]))
    assert {part: told[part] for part in wanted} == single(wanted)


# 4. One person.


def test_the_page_of_a_person_has_every_word_of_the_result(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), listed(demo.flags)
    page.open(rows[0].key)
    found = page.walk(PERSON)
    assert list(found) == keys(rows)
    for row in rows:
        told, wanted = found[row.key], person_page(row.result)
        for part, words in wanted.items():
            assert told[part] == single(words), (row.key, part)
        for head, words in sections(row.result).items():
            assert told["sections"][head] == single(words), (row.key, head)


def single(words: Any) -> Any:
    """Return texts as a browser shows them: runs of blanks are one."""
    if isinstance(words, str):
        return " ".join(words.split())
    if isinstance(words, dict):
        return {name: single(value) for name, value in words.items()}
    if isinstance(words, int):
        return words
    return [single(word) for word in words]


def test_the_sickest_person_by_hand(demo: Made, open_page: Open) -> None:
    page, row = open_page(demo), one_by(listed(demo.flags), "T01")
    page.open(row.key)
    told = page.person()
    assert page.text("#which") == f"row {row.key}, Sample T01"
    assert told["heading"] == "pancytopenia: red, white and platelet lines low"
    assert told["badges"] == ["severity very severe", "urgency immediate"]
    assert told["why"] == [
        "platelets below 10 ×10⁹/L: platelets below the notification limit",
        "neutrophils 0.2 ×10⁹/L: neutrophils below the notification limit",
    ]
    assert told["person"] == ["age at collection 54 y", "sex female (received: F)"]
    assert told["lines"] == [
        ["red", "low", "hemoglobin", "71 g/L", "below 117 g/L", "grade 3, severe"],
        ["white", "low", "neutrophils", "0.2 ×10⁹/L", "below 1.79 ×10⁹/L", "grade 3, severe"],
        ["platelet", "low", "platelets", "below 10 ×10⁹/L", "below 157 ×10⁹/L", "grade 4, very severe"],
    ]
    platelets = next(result for result in told["results"] if result[0] == "Platelets")
    assert platelets[:4] == ["Platelets", "<10 10^9/L", "below 10 ×10⁹/L", "lowCENSORED_LOW"]
    assert any(label.startswith("Platelets: below 10 ×10⁹/L, low") for label in told["bars"])
    # What fits stands first, then what must not be missed; neither is folded.
    assert [(group["heading"], group["start"], group["folded"]) for group in told["groups"][:2]] == [
        ("Fits this count", 1, False),
        ("Must not be missed", 6, False),
    ]
    assert told["groups"][0]["names"] == [
        "Acute leukemia (AML/ALL)",
        "Marrow suppression by drug, chemotherapy, radiation or toxin",
        "Acute promyelocytic leukemia (APL)",
        "Aplastic anemia (acquired)",
        "Megaloblastic anemia (B12 or folate deficiency)",
    ]
    assert told["groups"][1]["names"] == [
        "Hemophagocytic lymphohistiocytosis (HLH) / macrophage activation syndrome",
        "Infection or sepsis (bacterial, malaria, dengue, typhoid, rickettsial)",
        "Disseminated intravascular coagulation (DIC)",
    ]


def test_the_severity_bands_are_told_apart_without_color(demo: Made, open_page: Open) -> None:
    page, row = open_page(demo), one_by(listed(demo.flags), "T01")
    page.open(row.key)
    heights = page.script(
        "return Object.fromEntries([...document.querySelectorAll('svg.bar .band')].map((band) =>"
        "[band.classList[1], Number(band.getAttribute('height'))]))"
    )
    assert sorted(heights, key=heights.__getitem__) == ["mild", "moderate", "severe", "very_severe"]
    assert len(set(heights.values())) == 4


@WIDTHS
def test_the_notice_is_seen_wherever_one_scrolls(demo: Made, open_page: Open, size: tuple[int, int]) -> None:
    page, row = open_page(demo, size), listed(demo.flags)[0]
    for place in ("0", "document.documentElement.scrollHeight"):
        page.script(f"scrollTo(0, {place})")
        assert notice_seen(page, "header.top .notice")
    page.script("scrollTo(0, 0)")
    page.open(row.key)
    for place in ("0", "900", "dialog.scrollHeight"):
        page.script(f"const dialog = document.getElementById('person'); dialog.scrollTop = {place}")
        assert notice_seen(page, "#person .bar-top .notice")


def notice_seen(page: WorklistPage, selector: str) -> bool:
    """Tell whether the notice lies in the viewport, with nothing over it."""
    assert page.text(selector) == NOTICE
    return bool(
        page.script(
            "const e = document.querySelector(arguments[0]), r = e.getBoundingClientRect();"
            "return r.top >= 0 && r.bottom <= innerHeight && r.left >= 0 && r.right <= innerWidth"
            " && document.elementFromPoint(r.x + 5, r.y + r.height / 2) === e",
            selector,
        )
    )


@pytest.mark.parametrize(("size", "screens"), [((1440, 900), 2), (PHONE, 5)], ids=["a desk", "a phone"])
def test_a_person_is_two_screens_on_a_desk_and_five_on_a_phone(
    demo: Made, open_page: Open, size: tuple[int, int], screens: int
) -> None:
    """Of everyone listed, with all that is folded left folded; none of it is lost, and the most important stands first."""
    page = open_page(demo, size)
    page.open(listed(demo.flags)[0].key)
    heights = page.walk("return document.getElementById('person').scrollHeight")
    assert max(heights.values()) <= screens * size[1]


def test_what_counts_most_stands_first(demo: Made, open_page: Open) -> None:
    page, row = open_page(demo), one_by(listed(demo.flags), "T01")
    page.open(row.key)
    order = page.script(
        "return [...document.querySelectorAll('#page :is(h2, ul.why, table.lines, ol.checklist, ul.tests, #others, .rest)')]"
        ".map((part) => part.id || part.className || part.tagName)"
    )
    assert order == ["H2", "why", "lines", *["checklist"] * 4, "tests", "others", "rest"]
    drawn = page.script(
        "return [...document.querySelectorAll('table.lines tr')].filter((row) => row.querySelector('svg')).length"
    )
    assert drawn == 3
    texts = page.script(
        "return [...document.querySelectorAll('#page .notice, #page p, #page li > b')].map((p) => p.textContent)"
    )
    assert sum("pancytopenia" in text.lower() for text in texts) == 0  # the heading has said it


def test_a_slash_searches_and_down_goes_on_to_what_was_found(demo: Made, open_page: Open) -> None:
    page, row = open_page(demo), one_by(listed(demo.flags), "T17")
    page.press("/", "T", "1", "7")
    assert page.one("#search").get_property("value") == "T17"
    page.until(lambda: page.shown() == [row.key])
    page.press(Keys.ARROW_DOWN)
    assert page.focused() == row.key
    page.press(Keys.ENTER)
    page.until(lambda: page.opened == row.key)


def test_a_phone_folds_the_filters_and_says_how_many_are_on(demo: Made, open_page: Open) -> None:
    page = open_page(demo, PHONE)
    assert not page.one("#by-urgency").is_displayed()
    assert page.one("#search").is_displayed()
    page.choose("urgency", "immediate")
    assert page.text("#more-filters summary") == "Filters (1 on)"
    assert open_page(demo).one("#by-urgency").is_displayed()


def test_a_dark_screen_is_dark_and_paper_is_not(demo: Made, open_page: Open, axe: str) -> None:
    page = open_page(demo)
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = page.script(paper)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", **dark})
    assert (light, page.script(paper)) == ("rgb(255, 255, 255)", "rgb(21, 26, 32)")
    page.script(axe)
    page.open(page.shown()[0])
    page.script("for (const details of document.querySelectorAll('#page details')) details.open = true")
    assert serious(page) == []  # also its contrasts
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", **dark})
    assert page.script(paper) == light


# 5. History.


def test_the_other_counts_of_a_person_are_shown_by_date_and_open(history: Made, open_page: Open) -> None:
    page = open_page(history)
    page.open("6")
    assert others(page) == [
        ["row 4", "2024-06-01", "single line", "110 g/L", "4 ×10⁹/L", "250 ×10⁹/L", "routine"],
        ["this count", "2024-12-01", "pancytopenia", "90 g/L", "1 ×10⁹/L", "90 ×10⁹/L", "prompt"],
        ["row 2", "2025-03-01", "pancytopenia", "75 g/L", "0.4 ×10⁹/L", "15 ×10⁹/L", "immediate"],
    ]
    page.click("#others tbody tr:nth-child(1) button")
    page.until(lambda: page.opened == "4")
    assert page.text("#page h2") == "single-line cytopenia: red line low"
    assert [row[0] for row in others(page)] == ["this count", "row 6", "row 2"]
    page.close()
    assert page.focused() == "4"


def test_the_lines_are_drawn_along_the_days(history: Made, open_page: Open) -> None:
    """From 2024-06-01 to 2025-03-01 are 273 days; 2024-12-01 is the 183rd: 402 of 600."""
    page = open_page(history)
    page.open("6")
    marks = page.script(
        "return [...document.querySelectorAll('#others circle')].map((mark) =>"
        "[Number(mark.getAttribute('cx')), mark.getAttribute('class')])"
    )
    assert marks[:3] == [[96, "mark low"], [498, "mark low now"], [696, "mark low"]]
    assert [kind for _, kind in marks[3:6]] == ["mark not_low", "mark low now", "mark low"]


def others(page: WorklistPage) -> list[list[str]]:
    """Return the rows of the person's other counts."""
    return list(
        page.script(
            "return [...document.querySelectorAll('#others tbody tr')].map((row) =>"
            "[...row.cells].map((cell) => cell.textContent))"
        )
    )


def test_counts_that_nobody_says_whose_they_are_have_no_history(history: Made, open_page: Open) -> None:
    page = open_page(history)
    for key in ("3", "7", "8"):  # P2 has one count; the others are of nobody in particular
        page.open(key)
        assert others(page) == []
        page.close()


def test_a_count_that_a_filter_hides_opens_from_the_history(history: Made, open_page: Open) -> None:
    page = open_page(history)
    page.choose("urgency", "immediate")
    assert page.shown() == ["2"]
    page.open("2")
    page.click("#others tbody tr:nth-child(1) button")
    page.until(lambda: page.opened == "4")
    assert not page.one("#previous").is_enabled()
    assert not page.one("#next").is_enabled()
    page.close()
    # It is not in the list: the focus is there all the same, not at the start of the page.
    assert page.focused() == "2"


# 9. and 10. Assistive technology, phones, paper.


@WIDTHS
def test_no_serious_fault_of_accessibility(demo: Made, open_page: Open, axe: str, size: tuple[int, int]) -> None:
    page = open_page(demo, size)
    page.script(axe)
    assert serious(page) == []
    page.click("details.summary > summary")
    assert serious(page) == []
    page.click("details.summary > summary")
    page.search("no count has this")
    page.until(lambda: page.shown() == [])
    assert serious(page) == []
    page.search(" ")
    page.until(lambda: page.shown() != [])
    page.open(page.shown()[0])
    assert serious(page) == []
    page.answer("pattern:pattern", "disagree")
    page.comment("line:red", "why")
    page.script("for (const details of document.querySelectorAll('#page details')) details.open = true")
    assert serious(page) == []


def serious(page: WorklistPage) -> list[tuple[str, list[str]]]:
    """Return the serious and critical faults that axe-core finds."""
    found = page.driver.execute_async_script(
        "const done = arguments[0]; axe.run({ resultTypes: ['violations'] }).then((found) => done(found.violations.map("
        "(fault) => [fault.id, fault.impact, fault.nodes.map((node) => node.html.slice(0, 120))])))"
    )
    return [(fault, where) for fault, impact, where in found if impact in ("serious", "critical")]


def test_a_phone_never_scrolls_sideways(demo: Made, open_page: Open) -> None:
    page = open_page(demo, PHONE)
    assert sideways(page) == []
    page.click("details.summary > summary")
    assert sideways(page) == []
    page.click("details.summary > summary")
    page.open(listed(demo.flags)[0].key)
    page.answer("pattern:pattern", "disagree")
    page.comment("line:red", "why")
    page.script("for (const details of document.querySelectorAll('#page details')) details.open = true")
    assert sideways(page) == []


def test_a_phone_shows_the_history_without_scrolling_sideways(history: Made, open_page: Open) -> None:
    page = open_page(history, PHONE)
    page.open("6")
    assert len(others(page)) == 3
    assert sideways(page) == []


@WIDTHS
def test_long_texts_do_not_widen_the_page_of_a_person(hostile: Made, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page(hostile, size)
    page.search("W" * 50)
    page.until(lambda: len(page.shown()) == 4)
    for key in page.shown():
        page.open(key)
        assert sideways(page) == []
        page.close()


def sideways(page: WorklistPage) -> list[str]:
    """Return what is wider than the screen; a phone shows all of a page that is too wide, only smaller."""
    return list(
        page.script(
            "const found = [], html = document.documentElement, dialog = document.getElementById('person');"
            "if (Math.max(html.scrollWidth, innerWidth) > arguments[0]) found.push('page');"
            "if (dialog.scrollWidth > dialog.clientWidth) found.push('person');"
            "return found",
            page.width,
        )
    )


def test_the_list_prints_every_row_that_fits(demo: Made, open_page: Open) -> None:
    page, rows = open_page(demo), listed(demo.flags)
    page.choose("urgency", "routine")
    chosen = keys(row for row in rows if row.fits({"urgency": "routine"}))
    assert len(chosen) > 2 * IN_A_PAGE
    page.click("#after")
    page.media("print")
    page.script("dispatchEvent(new Event('beforeprint'))")
    assert page.shown() == chosen
    for selector in ("#filters", "#pager", "#answers"):
        assert not page.one(selector).is_displayed()
    assert page.one("header.top .notice").is_displayed()
    page.script("dispatchEvent(new Event('afterprint'))")
    page.media("screen")
    assert page.text("#place").startswith("page 2 of")
    assert page.shown() == chosen[IN_A_PAGE : 2 * IN_A_PAGE]


def test_the_first_thousand_are_printed_of_more(large: Made, open_page: Open) -> None:
    page = open_page(large)
    page.script("dispatchEvent(new Event('beforeprint'))")
    assert len(page.shown()) == 1_000
    assert page.text("#count") == f"{MANY:,} of {MANY:,} listed counts; the first 1,000 are printed"
    page.script("dispatchEvent(new Event('afterprint'))")
    assert len(page.shown()) == IN_A_PAGE


def test_a_person_prints_with_the_details_of_what_stands_first_and_without_buttons(demo: Made, open_page: Open) -> None:
    page, row = open_page(demo), one_by(listed(demo.flags), "T01")
    page.open(row.key)
    details = "return [...document.querySelectorAll('#page details')].map((details) => details.open)"
    assert set(page.script(details)) == {False}
    page.media("print")
    page.script("dispatchEvent(new Event('beforeprint'))")
    folded = {entry.group for entry in row.result.checklist[row.result.checklist_shown :]}
    assert len(folded) == 2
    # Every condition before the fold, every group that was folded, and what stands under "everything else"; of the
    # conditions in folded groups their names.
    opened = page.script(details)
    assert opened.count(True) == row.result.checklist_shown + len(folded) + FOLDS
    assert opened.count(False) == len(row.result.checklist) - row.result.checklist_shown
    last = row.result.checklist[-1].name
    assert page.driver.find_element("xpath", f"//div[@id='page']//b[text()='{last}']").is_displayed()
    for selector in ("main", "#review", "#close", "#page .answer"):
        assert not page.one(selector).is_displayed()
    assert page.one("#person .bar-top .notice").is_displayed()
    sheet = page.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert base64.b64decode(sheet).startswith(b"%PDF-")
    page.script("dispatchEvent(new Event('afterprint'))")
    page.media("screen")
    assert set(page.script(details)) == {False}


def test_what_is_printed_small_is_not_larger_than_the_rest(demo: Made, open_page: Open) -> None:
    page = open_page(demo)
    page.media("print")
    sizes = page.script(
        "const size = (selector) => parseFloat(getComputedStyle(document.querySelector(selector)).fontSize);"
        "return [size('#rows td'), size('#rows .fine'), size('#rows td:nth-child(8)')]"
    )
    assert sizes[1] <= sizes[0]
    assert sizes[2] <= sizes[0]


# 11. Size.


def test_thousands_of_people_open_filter_and_show_one(large: Made, open_page: Open) -> None:
    """Generous waits: 5,000 people took 1 s to open, and 0.1 s to filter, on two busy cores."""
    rows = [row for row in read_rows(large.flags) if to_review(row)]
    assert len(rows) == MANY
    page = open_page(large)
    assert page.text("#count") == f"{MANY:,} of {MANY:,} listed counts"
    assert len(page.shown()) == IN_A_PAGE
    assert page.text("#place") == f"page 1 of {MANY // IN_A_PAGE}"
    page.search("L02321")
    page.until(lambda: page.text("#count") == f"1 of {MANY:,} listed counts")
    (key,) = [str(row["row"]) for row in rows if row["Sample"] == "L02321"]
    page.open(key)
    result = cbc.screen_again(large.flags, "Sample=L02321")
    assert page.person()["heading"] == result.pattern_text
    page.close()
    page.click("#reset")
    page.until(lambda: len(page.shown()) == IN_A_PAGE)
    severe = [row for row in rows if row["urgency"] == "immediate"]
    page.choose("urgency", "immediate")
    assert page.text("#count") == f"{len(severe):,} of {MANY:,} listed counts"
    spent = page.script(
        "const began = performance.now(); document.getElementById('by-line').dispatchEvent(new Event('change'));"
        "return performance.now() - began"
    )
    assert spent < 2_000


def test_a_page_of_the_most_urgent_leads_to_all_of_them(large: Made, open_page: Open, tmp_path: Path) -> None:
    short = Made(large.flags, large.flags.parent / "short.html")
    assert cbc.worklist(large.flags, short.page, most=100, force=True) == MANY
    page = open_page(short)
    assert page.text("#count") == "100 of 100 listed counts"
    whole = open_page(large)
    assert "Listed are" not in whole.text("main > p")
    first = whole.all_shown()[:100]
    page = open_page(short)
    assert page.all_shown() == first
    assert page.text("main > p").startswith(f"{MANY:,} of {MANY:,} counts screened have something to review")
    assert "Listed are the 100 most urgent; all of them are in flags.parquet." in page.text("main > p")
    assert page.one("main > p a").get_property("href") == large.flags.as_uri()
    elsewhere = Made(large.flags, tmp_path / "short.html")
    cbc.worklist(large.flags, elsewhere.page, most=100)
    assert open_page(elsewhere).one("main > p a").get_property("href") == large.flags.as_uri()


def test_the_most_urgent_are_shown_in_full_and_the_others_by_flags_and_cells(
    large: Made, open_page: Open, tmp_path: Path
) -> None:
    """Of very many counts the first are screened again; whoever comes after is listed, found, opened and answered all the same."""
    few = Made(large.flags, tmp_path / "few.html")
    write_worklist(FlagFile(large.flags, cbc.Screener), few.page, in_full=250)
    whole = open_page(large).all_shown()
    page = open_page(few)
    assert page.all_shown() == whole
    assert page.text("main > p:nth-of-type(2)") == (
        "The first 250 are shown in full, the others by their flags and cells as received; "
        "cbc-screen explain flags.parquet --row KEY shows any of them in full."
    )
    page.load()
    for _ in range(4):
        page.click("#after")
    rows = {str(row["row"]): row for row in read_rows(large.flags)}
    page.open(whole[249])
    assert page.every("#page table.lines")
    page.press(Keys.ARROW_DOWN)
    page.until(lambda: page.opened == whole[250])
    row = rows[whole[250]]
    assert page.text("#page h2") == row["pattern"].replace("_", " ")
    facts = page.script(
        "return [...document.querySelectorAll('#page tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    received = json.loads(row["received"])
    assert ["hemoglobin", received["hemoglobin"]] in facts
    assert ["platelets", received["platelets"]] in facts
    for name in ("severity", "urgency", "red_line", "review_triggers", "checklist", "next_tests"):
        assert [name.replace("_", " "), row[name].replace(";", "; ")] in facts, name
    assert f"--row {whole[250]}" in page.text("#page")
    page.answer("urgency:urgency", "agree")
    page.close()

    def focused() -> list[str]:
        return page.script(
            "const row = document.activeElement.closest('tr'); return row ? [...row.cells].map((cell) => cell.textContent) : []"
        )

    # The list is drawn anew, and then its row has the focus again.
    page.until(lambda: f"(platelets {received['platelets']} ×10⁹/L)" in "".join(focused()[1:2]))
    cells = focused()
    assert cells[3] == f"{received['hemoglobin']} g/dL {row['red_line'].replace('_', ' ')}"
    assert cells[9] == "1 answer"


# 12. Without the cells as received.


def test_flags_alone_give_a_list_that_says_so(bare: Made, demo: Made, open_page: Open) -> None:
    page, full = open_page(bare), listed(demo.flags)
    assert page.text("main > p:nth-of-type(2)") == (
        "The cells as received are not in flags.parquet: limits, findings and sources cannot be shown. "
        "Scan with --received."
    )
    assert page.all_shown() == keys(full)
    row = one_by(full, "T01")
    page.search("T01")
    page.until(lambda: page.shown() == [row.key])
    page.open(row.key)
    facts = dict(
        page.script(
            "return [...document.querySelectorAll('#page tr')].map((row) => [...row.cells].map((c) => c.textContent))"
        )
    )
    for name in (
        "Sample",
        "pattern",
        "severity",
        "urgency",
        "guards",
        "review_triggers",
        "reasons",
        "hemoglobin_grade",
    ):
        value = row.cells[name]
        assert facts.get(name.replace("_", " "), "") == str("" if value is None else value).replace(";", "; "), name
    assert [facts[f"{line} line"] for line in LINES] == ["low", "low", "low"]
    texts = {rule.id: rule.text for rule in load_knowledge().checks.active}
    reasons = str(row.cells["urgency_reasons"]).split(";")
    assert page.text("#page ul.why") == "; ".join(texts.get(name, name.replace("_", " ")) for name in reasons)
    assert "notify_platelets" in reasons
    # What a reader needs stands before the flags, which are folded: as many conditions as lead the list, and the next tests.
    front = int(row.cells["checklist_shown"])
    names = {entry.id: entry.name for entry in load_knowledge().conditions}
    listed_ids = str(row.cells["checklist"]).split(";")
    seen = page.script("return [...document.querySelectorAll('#page ol li b')].map((name) => name.textContent)")
    assert seen == [names[name] for name in listed_ids[:front]]
    assert f"and {len(listed_ids) - front} for which less speaks" in page.text("#page")
    tests = [load_knowledge().ordering.questions[name].text for name in str(row.cells["next_tests"]).split(";")]
    assert (
        page.script("return [...document.querySelectorAll('#page h3 + ul li')].map((one) => one.textContent)") == tests
    )
    assert not page.script("return document.querySelector('#page details').open")
    assert page.text("#page h2") == "pancytopenia"
    assert notice_seen(page, "#person .bar-top .notice")
