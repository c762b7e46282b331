"""Results as plain text: the chain from what was received to each flag."""

from __future__ import annotations

import textwrap
from dataclasses import astuple
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from cbc_screen.printable import clean
from cbc_screen.report.asking import asked
from cbc_screen.report.history import history_words
from cbc_screen.report.units import TextUnits
from cbc_screen.report.wording import (
    AnalyteWords,
    analyte_words,
    bands_words,
    criteria_words,
    finding_words,
    line_words,
    person_words,
    severity_words,
    test_words,
    units_of,
    urgency_words,
    words,
)
from cbc_screen.report.words import GROUP_WORDS
from cbc_screen.result import ConditionResult, ScreeningResult

if TYPE_CHECKING:
    from jinja2 import Environment

WIDTH = 110
_LABELLED = " " * 6
_LABEL = 9


def explain(result: ScreeningResult, *, width: int = WIDTH) -> str:
    """Write a result as plain text; conditions before the fold are written in full."""
    units = units_of(result)
    by_name = {analyte.analyte: analyte for analyte in result.analytes}
    lines = [line_words(line, by_name.get(line.analyte), units) for line in result.lines]
    analytes = [analyte_words(analyte, units) for analyte in result.analytes]
    text = (
        _environment()
        .get_template("explain.txt.j2")
        .render(
            result=result,
            severity=severity_words(result.severity, result.severity_min),
            urgency=urgency_words(result),
            person=_aligned([list(row) for row in person_words(result.person)]),
            shown=result.checklist_shown,
            groups=_groups(result),
            tests=test_words(result),
            lines=_aligned([list(astuple(line)) for line in lines]),
            asked=list(filter(None, map(asked, result.lines))),
            bands=[text for line in result.lines if (text := bands_words(line, units))],
            criteria=_aligned([list(row) for row in criteria_words(result)]),
            history=None if result.history is None else history_words(result.history, units),
            timeline=_timeline(result, units),
            analytes=_aligned([_cells(row) for row in analytes]) or ["no result was given"],
            checks=(
                ("CHECKS for a spurious result", result.guards),
                ("REVIEW TRIGGERS", result.review_triggers),
                ("PUBLISHED CUT-OFFS crossed, beside the grade", result.published_cutoffs),
            ),
        )
    )
    return "\n".join(_wrapped(line, width) for line in clean(text).split("\n"))


def _timeline(result: ScreeningResult, units: TextUnits) -> list[str]:
    """Return the counts of the person as aligned lines, the heads first."""
    if result.history is None:
        return []
    told = history_words(result.history, units)
    return _aligned([list(told.heads), *map(list, told.rows)])


def _groups(result: ScreeningResult) -> list[tuple[str, int, list[ConditionResult]]]:
    """Return each group of the checklist: its words, the place of its first entry, its entries."""
    found, place = [], 1
    for group, entries in groupby(result.checklist, key=lambda entry: entry.group):
        own = list(entries)
        found.append((GROUP_WORDS[group].upper(), place, own))
        place += len(own)
    return found


def _cells(row: AnalyteWords) -> list[str]:
    return [row.label, row.received, row.used, row.state, " or ".join(row.ranges), row.reasons]


def _wrapped(line: str, width: int) -> str:
    """Wrap a long line under its own text."""
    if len(line) <= width:
        return line
    indent = len(line) - len(line.lstrip())
    labelled = line.startswith(_LABELLED) and line[indent : indent + _LABEL].strip() in (
        "for",
        "against",
        "missing",
        "next",
        "place",
    )
    hang = indent + (_LABEL if labelled else 4)
    # Runs of blanks align columns: textwrap would fold them, so they stay outside.
    head, tail = line[: width // 3], line[width // 3 :]
    return textwrap.fill(
        head.replace(" ", "\xa0") + tail,
        width,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace("\xa0", " ")


def _aligned(rows: list[list[str]]) -> list[str]:
    """Align columns; the last one keeps its length."""
    if not rows:
        return []
    rows = [[cell.replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader

    # Plain text: there is nothing to escape, and `clean` strips what a terminal would act on.
    environment = Environment(
        loader=PackageLoader("cbc_screen.report"),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["words"] = words
    environment.filters["finding"] = finding_words
    return environment
