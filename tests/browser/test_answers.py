"""A reviewer's answers: given on the page, saved, validated, and gone on from (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.support.ui import Select

import cbc_screen as cbc
from browser.conftest import Made, Open, made
from browser.expected import LINES, TOLD, parts, read_rows
from browser.exports import ANSWERED, write_table
from browser.worklist_page import WorklistPage
from cbc_screen.vocabulary import NOTICE

FORMULA = "=cmd|' /C calc'!A0"
QUOTED = '-1, "quoted", \u00e9'
REVIEWER = "Dr. A, B"
HEADER = ["file", "row", "rule", "flag", "answer", "instead", "comment", "reviewer"]
# row, rule, flag, answer, instead, comment: what `give_answers` says, by hand.
GIVEN = [
    ("2", "pattern:pattern", "pancytopenia", "agree", "", ""),
    ("2", "urgency:urgency", "immediate", "disagree", "prompt", ""),
    ("2", "line:red", "low", "agree", "", ""),
    ("2", "line:white", "low", "disagree", "", FORMULA),
    ("2", "line:platelet", "low", "", "", "only a comment"),
    ("2", "trigger:notify_platelets", "yes", "agree", "", ""),
    ("4", "guard:platelet_clumps", "yes", "disagree", "", QUOTED),
    ("4", "line:platelet", "cannot_tell", "agree", "", ""),
    ("3", "pattern:pattern", "single_line", "disagree", "none", ""),
    ("3", "condition:mds", "yes", "agree", "", ""),
    ("3", "condition:itp", "no", "disagree", "", "=1+1"),
]


def give_answers(page: WorklistPage) -> None:
    """Answer about all three counts, as listed above."""
    page.one("#reviewer").send_keys(REVIEWER)
    page.open("2")
    page.answer("pattern:pattern", "agree")
    page.answer("urgency:urgency", "disagree")
    page.say_instead("urgency:urgency", "prompt")
    page.answer("line:red", "agree")
    page.answer("line:white", "disagree")
    page.comment("line:white", FORMULA)
    page.comment("line:platelet", "only a comment")
    page.answer("trigger:notify_platelets", "agree")
    page.close()
    page.open("4")
    page.answer("guard:platelet_clumps", "disagree")
    page.comment("guard:platelet_clumps", QUOTED)
    page.answer("line:platelet", "agree")
    page.close()
    page.open("3")
    page.answer("pattern:pattern", "disagree")
    page.say_instead("pattern:pattern", "none")
    page.answer("condition:mds", "agree")
    add_missing(page, "condition:itp", "=1+1")
    page.close()


def add_missing(page: WorklistPage, rule: str, comment: str = "") -> None:
    """Name a flag that is missing."""
    Select(page.one("#review select")).select_by_value(rule)
    if comment:
        page.every("#review .answer button")[-1].click()
        page.every("#review .answer input")[-1].send_keys(comment)


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def read_json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def as_given(lines: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return saved lines as they are written above."""
    return [tuple(str(line[name]) for name in HEADER[1:7]) for line in lines]


def test_what_was_answered_is_saved_and_nothing_else(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    assert page.text("#answered") == "No answer yet."
    give_answers(page)
    assert page.text("#answered") == "11 answers about 3 counts, not saved yet."
    answers = page.script("return [...document.querySelectorAll('#rows td.answers')].map((cell) => cell.textContent)")
    assert dict(zip(page.shown(), answers, strict=True)) == {"2": "6 answers", "4": "2 answers", "3": "3 answers"}
    found = read_json(page.save("json"))
    assert page.text("#answered") == "11 answers, saved."
    assert found["notice"] == NOTICE
    assert found["source"] == "flags.parquet"
    assert sorted(as_given(found["answers"])) == sorted(GIVEN)
    assert {line["reviewer"] for line in found["answers"]} == {REVIEWER}
    assert found["whole"] == []


def test_csv_says_the_same_and_no_cell_of_it_runs(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    give_answers(page)
    file = page.save("csv")
    with file.open(encoding="utf-8", newline="") as text:
        header, *rows = csv.reader(text)
    assert header == [*HEADER, "notice"]
    assert {row[-1] for row in rows} == {NOTICE}
    starts = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    assert not [cell for row in rows for cell in row if cell.startswith(starts)]
    comments = {row[2]: row[6] for row in rows if row[6]}
    assert comments["line:white"] == f"'{FORMULA}"
    assert comments["guard:platelet_clumps"] == f"'{QUOTED}"
    assert comments["line:platelet"] == "only a comment"
    escaped = [(*given[:5], f"'{given[5]}" if given[5].startswith(starts) else given[5]) for given in GIVEN]
    assert sorted(as_given(read_csv(file))) == sorted(escaped)


def test_validate_reads_both_alike_and_counts_by_hand(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    give_answers(page)
    of_csv = cbc.validate(page.save("csv"))
    page.click("#to-json")
    expected = page.downloads / "answers.json"
    page.until(lambda: expected.exists() and not list(page.downloads.glob("*.crdownload")))
    of_json = cbc.validate(expected)
    assert of_csv.rules == of_json.rules
    for found in (of_csv, of_json):
        assert (found.lines, found.used, found.unanswered, found.repeated, found.rejected) == (11, 10, 1, 0, 0)
    counts = {
        rule.rule: (rule.true_positive, rule.false_positive, rule.true_negative, rule.false_negative, rule.cannot_tell)
        for rule in of_csv.rules
    }
    assert counts == {
        # Row 2 is a pancytopenia, agreed; row 3 was told as a single line and is none.
        "pattern:pancytopenia": (1, 0, 1, 0, 0),
        "pattern:bicytopenia": (0, 0, 2, 0, 0),
        "pattern:single_line": (0, 1, 1, 0, 0),
        # Row 2 was told as immediate and is prompt.
        "urgency:immediate": (0, 1, 0, 0, 0),
        "urgency:prompt": (0, 0, 0, 1, 0),
        "line:red": (1, 0, 0, 0, 0),
        "line:white": (0, 1, 0, 0, 0),
        "line:platelet": (0, 0, 0, 0, 1),
        "condition:mds": (1, 0, 0, 0, 0),
        "condition:itp": (0, 0, 0, 1, 0),
        "guard:platelet_clumps": (0, 1, 0, 0, 0),
        "trigger:notify_platelets": (1, 0, 0, 0, 0),
    }


def told_of(flags: Path, key: str) -> dict[str, str]:
    """Return everything that the program told of a row: also what it did not flag, and what it could not tell."""
    (row,) = [row for row in read_rows(flags) if str(row["row"]) == key]
    result = cbc.screen_again(flags, key)
    listed = {entry.id: TOLD[entry.support] for entry in result.checklist}
    found = {"pattern:pattern": row["pattern"], "urgency:urgency": row["urgency"]}
    found |= {f"line:{line}": row[f"{line}_line"] for line in LINES}
    rules = cbc.Screener().kernel.rules
    found |= {f"condition:{entry.id}": listed.get(entry.id, "no") for entry in rules.conditions}
    found |= {f"guard:{rule.id}": "yes" if rule.id in parts(row["guards"]) else "no" for rule in rules.guards}
    fired = parts(row["review_triggers"])
    found |= {f"trigger:{rule.id}": "yes" if rule.id in fired else "no" for rule in rules.triggers}
    assert not [rule for rule in result.untold if found[rule] == "yes"]
    return found | dict.fromkeys(result.untold, "cannot_tell")


def test_a_count_reviewed_as_a_whole_agrees_with_everything_else(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    page.open("4")
    page.answer("line:red", "disagree")
    page.click("#review input[type=checkbox]")
    page.close()
    found = read_json(page.save("json"))
    assert found["whole"] == ["4"]
    lines = {line["rule"]: (line["flag"], line["answer"]) for line in found["answers"]}
    assert len(lines) == len(found["answers"])
    wanted = {rule: (flag, "agree") for rule, flag in told_of(answered.flags, "4").items()}
    assert "cannot_tell" in {flag for rule, (flag, _) in wanted.items() if rule.startswith("condition:")}
    assert lines == {**wanted, "line:red": ("low", "disagree")}
    agreement = cbc.validate(page.downloads / "answers.json")
    assert (agreement.lines, agreement.used, agreement.rejected) == (len(wanted), len(wanted), 0)
    disagreed = [rule.rule for rule in agreement.rules if rule.false_positive or rule.false_negative]
    assert disagreed == ["line:red"]


def test_the_whole_of_a_count_whose_cells_are_not_kept_says_only_what_is_known(bare: Made, open_page: Open) -> None:
    """Without the cells nobody knows how far a condition of the checklist is supported."""
    page = open_page(bare)
    (row,) = [row for row in read_rows(bare.flags) if row["Sample"] == "T01"]
    page.search("T01")
    page.until(lambda: page.shown() == [str(row["row"])])
    page.open(str(row["row"]))
    missing = page.script("return [...document.querySelectorAll('#review option')].map((option) => option.value)")
    assert not {f"trigger:{name}" for name in parts(row["review_triggers"])} & set(missing)
    page.click("#review input[type=checkbox]")
    page.close()
    lines = {line["rule"]: line["flag"] for line in read_json(page.save("json"))["answers"]}
    assert lines["pattern:pattern"] == "pancytopenia"
    assert lines["trigger:notify_platelets"] == "yes"
    assert [rule for rule in lines if rule.startswith("condition:")] == []


def test_what_is_taken_back_is_not_saved(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    page.open("2")
    page.answer("pattern:pattern", "disagree")
    page.say_instead("pattern:pattern", "bicytopenia")
    page.answer("pattern:pattern", "agree")
    assert page.pressed("pattern:pattern") == ["agree"]
    page.answer("line:red", "agree")
    page.answer("line:red", "agree")
    assert page.pressed("line:red") == []
    page.close()
    assert as_given(read_json(page.save("json"))["answers"]) == [
        ("2", "pattern:pattern", "pancytopenia", "agree", "", "")
    ]


def test_the_pattern_may_be_any_other_word(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    page.open("2")
    page.answer("pattern:pattern", "disagree")
    choices = page.script(
        "return [...document.querySelectorAll('#page h2 + .answer option')].map((option) => option.value)"
    )
    assert sorted(choices) == ["", "bicytopenia", "cannot_tell", "none", "single_line"]


# Going on from what was saved.


def test_saved_answers_are_gone_on_from(answered: Made, open_page: Open, tmp_path: Path) -> None:
    page = open_page(answered)
    give_answers(page)
    kept = shutil.copy(page.save("json"), tmp_path / "before.json")
    page.forget_answers()
    assert page.text("#answered") == "No answer yet."
    page.restore(kept)
    page.until(lambda: page.text("#answered").startswith("11 answers about 3 counts"))
    page.open("2")
    assert page.pressed("urgency:urgency") == ["disagree"]
    assert page.script("return document.querySelector('#page .told .answer select').value") == "prompt"
    assert page.pressed("line:white") == ["disagree"]
    comments = page.script("return [...document.querySelectorAll('#page tr .answer input')].map((box) => box.value)")
    assert comments == ["", FORMULA, "only a comment"]
    page.answer("line:white", "agree")
    page.close()
    page.open("3")
    assert page.text("#review").count("Immune thrombocytopenia (ITP)") == 2  # once to choose, once as named missing
    page.close()
    page.one("#reviewer").send_keys(REVIEWER)
    again = as_given(read_json(page.save("json"))["answers"])
    changed = [(*line[:3], "agree", *line[4:]) if line[1] == "line:white" else line for line in GIVEN]
    assert sorted(again) == sorted(changed)


def test_a_count_reviewed_as_a_whole_comes_back_as_it_was(answered: Made, open_page: Open, tmp_path: Path) -> None:
    page = open_page(answered)
    page.open("2")
    page.answer("line:red", "disagree")
    page.comment("line:white", "nearly not")
    page.click("#review input[type=checkbox]")
    named = page.text("#review")
    page.close()
    saved = page.save("json")
    before = read_json(saved)
    kept = shutil.copy(saved, tmp_path / "before.json")
    page.forget_answers()
    page.restore(kept)
    page.until(lambda: page.text("#answered") != "No answer yet.")
    answers = page.script("return document.querySelector('#rows td.answers').textContent")
    assert answers == "2 answers, whole"
    page.open("2")
    assert page.one("#review input[type=checkbox]").is_selected()
    assert page.text("#review") == named  # nothing that was only agreed with is named as missing
    comment = page.script("return document.querySelectorAll('#page tr .answer input')[1].value")
    assert comment == "nearly not"
    page.close()
    after = read_json(page.save("json"))
    assert sorted(as_given(after["answers"])) == sorted(as_given(before["answers"]))
    assert after["whole"] == before["whole"] == ["2"]


def test_answers_about_another_file_are_refused(answered: Made, open_page: Open, tmp_path: Path) -> None:
    page = open_page(answered)
    give_answers(page)
    saved = read_json(page.save("json"))
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**saved, "source": "other.parquet", "id": "other"}), encoding="utf-8")
    page.forget_answers()
    page.restore(other)
    page.until(lambda: page.text("#answered") != "No answer yet.")
    assert page.text("#answered") == "These answers are about another file of flags."
    assert read_json(page.save("json"))["answers"] == []


def test_answers_about_another_scan_of_the_same_name_are_refused(
    answered: Made, open_page: Open, tmp_path: Path
) -> None:
    """Most flags are called flags.parquet: row 2 of another export is another person."""
    page = open_page(answered)
    give_answers(page)
    kept = shutil.copy(page.save("json"), tmp_path / "before.json")
    write_table(tmp_path / "export.csv", [ANSWERED[0], ANSWERED[2], ANSWERED[3], ANSWERED[1]])
    page = open_page(made(tmp_path, tmp_path / "export.csv", keep=["Sample"]))
    page.restore(kept)
    page.until(lambda: page.text("#answered") != "No answer yet.")
    assert "another" in page.text("#answered")
    page.open("4")
    assert page.pressed("line:red") == []
    page.close()
    assert read_json(page.save("json"))["answers"] == []


LEAVING = "const leaving = new Event('beforeunload', { cancelable: true }); return !dispatchEvent(leaving)"


def test_leaving_is_asked_about_only_where_the_browser_keeps_nothing(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    page.open("2")
    page.click("#review input[type=checkbox]")
    assert not page.script(LEAVING)  # it is kept
    page.script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    page.answer("line:red", "agree")
    page.close()
    assert page.script(LEAVING)
    assert page.text("#where-kept").startswith("This browser keeps nothing: save your answers")
    page.one("#reviewer").send_keys(REVIEWER)
    page.save("csv")
    assert not page.script(LEAVING)


def test_answers_are_there_when_the_page_is_loaded_again(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    give_answers(page)
    page.open("4")
    page.click("#review input[type=checkbox]")
    page.close()
    before = read_json(page.save("json"))
    page.load()
    assert page.text("#answered").startswith(f"{len(before['answers'])} answers about 3 counts")
    assert page.one("#reviewer").get_property("value") == REVIEWER
    page.open("2")
    assert page.pressed("urgency:urgency") == ["disagree"]
    page.close()
    assert read_json(page.save("json")) == before


def test_answers_are_kept_for_these_flags_alone(answered: Made, demo: Made, open_page: Open) -> None:
    page = open_page(answered)
    page.open("2")
    page.answer("pattern:pattern", "agree")
    page.close()
    kept = page.script("return Object.keys(localStorage)")
    other = open_page(demo, forget=False)
    assert other.text("#answered") == "No answer yet."
    assert len(kept) == 1
    # Rows, rules and answers; no value of a person.
    page = open_page(answered, forget=False)
    assert json.loads(page.script("return localStorage.getItem(arguments[0])", kept[0])) == {
        "answers": [
            {
                "file": "",
                "row": 2,
                "rule": "pattern:pattern",
                "flag": "pancytopenia",
                "answer": "agree",
                "instead": "",
                "comment": "",
            }
        ],
        "whole": [],
        "reviewer": "",
    }


def test_a_reader_clears_what_the_browser_keeps(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    give_answers(page)
    page.click("#forget")
    page.driver.switch_to.alert.dismiss()
    assert page.text("#answered") == "11 answers about 3 counts, not saved yet."
    page.click("#forget")
    page.driver.switch_to.alert.accept()
    page.until(lambda: page.text("#answered") == "No answer yet.")
    assert page.script("return localStorage.length") == 0
    page.load()
    assert read_json(page.save("json"))["answers"] == []


def test_only_the_pattern_the_urgency_and_doubts_are_asked_about_at_once(answered: Made, open_page: Open) -> None:
    page = open_page(answered)
    page.open("4")
    seen = page.script(
        "return [...document.querySelectorAll('#page .answer .given:not([hidden])')].map((box) =>"
        "(box.parentElement.parentElement.dataset.rule || box.parentElement.previousElementSibling.dataset.rule))"
    )
    assert sorted(seen) == ["guard:platelet_clumps", "pattern:pattern", "urgency:urgency"]
    page.answer("line:red", "agree")
    assert page.pressed("line:red") == ["agree"]
    page.close()
    page.open("4")  # what was answered is seen without asking again
    assert page.script("return document.querySelector('[data-rule=\"line:red\"] .given').hidden") is False


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_nothing_answered_is_a_file_without_answers(answered: Made, open_page: Open, kind: str) -> None:
    page = open_page(answered)
    saved = page.save(kind)
    found = cbc.validate(saved)
    assert (found.lines, found.rules) == (0, ())
