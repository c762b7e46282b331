"""What a worklist must show, worked out from the flags and from each row screened again, not from the page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cbc_screen as cbc
from cbc_screen.knowledge.loaded import load_knowledge
from cbc_screen.report.wording import (
    analyte_words,
    bands_words,
    criteria_words,
    finding_words,
    line_words,
    outside_words,
    person_words,
    severity_words,
    test_words,
    units_of,
    used_words,
    words,
)
from cbc_screen.result import ConditionResult, ScreeningResult

ANALYTES = load_knowledge().analytes
URGENCIES = ("none", "cannot_tell", "routine", "prompt", "immediate")
SEVERITIES = ("none", "mild", "moderate", "severe", "very_severe")
LINES = ("red", "white", "platelet")
TOLD = {"supported": "yes", "consider": "yes", "less_likely": "no", "cannot_assess": "cannot_tell"}
# The headings of the groups of the checklist, by hand.
GROUPS = {
    "fits": "Fits this count",
    "not_to_miss": "Must not be missed",
    "also_possible": "Also possible",
    "unlikely": "Little to support it",
}


def _level(result: ScreeningResult) -> str:
    """What is not known of a line may only make it more urgent."""
    open_line = result.lines_low_min < result.lines_low_max
    return f"{'at least ' if open_line and result.urgency in ('routine', 'prompt') else ''}{words(result.urgency)}"


def _label(analyte: str) -> str:
    """Return the name of an analyte as it stands within a sentence."""
    label = ANALYTES[analyte].label
    return label[0].lower() + label[1:]


@dataclass(frozen=True)
class Row:
    """A row that is to be reviewed."""

    key: str
    cells: dict[str, Any]
    result: ScreeningResult

    def facet(self, name: str) -> list[str]:
        """Return what a row is filtered by."""
        if name in ("urgency", "pattern"):
            return [self.cells[name]]
        if name == "line":
            return [line for line in LINES if self.cells[f"{line}_line"] == "low"]
        if name == "condition":
            return [entry.id for entry in self.result.checklist if TOLD[entry.support] == "yes"]
        if name == "guard":
            return parts(self.cells["guards"])
        return list(dict.fromkeys(part.split(":")[0] for part in parts(self.cells["reasons"])))

    def fits(self, chosen: dict[str, str]) -> bool:
        """Tell whether the row fits every filter that is chosen."""
        return all(value in self.facet(name) for name, value in chosen.items())


def parts(text: str) -> list[str]:
    """Return the parts of a cell that lists several."""
    return [part for part in text.split(";") if part]


def to_review(cells: dict[str, Any]) -> bool:
    """Tell whether a row of the flags has something to review."""
    nothing = {"pattern": "none", "urgency": "none", "guards": "", "review_triggers": ""}
    return any(cells[name] != word for name, word in nothing.items())


def how_urgent(cells: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return what rows are ordered by, the highest first."""
    return (
        URGENCIES.index(cells["urgency"]),
        cells["lines_low_max"],
        cells["lines_low_min"],
        SEVERITIES.index(cells["severity_min"]),
    )


def read_rows(flags: Path) -> list[dict[str, Any]]:
    """Return the rows of a flags file."""
    return list(cbc.read_flags(flags, kind="pyarrow").to_pylist())


@lru_cache(maxsize=8)
def listed(flags: Path) -> tuple[Row, ...]:
    """Return the rows to review, most urgent first and in the order of the file."""
    rows = [cells for cells in read_rows(flags) if to_review(cells)]
    rows.sort(key=how_urgent, reverse=True)  # stable: what is equally urgent stays in order
    return tuple(Row(str(cells["row"]), cells, cbc.screen_again(flags, cells["row"])) for cells in rows)


def person_page(result: ScreeningResult) -> dict[str, Any]:
    """Return the words that the page of a person must have, by part."""
    units = units_of(result)
    by_name = {analyte.analyte: analyte for analyte in result.analytes}
    lines = [line_words(line, by_name.get(line.analyte), units) for line in result.lines]
    drawn = [analyte for analyte in result.analytes if analyte.ranges or analyte.reported_range]
    versions = result.versions
    return {
        "heading": result.pattern_text,
        "badges": [
            f"severity {severity_words(result.severity, result.severity_min)}",
            f"urgency {_level(result)}",
        ],
        "why": _why(result),
        "person": [_of_the_person(*row) for row in person_words(result.person)],
        "lines": [[line.line, line.state, words(line.analyte), line.value, line.against, line.grade] for line in lines],
        "outside": [f"Also outside the range: {'; '.join(outside)}."] if (outside := outside_words(result)) else [],
        "grading": [
            f"Lines under “{versions.definition}”, graded by {versions.grading} {versions.grading_version}.",
            *(text[0].upper() + text[1:] for line in result.lines if (text := bands_words(line, units))),
        ],
        "unsent": f"Not assessed: {', '.join(map(_label, result.not_assessed))}" if result.not_assessed else "",
        "results": _results(result),
        "bars": sorted(f"{entry.label}: {used_words(entry, units)}, {words(entry.state)}" for entry in drawn),
        "guards": [finding_words(finding) for finding in result.guards],
        "triggers": [finding_words(finding) for finding in result.review_triggers],
        "cutoffs": [finding_words(finding) for finding in result.published_cutoffs],
        "groups": _groups(result),
        "conditions": [_condition(entry) for entry in result.checklist],
        "sources": [f"{source.id} ({source.verification}): {source.citation}" for source in result.sources],
        "foot": f"cbc-screen {versions.cbc_screen}, data {versions.data}, ranges {versions.ranges}, "
        f"definition {versions.definition}, grading {versions.grading} {versions.grading_version}",
    }


def sections(result: ScreeningResult) -> dict[str, list[str]]:
    """Return the lists and paragraphs that stand under a heading of their own."""
    criteria = result.blood_criteria
    tests = [f"{test} ({'; '.join(settles)})" if settles else test for test, settles in test_words(result)]
    found = {
        f"Blood items of the aplastic anemia criteria: {words(criteria.answer)}": [
            *(f"{asked}: {answer}" for asked, answer in criteria_words(result)),
            criteria.missing,
        ],
        "To consider": _before_the_list(result),
        "Next tests to consider for this count": tests,
        "Unknown, or to be read with care": list(result.remarks),
        "Notes": list(result.notes),
    }
    return {head: told for head, told in found.items() if told}


def _why(result: ScreeningResult) -> list[str]:
    """Return the reasons of the urgency, those about the same values together and behind them."""
    found: dict[str, list[str]] = {}
    by_name, units = {entry.analyte: entry for entry in result.analytes}, units_of(result)
    for text, names in zip(result.urgency_reasons, result.urgency_analytes, strict=True):
        known = [by_name[name] for name in names if name in by_name and by_name[name].low is not None]
        label = {"WBC": "WBC", "MCV": "MCV"}
        values = ", ".join(
            f"{label.get(entry.label, entry.label[0].lower() + entry.label[1:])} {used_words(entry, units)}"
            for entry in known
        )
        found.setdefault(values, []).append(text)
    return [f"{values}: {'; '.join(texts)}" if values else "; ".join(texts) for values, texts in found.items()]


def _of_the_person(what: str, received: str, used: str) -> str:
    """Return what is said of the person: as used, and as received where that is another word."""
    return f"{what} {used} (received: {received})" if used and used != received else f"{what} {used or received}"


def _before_the_list(result: ScreeningResult) -> list[str]:
    if not result.checklist:
        return ["No condition is listed for this count."]
    if result.borderline:
        return ["Borderline: each low line is near its limit and has no grade. The list is folded."]
    return []


def _groups(result: ScreeningResult) -> list[dict[str, Any]]:
    """Return the groups in order: the heading, the number of the first entry, whether it is folded, the names."""
    found: list[dict[str, Any]] = []
    for place, entry in enumerate(result.checklist, 1):
        heading = GROUPS[entry.group]
        if not found or found[-1]["heading"] != heading:
            found.append({"heading": heading, "start": place, "folded": place > result.checklist_shown, "names": []})
        found[-1]["names"].append(entry.name)
    for group in found:
        if group["folded"]:
            group["heading"] += f" ({len(group['names'])})"
    return found


def _results(result: ScreeningResult) -> list[list[str]]:
    units = units_of(result)
    rows = [analyte_words(analyte, units) for analyte in result.analytes]
    return [[row.label, row.received, row.used, row.state + row.reasons, " or ".join(row.ranges)] for row in rows]


def _condition(entry: ConditionResult) -> dict[str, Any]:
    terms = [["place", [entry.place_reason]]]
    terms += [["for", [finding_words(finding)]] for finding in entry.findings_for]
    terms += [["against", [finding_words(finding)]] for finding in entry.findings_against]
    lists = {"missing": list(entry.missing), "next tests to consider": list(entry.next_tests)}
    terms += [[name, texts] for name, texts in lists.items() if texts]
    if entry.not_decidable:
        terms.append(["decided by", [entry.not_decidable]])
    if entry.limits:
        terms.append(["limits", [entry.limits]])
    return {
        "name": entry.name,
        "support": words(entry.support),
        "first": entry.findings_for[0].text if entry.findings_for else "no finding of this count speaks for it",
        "summary": entry.summary,
        "terms": terms,
    }
