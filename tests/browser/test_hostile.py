"""Hostile texts in every field of the input stay texts on the page, and nothing leaves it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from selenium.common.exceptions import NoAlertPresentException

import cbc_screen as cbc
from browser.conftest import Made, Open
from browser.expected import read_rows
from browser.exports import HOSTILE, HOSTILE_FILE, HOSTILE_HEADERS
from browser.worklist_page import PERSON, WorklistPage

PERSON_FACTS = ("age at collection", "sex")
TITLE = "Blood counts for review"
# Unicode's Bidi_Control, by their code points.
BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
NOTHING = {"elements": [], "styles": 0, "hacked": "undefined", "title": TITLE}
_INJECTED = """
const scripts = [...document.scripts].filter((script) => !script.type).slice(1);
const found = [...document.querySelectorAll("img, iframe, object, embed, base, form:not(#filters), video, audio, frame, plaintext, .pwned, #pwned, [style]")];
const events = [...document.querySelectorAll("*")].filter((element) => element.getAttributeNames().some((name) => name.startsWith("on")));
const styles = document.querySelectorAll("style").length - 1;
const links = [...document.querySelectorAll("[href], [src], [action]")].filter((element) => element.tagName !== "A");
return {
  elements: [...scripts, ...found, ...events, ...links].map((element) => element.outerHTML.slice(0, 200)),
  styles,
  hacked: typeof window.hacked,
  title: document.title,
};
"""
_TEXTS = """
const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT | NodeFilter.SHOW_COMMENT);
const found = [];
for (let node = walker.currentNode; node; node = walker.nextNode()) {
  if (node.nodeType !== Node.ELEMENT_NODE) found.push(node.data);
  else for (const name of node.getAttributeNames()) found.push(name, node.getAttribute(name));
  if (node.value) found.push(String(node.value));
}
return found.filter((text) => /[^\\x20-\\x7e\\n]/.test(text));
"""


def assert_clean(page: WorklistPage) -> None:
    """Nothing of the input is an element, an attribute or a script, or reorders a line."""
    with pytest.raises(NoAlertPresentException):
        _ = page.driver.switch_to.alert.text
    assert page.script(_INJECTED) == NOTHING
    assert forbidden(page.script(_TEXTS)) == set()


def forbidden(texts: list[str]) -> set[int]:
    """Return the code points that no text of the page may have: they would reorder a line, or do worse."""
    codes = {ord(character) for text in texts for character in text}
    return {code for code in codes if code in BIDI or (code < 0x20 and code != 0x0A) or 0x7F <= code < 0xA0}


def visible(text: str) -> str:
    """Return a text without its control and bidirectional characters."""
    return "".join(c for c in text if ord(c) not in BIDI and ord(c) >= 0x20)


def test_every_hostile_text_is_shown_as_the_text_it_is(hostile: Made, open_page: Open) -> None:
    page, rows = open_page(hostile), read_rows(hostile.flags)
    assert len(rows) == 2 * 2 * len(HOSTILE)  # two files of two rows for each
    assert page.text("#count") == f"{len(rows)} of {len(rows)} listed counts"
    assert_clean(page)
    page.click("details.summary > summary")
    assert_clean(page)
    places = page.script(
        "return Object.fromEntries([...document.querySelectorAll('#rows tr')].map((row) => [row.cells[0].textContent, 1]))"
    )
    assert len(places) == 50
    for head in HOSTILE_HEADERS:
        assert any(f"{visible(head)} {HOSTILE[0]}" in text for text in places)


def test_people_of_hostile_cells_show_them_as_received(hostile: Made, open_page: Open) -> None:
    page = open_page(hostile)
    rows = {f"{visible(row['file'])}:{row['row']}": row for row in read_rows(hostile.flags)}
    page.open_first()
    found = page.walk(f"return [(() => {{ {_INJECTED} }})(), (() => {{ {_TEXTS} }})(), (() => {{ {PERSON} }})()]")
    assert set(found) == set(rows)
    for key, (injected, texts, told) in found.items():
        assert injected == NOTHING, key
        assert forbidden(texts) == set(), key
        text = visible(HOSTILE[(rows[key]["row"] - 2) // 2])
        received = {row[0]: row[1] for row in told["results"]}
        received |= {name: fact for fact in told["person"] for name in PERSON_FACTS if fact.startswith(name)}
        if rows[key]["Sample"] == "plain":
            assert received["Platelets"].startswith(text[:200]), key
        else:
            assert text[:200] in received["sex"], key
            assert received["Hemoglobin"].startswith(text[:200]), key
            assert text[:200] in received["age at collection"], key
    assert_clean(page)


def test_hostile_comments_stay_texts(answered: Made, open_page: Open) -> None:
    page, texts = open_page(answered), [text for text in HOSTILE if text.isprintable()]
    page.open("2")
    rules = page.script(
        "return [...document.querySelectorAll('[data-rule^=\"condition:\"]')].map((told) => told.dataset.rule)"
    )[: len(texts)]
    for rule, text in zip(rules, texts, strict=True):
        page.script(
            "const told = [...document.querySelectorAll('[data-rule]')].find((e) => e.dataset.rule === arguments[0]);"
            "const box = told.parentElement.querySelector('.answer input'); box.value = arguments[1];"
            "box.dispatchEvent(new Event('input'));",
            rule,
            text,
        )
    page.close()
    page.one("#reviewer").send_keys(texts[0])
    lines = json.loads(page.save("json").read_text(encoding="utf-8"))["answers"]
    assert {line["rule"]: line["comment"] for line in lines} == dict(zip(rules, texts, strict=True))
    assert {line["reviewer"] for line in lines} == {texts[0]}
    page.open("2")
    assert_clean(page)


def test_hostile_fields_of_a_message_stay_texts(hostile_hl7: Made, open_page: Open) -> None:
    page = open_page(hostile_hl7)
    (row,) = read_rows(hostile_hl7.flags)
    text = "<img src=x onerror=window.hacked=1 id=pwned>&lt;</script>"
    page.open(str(row["row"]))
    assert_clean(page)
    told = page.person()
    assert f"sex unknown (received: {text})" in told["person"]
    platelets = next(result for result in told["results"] if result[0] == "Platelets")
    assert platelets[1].startswith(text)
    # PID-3 says whose count it is: number, check digit and so on, as they stand in the message.
    assert text in page.script("return document.querySelector('#rows .fine').textContent")


def test_names_of_files_and_columns_stay_texts(hostile: Made, open_page: Open) -> None:
    page = open_page(hostile)
    assert f"From {visible(HOSTILE_FILE)}.parquet, cbc-screen" in page.text("main > p")
    files = {text.rpartition(":")[0] for text in page.all_shown()}
    assert files == {f"{visible(HOSTILE_FILE)}.csv", "<b class=pwned>second.csv"}
    link = Made(hostile.flags, hostile.flags.parent / "short.html")
    cbc.worklist(hostile.flags, link.page, most=1, force=True)
    short = open_page(link)
    assert_clean(short)
    assert short.one("main > p a").get_property("href") == hostile.flags.as_uri()


def test_a_hostile_saved_file_breaks_nothing(answered: Made, open_page: Open, tmp_path: Any) -> None:
    page = open_page(answered)
    saved = json.loads(page.save("json").read_text(encoding="utf-8"))
    line = {"file": "", "row": 2, "rule": "line:red", "flag": "low", "answer": "agree", "instead": "", "comment": ""}
    lists = (
        {},
        "answers",
        [None, 7, "x", []],
        [{**line, "rule": "nothing:known"}],
        [{**line, "rule": "__proto__:x"}],
        [{**line, "rule": None}, {**line, "row": None}, {**line, "row": "__proto__"}],
        [{**line, "answer": "<img src=x onerror=window.hacked=1>"}],
        [{**line, "answer": ["agree"], "instead": {}, "comment": 7}],
        [{**line, "rule": "pattern:pattern", "answer": "disagree", "instead": HOSTILE[1], "comment": HOSTILE[1]}],
    )
    texts = ["", "null", "[]", "{", *(json.dumps({**saved, "answers": found}) for found in lists)]
    texts += [json.dumps({**saved, "whole": found}) for found in (7, "2", [None, {}, "__proto__"])]
    file = tmp_path / "saved.json"
    for text in texts:
        file.write_text(text, encoding="utf-8")
        page.script("document.getElementById('answered').textContent = document.getElementById('load').value = ''")
        page.restore(file)
        page.until(lambda: page.text("#answered") != "")
        page.open("2")
        assert page.person()["heading"] == "pancytopenia: red, white and platelet lines low", text
        assert_clean(page)
        page.close()


def test_hostile_answers_in_the_browser_break_nothing(answered: Made, open_page: Open) -> None:
    """Any page of the same place may write to where answers are kept."""
    page = open_page(answered)
    page.open("2")
    page.answer("pattern:pattern", "agree")
    page.close()
    (store,) = page.script("return Object.keys(localStorage)")
    line = {"file": "", "row": 2, "rule": "line:red", "answer": "agree"}
    for text in (
        "{", "null", "7", '{"answers": 7}', '{"answers": [null, 7, []], "whole": {}}',
        json.dumps({"answers": [{**line, "rule": "__proto__:x"}, {**line, "answer": ["agree"]}], "reviewer": HOSTILE[1]}),
        json.dumps({"answers": [{**line, "answer": "disagree", "comment": HOSTILE[1]}], "whole": ["__proto__", None]}),
    ):  # fmt: skip
        page.script("localStorage.setItem(arguments[0], arguments[1])", store, text)
        page.load()
        page.open("2")
        assert page.person()["heading"] == "pancytopenia: red, white and platelet lines low", text
        assert_clean(page)
        page.close()


# 7. Nothing leaves the page.


def test_the_policy_forbids_every_request_and_every_other_script(demo: Made, open_page: Open) -> None:
    page = open_page(demo)
    policy = page.one('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'"
    assert set(rules) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    for name in ("script-src", "style-src"):
        assert rules[name].startswith("'sha256-")
        assert " " not in rules[name]
    blocked = page.driver.execute_async_script(
        "const done = arguments[0], found = [];"
        "document.addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective));"
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script);"
        "const image = new Image(); image.src = 'https://example.com/x.png'; document.body.append(image);"
        "const style = document.createElement('style'); style.textContent = 'body{display:none}';"
        "document.body.append(style);"
        "fetch('https://example.com/').catch(() => 0);"
        "setTimeout(() => done([found.sort(), typeof window.hacked, getComputedStyle(document.body).display]), 500);"
    )
    assert blocked == [["connect-src", "img-src", "script-src-elem", "style-src-elem"], "undefined", "block"]
    page.heard.listen()
    assert len(page.heard.messages) >= len(blocked[0])
    assert all("Content Security Policy" in message for message in page.heard.messages)
    page.heard.forget()  # provoked


def test_a_page_that_is_used_asks_for_itself_alone(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    page.heard.forget()  # it was loaded before
    page.load()
    page.click("details.summary > summary")
    page.choose("urgency", "immediate")
    page.open("2")
    page.answer("pattern:pattern", "agree")
    page.close()
    saved = page.save("json")
    page.restore(saved)
    page.heard.listen()
    assert page.heard.requested.count(page.address) == 1
    assert page.heard.beyond({page.address}) == []
    assert page.heard.messages == []
