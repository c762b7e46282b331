"""Write docs/reference.md: sets, schemes, definitions, checks and conditions, from the data.

Usage: python tools/write_reference.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.knowledge import Knowledge, load_knowledge  # noqa: E402
from cbc_screen.knowledge.grading import Scheme  # noqa: E402
from cbc_screen.knowledge.locators import Area  # noqa: E402
from cbc_screen.knowledge.rules import Rule  # noqa: E402
from cbc_screen.report.units import number, text_units  # noqa: E402
from cbc_screen.report.words import describe  # noqa: E402
from cbc_screen.vocabulary import NOTICE  # noqa: E402

PAGE = ROOT / "docs" / "reference.md"


def page(knowledge: Knowledge) -> str:
    """Return the whole page."""
    parts = (quantities, sets, schemes, adjustments, definitions, checks, settings, conditions)
    lines = [
        "# Reference",
        "",
        f"Written from data {knowledge.data_version} by `tools/write_reference.py`. {NOTICE}",
        "",
    ]
    for part in parts:
        lines += [*part(knowledge), ""]
    return "\n".join(lines).rstrip() + "\n"


def quantities(knowledge: Knowledge) -> Iterator[str]:
    """Write the quantities with their units, guards and codes."""
    yield "## Quantities"
    yield ""
    yield "| quantity | canonical unit | used from .. to | LOINC |"
    yield "|---|---|---|---|"
    for analyte in knowledge.analytes.values():
        used = " .. ".join(number(end) for end in analyte.plausible) if analyte.plausible else ""
        yield f"| `{analyte.id}` | {analyte.unit} | {used} | {', '.join(analyte.loinc)} |"


def sets(knowledge: Knowledge) -> Iterator[str]:
    """Write the sets of reference ranges."""
    yield "## Sets of reference ranges"
    yield ""
    yield "A, B, C: rows computed from primary data, seen on the publisher's own page, seen in a transcription."
    yield ""
    yield "What is open of a set, a scheme, a limit or a score, for a clinician to settle: [open_questions.md](open_questions.md)."
    yield ""
    yield "| set | kind | rows | A/B/C | low confidence | analytes | title |"
    yield "|---|---|---|---|---|---|---|"
    for chosen in knowledge.interval_sets.values():
        marks = "/".join(str(sum(row.verification == mark for row in chosen.rows)) for mark in "ABC")
        analytes = ", ".join(dict.fromkeys(row.analyte for row in chosen.rows))
        low = sum(row.confidence == "low" for row in chosen.rows) or ""
        yield f"| `{chosen.id}` | {chosen.kind} | {len(chosen.rows)} | {marks} | {low} | {analytes} | {cell(chosen.title)} |"


def schemes(knowledge: Knowledge) -> Iterator[str]:
    """Write the bands of every grading scheme."""
    yield "## Grading schemes"
    for scheme in knowledge.schemes.values():
        yield ""
        yield f"### `{scheme.id}`, version {scheme.version}"
        yield ""
        yield f"{scheme.title}."
        yield ""
        yield "| analyte | sex | stage | grade | severity | band | unit | source |"
        yield "|---|---|---|---|---|---|---|---|"
        for analyte, rows in scheme.tables.items():
            for row in rows:
                lower = "" if row.lower is None else f"from {number(row.lower)} "
                upper = "lower limit" if row.relative else "" if row.upper is None else number(row.upper)
                end = (f"up to {upper}" if row.upper_inclusive else f"to under {upper}") if upper else "up"
                age = f"{row.age_low.count} {row.age_low.unit}"
                yield f"| {analyte}, age from {age} | {row.sex} | {row.pregnancy} | {row.grade} | {row.severity} | {lower}{end} | {row.unit} | {row.source} ({row.verification}) |"

        yield ""
        yield from places(knowledge, scheme)


def places(knowledge: Knowledge, scheme: Scheme) -> Iterator[str]:
    """Write where the numbers of a scheme stand in their sources."""
    tables = {(rows[0].scheme, analyte) for analyte, rows in scheme.tables.items()}
    for found in knowledge.locators:
        of = found.number
        if of.area is Area.GRADING and (of.group, of.item) in tables:
            place = found.place or "**not known** ([open question](open_questions.md))"
            yield f"- {of.item}, place in the source: {place}"
    for table, analyte in sorted(tables):
        if not any((own.number.group, own.number.item) == (table, analyte) for own in knowledge.locators):
            yield f"- {analyte}: a value of this project"


def adjustments(knowledge: Knowledge) -> Iterator[str]:
    """Write what is subtracted from hemoglobin for elevation and smoking."""
    yield "## Adjustments of hemoglobin"
    yield ""
    yield "Only on request, only from what a record states, and with the unadjusted answer beside it."
    for adjustment in knowledge.adjustments.values():
        yield ""
        yield f"### `{adjustment.table}` ({adjustment.source})"
        yield ""
        yield "| for | from | subtract, g/L | read as |"
        yield "|---|---|---|---|"
        for unit, steps in (("elevation, m", adjustment.elevation), ("cigarettes a day", adjustment.cigarettes)):
            for step in steps:
                amount = "no number" if step.subtract is None else number(step.subtract)
                yield f"| {unit} | {number(step.lower)} | {amount} | {step.verification} |"
        for title, step in (("smoker, quantity unknown", adjustment.smoker), ("non-smoker", adjustment.non_smoker)):
            yield f"| {title} | | {number(step.subtract or 0.0)} | {step.verification} |"


def definitions(knowledge: Knowledge) -> Iterator[str]:
    """Write the definitions of a low line."""
    yield "## Definitions of a low line"
    yield ""
    for definition in knowledge.definitions.values():
        yield f"- `{definition.id}`: {definition.label} ({', '.join(definition.sources)})"


def checks(knowledge: Knowledge) -> Iterator[str]:
    """Write guards, review triggers and urgency rules."""
    shipped = knowledge.checks
    groups = [("## Checks for a spurious result", shipped.guards), ("## Urgency", knowledge.urgency)]
    groups += [("## Published cut-offs, shown beside the grade", shipped.cutoffs)]
    for policy in shipped.policies.values():
        use = "in use by default" if policy.default else "off unless chosen"
        rules = tuple(rule for rule in shipped.triggers if rule.policy == policy.id)
        groups.append((f"## Review triggers: {policy.title} (`{policy.id}`, {use})", rules))
    for title, rules in groups:
        yield title
        yield ""
        yield from (f"- `{rule.id}`: {line(rule, knowledge)}" for rule in rules)
        yield ""


def settings(knowledge: Knowledge) -> Iterator[str]:
    """Write what each setting moves, with the mark and the source of each shift."""
    yield "## Settings"
    yield ""
    yield "What a stated setting moves of the starting tiers, by one (setting.md)."
    for setting in knowledge.settings.values():
        yield ""
        yield f"`{setting.id}` ({setting.kind}), {setting.text}: {setting.why}."
        yield ""
        yield "| condition | shift | mark | source |"
        yield "|---|---|---|---|"
        for shift in setting.shifts.values():
            yield f"| `{shift.condition}` | {shift.by:+d} | {shift.threshold} | {shift.source} |"


def conditions(knowledge: Knowledge) -> Iterator[str]:
    """Write where each condition of the checklist has its page (write_conditions.py)."""
    yield "## Conditions"
    yield ""
    for condition in knowledge.conditions:
        yield f"- [{condition.name}](conditions/{condition.id}.md), {condition.tier.replace('_', ' ')}"


def line(rule: Rule, knowledge: Knowledge) -> str:
    """Write one rule."""
    weighed = f"; weight: {rule.basis}" if rule.basis is not None else ""
    return f"{rule.text} [{describe(rule.when, knowledge, text_units('si'))}; {rule.threshold}{weighed}; {rule.source}]"


def cell(text: str) -> str:
    """Keep a text inside its table cell."""
    return text.replace("|", "/")


if __name__ == "__main__":
    PAGE.write_text(page(load_knowledge()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(PAGE.read_text(encoding='utf-8').splitlines())} lines")
