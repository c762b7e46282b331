"""Write docs/open_questions.md: what the data leave open, for a clinician to settle.

Usage: python tools/write_open_questions.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.knowledge import Knowledge, load_knowledge  # noqa: E402
from cbc_screen.knowledge.definitions import Cutoff  # noqa: E402
from cbc_screen.knowledge.intervals import IntervalSet  # noqa: E402
from cbc_screen.knowledge.locators import Area, Number  # noqa: E402
from cbc_screen.report.units import number, text_units  # noqa: E402
from cbc_screen.report.words import describe  # noqa: E402
from cbc_screen.vocabulary import NOTICE  # noqa: E402

PAGE = ROOT / "docs" / "open_questions.md"
TITLES = {
    Area.GRADING: "Grading schemes",
    Area.ADJUSTMENTS: "Adjustments of hemoglobin",
    Area.DEFINITIONS: "Definitions of a low line",
    Area.BLOOD_CRITERIA: "Blood items of the aplastic anemia criteria",
    Area.PUBLISHED_CUTOFFS: "Published cut-offs",
    Area.REVIEW_TRIGGERS: "Review triggers",
    Area.SCORES: "Scores",
    Area.INDICES: "Indices of small red cells",
}


def page(knowledge: Knowledge) -> str:
    """Return the whole page."""
    opened = [found for found in knowledge.locators if found.place is None]
    lines = [
        "# Open questions",
        "",
        f"Written from data {knowledge.data_version} by `tools/write_open_questions.py`. {NOTICE}",
        "",
        "## Numbers whose place in the source was not read",
        "",
        f"Of {len(knowledge.locators)} entries of grading, decision limits and scores {len(opened)} name a source and no place in it. The question is "
        "the same for each: where does the source print this number, and is it this one? An answer is an entry in "
        "`reference_ranges/locators.yaml`; another number is a new data version.",
    ]
    for area, found in groupby(opened, key=lambda own: own.number.area):
        lines += ["", f"### {TITLES[area]}", "", "| of | numbers here | source | read as |", "|---|---|---|---|"]
        for own in found:
            sources = [knowledge.sources[name] for name in own.number.source.split(", ")]
            cited = "; ".join(source.citation for source in sources)
            marks = ", ".join(dict.fromkeys(source.verification.value for source in sources))
            told = numbers_of(own.number, knowledge)
            lines.append(f"| {name_of(own.number)} | {cell(told)} | {cell(cited)} | {marks} |")
    return "\n".join([*lines, "", *sets(knowledge)]).rstrip() + "\n"


def name_of(of: Number) -> str:
    """Name a number as its table does."""
    return f"`{of.group}`" if of.item == "every" else f"`{of.group}`, {of.item.replace('_', ' ')}"


def numbers_of(of: Number, knowledge: Knowledge) -> str:
    """Write the numbers themselves."""
    words = text_units("si")
    if of.area is Area.GRADING:
        tables = [scheme.tables.get(of.item, ()) for scheme in knowledge.schemes.values()]
        rows = next(rows for rows in tables if rows and rows[0].scheme == of.group)
        bounds = dict.fromkeys(row.upper for row in rows if row.upper is not None)
        return (
            ", ".join(f"grade {row.grade} below {number(row.upper)}" for row in rows if row.upper in bounds)
            + f" {rows[0].unit}"
        )
    if of.area is Area.DEFINITIONS:
        cutoff: Cutoff = getattr(knowledge.definitions[of.group], of.item)
        assert cutoff.by_sex is not None
        values = dict.fromkeys(cutoff.by_sex.values())
        return f"{cutoff.analyte} below {' / '.join(map(number, values))} {knowledge.analytes[cutoff.analyte].unit}"
    if of.area is Area.BLOOD_CRITERIA:
        criteria = knowledge.criteria
        by_method = {f"reticulocytes_{method}": rule for method, rule in criteria.by_method.items()}
        rules = {rule.id: rule for rule in (*criteria.items, criteria.very_severe)} | by_method
        return describe(rules[of.item].when, knowledge, words)
    if of.area in (Area.PUBLISHED_CUTOFFS, Area.REVIEW_TRIGGERS):
        every = knowledge.checks.cutoffs if of.area is Area.PUBLISHED_CUTOFFS else knowledge.checks.triggers
        return "; ".join(describe(rule.when, knowledge, words) for rule in every if rule.source == of.source)
    if of.area is Area.SCORES:
        return next(item.text for item in knowledge.scores.scores[of.group].items if item.id == of.item)
    index = next(index for index in knowledge.scores.indices if index.id == of.item)
    return f"{index.name}: thalassemia side below {number(float(index.below))}"


def sets(knowledge: Knowledge) -> Iterator[str]:
    """Write which sets of reference ranges rest on a transcription, or on little."""
    yield "## Sets of reference ranges"
    yield ""
    yield (
        "Every row says where it was read (`locator`). Open is what was read in a transcription only (C), or rests on little (low). The four "
        "bands of the default that are wider than what was published are in [default_set.md](default_set.md)."
    )
    yield ""
    yield "| set | rows | of them C | of them low | read at | question |"
    yield "|---|---|---|---|---|---|"
    for own in knowledge.interval_sets.values():
        read = sum(row.verification == "C" for row in own.rows)
        low = sum(row.confidence == "low" for row in own.rows)
        if read or low:
            yield f"| `{own.id}` | {len(own.rows)} | {read} | {low} | {cell('; '.join(places(own)))} | {question(read, low)} |"


def places(own: IntervalSet) -> list[str]:
    """Return where the open rows of a set were read."""
    return list(dict.fromkeys(row.locator for row in own.rows if row.verification == "C" or row.confidence == "low"))


def question(read: int, low: int) -> str:
    """Ask what would settle a set."""
    asked = ["does the publication print these numbers?"] if read else []
    asked += ["is there a better source for these people?"] if low else []
    return " ".join(text.capitalize() for text in asked)


def cell(text: str) -> str:
    """Keep a text inside its table cell."""
    return text.replace("|", "/").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(load_knowledge()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(PAGE.read_text(encoding='utf-8').splitlines())} lines")
