"""Write docs/conditions/ from the data: one page a condition, for whoever reviews the knowledge.

Usage: python tools/write_conditions.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools")]

from write_reference import cell  # noqa: E402

from cbc_screen.knowledge import Knowledge, load_knowledge  # noqa: E402
from cbc_screen.knowledge.likelihoods import Likelihood  # noqa: E402
from cbc_screen.knowledge.ordering import COMBINATIONS  # noqa: E402
from cbc_screen.knowledge.rules import Condition, Rule  # noqa: E402
from cbc_screen.report.units import text_units  # noqa: E402
from cbc_screen.report.words import describe  # noqa: E402
from cbc_screen.vocabulary import NOTICE  # noqa: E402

FOLDER = ROOT / "docs/conditions"
WITNESSES = {
    "supported": "a finding that is decisive holds, and none that is decisive against it",
    "silent": "no line is low; it is not listed",
    "contradicted": "a finding against it outweighs the others",
}


def pages(knowledge: Knowledge) -> dict[str, str]:
    """Return the pages by file name, an index among them."""
    own = {f"{condition.id}.md": page(condition, knowledge) for condition in knowledge.conditions}
    return {"README.md": "\n".join(index(knowledge)) + "\n", **own}


def index(knowledge: Knowledge) -> Iterator[str]:
    """Write the list of pages."""
    yield "# Conditions of the checklist"
    yield ""
    yield f"Written from data {knowledge.data_version} by `tools/write_conditions.py`. {NOTICE}"
    yield ""
    yield "Points are whole doublings of how expected a finding is. They order the list and are in no output. A basis of"
    yield "`measured` comes from public counts, `derived` from published frequencies, `judgment` is this project's own."
    yield ""
    for condition in knowledge.conditions:
        yield f"- [{condition.name}]({condition.id}.md)"


def page(condition: Condition, knowledge: Knowledge) -> str:
    """Return the page of a condition."""
    parts = (head, weights, frequencies, end)
    return "\n".join(line for part in parts for line in part(condition, knowledge)) + "\n"


def head(condition: Condition, knowledge: Knowledge) -> Iterator[str]:
    """Write what it is, when it is listed, and how it starts."""
    yield f"# {condition.name}"
    yield ""
    yield f"`{condition.id}`, {condition.tier.replace('_', ' ')}, data {knowledge.data_version}. {NOTICE}"
    yield ""
    yield condition.summary
    for title, when in (
        ("Only listed when", condition.only_when),
        ("Before the fold when", condition.shown_when),
        ("Before the fold, unless another condition is supported, when", condition.shown_unless_decided),
    ):
        if when is not None:
            yield ""
            yield f"{title}: {describe(when, knowledge, text_units('si'))}."
    yield ""
    yield "## Starting tier, by low lines"
    yield ""
    yield f"| ages | {' | '.join(name.replace('_', ' ') for name in COMBINATIONS)} | mark | source |"
    yield "|" + "---|" * (len(COMBINATIONS) + 3)
    for ages, row in knowledge.ordering.tiers[condition.id].items():
        cells = [str(row.tiers.get(name, "")) for name in COMBINATIONS]
        yield f"| {ages} | {' | '.join(cells)} | {row.threshold} | {row.source} |"


def weights(condition: Condition, knowledge: Knowledge) -> Iterator[str]:
    """Write the findings with their weights."""
    for title, rules in (("for", condition.findings_for), ("against", condition.findings_against)):
        yield ""
        yield f"## Findings {title} it"
        yield ""
        yield "| id | finding | points | basis | together with | mark | source |"
        yield "|---|---|---|---|---|---|---|"
        yield from (finding(rule, knowledge) for rule in rules)


def finding(rule: Rule, knowledge: Knowledge) -> str:
    """Write a finding as a row of the table."""
    points = "decisive" if rule.decisive and not rule.points else f"{rule.points:+d}{', decisive' * rule.decisive}"
    asked = cell(describe(rule.when, knowledge, text_units("si")))
    text = cell(rule.text)
    cells = (f"`{rule.id}`", f"{text}: {asked}", points, rule.basis or "", rule.together, rule.threshold, rule.source)
    return f"| {' | '.join(str(part) for part in cells)} |"


def frequencies(condition: Condition, knowledge: Knowledge) -> Iterator[str]:
    """Write the frequencies that points were worked out from, where they are in the data."""
    own = [found for found in knowledge.likelihoods if found.condition == condition.id]
    if not own:
        return
    yield ""
    yield "## Frequencies behind the points"
    yield ""
    yield "| finding | with it | without it | ratio (95 %) | points | sources | notes |"
    yield "|---|---|---|---|---|---|---|"
    for found in own:
        with_it, without = shares(found)
        ratio = f"{found.ratio:g}" + ("" if found.interval is None else " ({:g} to {:g})".format(*found.interval))
        cells = (f"`{found.finding}`", with_it, without, ratio, f"{found.points:+d}", ", ".join(found.sources))
        yield f"| {' | '.join(cells)} | {cell(found.notes)} |"


def shares(found: Likelihood) -> tuple[str, str]:
    """Write how many had the finding, with the condition and without it."""
    if found.counts is not None:
        a, n, b, m = found.counts
        return f"{a} of {n}", f"{b} of {m}"
    return ("", "") if found.percents is None else (f"{found.percents[0]:g} %", f"{found.percents[1]:g} %")


def end(condition: Condition, knowledge: Knowledge) -> Iterator[str]:
    """Write what settles it, its urgency, its witnesses, its limits and sources, and the line for approval."""
    questions = knowledge.ordering.questions
    yield ""
    yield f"Settled by: {'; '.join(questions[name].text for name in condition.settled_by)}."
    for title, items in (("Missing", condition.missing), ("Next tests", condition.next_tests)):
        if items:
            yield ""
            yield f"{title}: {'; '.join(item.text for item in items)}."
    for rule in condition.urgency:
        yield ""
        yield f"Urgency {rule.urgency}: {rule.text} ({rule.threshold}; {rule.source})."
    if condition.not_decidable:
        yield ""
        yield f"No finding is decisive: {condition.not_decidable}"
    yield ""
    yield f"Limits: {condition.limits}"
    yield ""
    if condition.facts:
        yield "## What is known of it"
        yield ""
        yield "Published figures of groups. They stand in no answer about a person."
        yield ""
        yield from (f"- {fact.text} (`{fact.source}`)" for fact in condition.facts)
        yield ""
    yield "## Witnesses"
    yield ""
    for name, record in condition.witnesses.items():
        yield f"- {name} ({WITNESSES[name]}): {written(record)}"
    yield ""
    yield "## Sources"
    yield ""
    for name in condition.sources:
        source = knowledge.sources[name]
        yield f"- `{name}`: {source.citation}{f' <{source.url}>' if source.url else ''}"
    yield ""
    yield "## Approval"
    yield ""
    yield f"Approved by: {', '.join(condition.approved_by) or '______________________________'}"
    yield ""
    yield "Date: ______________"


def written(record: Mapping[str, Any]) -> str:
    """Write a witness as one line."""
    parts = []
    for name, value in record.items():
        if isinstance(value, Mapping):
            parts += [f"{finding.replace('_', ' ')} {answer}" for finding, answer in value.items()]
        else:
            parts.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(parts)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    made = pages(load_knowledge())
    for old in FOLDER.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{FOLDER.relative_to(ROOT)}: {len(made)} pages")
