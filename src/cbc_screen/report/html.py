"""A result as HTML: the page of one person, in pieces that a worklist shares between people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cbc_screen.knowledge import load_knowledge
from cbc_screen.labels import Told
from cbc_screen.printable import clean
from cbc_screen.report.asking import asked
from cbc_screen.report.bars import HEIGHTS, bar_of
from cbc_screen.report.figures import Figure, counted
from cbc_screen.report.history import drawn_counts, history_words
from cbc_screen.report.units import TextUnits
from cbc_screen.report.wording import (
    analyte_words,
    bands_words,
    begun_low,
    criteria_words,
    ends_words,
    finding_words,
    level_words,
    line_words,
    outside_words,
    person_words,
    sentence,
    severity_words,
    test_words,
    units_of,
    why_words,
    words,
)
from cbc_screen.report.words import GROUP_WORDS
from cbc_screen.result import AnalyteResult, Citation, ConditionResult, ReferenceRange, ScreeningResult
from cbc_screen.vocabulary import NOTICE, LineState, Pattern, Severity, Support, Urgency

if TYPE_CHECKING:
    from jinja2 import Environment

    from cbc_screen.summary import FlagSummary, ScanSummary

_MOST = 12
# What a reviewer agrees or disagrees with: that a condition is to be considered, or less likely.
LISTED = {
    Support.SUPPORTED: Told.YES,
    Support.CONSIDER: Told.YES,
    Support.LESS_LIKELY: Told.NO,
    Support.CANNOT_ASSESS: Told.CANNOT_TELL,
}
_FIRST = (("Checks for a spurious result", "guard", "guards"),)
_FIRED = (
    ("Review triggers", "trigger", "review_triggers"),
    ("Published cut-offs crossed, beside the grade", "cutoff", "published_cutoffs"),
)


def result_html(result: ScreeningResult) -> str:
    """Return a result as HTML with its style, for a notebook."""
    return styled_html("".join(person_parts(result)))


def styled_html(shown: str) -> str:
    """Return HTML with its style around it, for a notebook: light or dark as the notebook is."""
    return f'<div class="cbc-screen"><style>{style()}</style>{shown}</div>'


def summary_html(summary: ScanSummary) -> str:
    """Return the account of a scan as HTML, for a notebook."""
    figures = [
        counted("Patterns", summary.patterns, reversed(Pattern)),
        counted("Severity", summary.severities, reversed(Severity)),
        counted("Urgency", summary.urgencies, reversed(Urgency)),
    ]
    for title, counts in (("Why something is unknown", summary.reasons), ("Rejected rows", summary.rejects)):
        if counts:
            figures.append(counted(title, counts, list(counts)[:_MOST]))
    shown = environment().get_template("summary.html.j2").render(summary=summary, figures=figures)
    return styled_html(shown)


def cohort_html(summary: FlagSummary) -> str:
    """Return the summary of a frame of flags as HTML, for a notebook."""
    states = list(LineState)
    lines = Figure(
        "Lines",
        tuple(words(state) for state in states),
        tuple((line, tuple(own[state] for state in states)) for line, own in summary.lines.items()),
    )
    figures = [
        counted("Patterns", summary.patterns, reversed(Pattern)),
        counted("Severity", summary.severities, reversed(Severity)),
        counted("Urgency", summary.urgencies, reversed(Urgency)),
        lines,
    ]
    if summary.reasons:
        figures.append(counted("Why something is unknown", summary.reasons, list(summary.reasons)[:_MOST]))
    shown = environment().get_template("cohort.html.j2").render(summary=summary, figures=figures)
    return styled_html(shown)


def range_html(found: ReferenceRange) -> str:
    """Return a reference range as HTML, for a notebook."""
    rows = {
        own.name: _range_words(value)
        for own in fields(found)
        if (value := getattr(found, own.name)) not in (None, "", ()) and own.name not in ("lower", "upper", "unit")
    }
    limits = ends_words(found.lower, found.upper)
    shown = str(_macros().range(f"{limits} {found.unit}", rows))
    return styled_html(shown)


def _range_words(value: object) -> object:
    """Return what stands of a field of a range: limits as two ends, other ranges by their sets."""
    if not isinstance(value, tuple):
        return value
    others = [own for own in value if isinstance(own, ReferenceRange)]
    if others:
        return "; ".join(f"{own.set}: {ends_words(own.lower, own.upper)} {own.unit}" for own in others)
    return ends_words(*value)


@lru_cache(maxsize=1)
def style() -> str:
    """Return the style of a person's page."""
    return source("person.css")


def source(name: str) -> str:
    """Return a file of the templates as it is."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]


class Shared(str):
    """A piece of HTML that the pages of many people have."""

    __slots__ = ()


def person_parts(result: ScreeningResult) -> list[str]:
    """Return the page of one person in pieces, many of them `Shared`; joined, they are the page.

    What is low and why it is urgent stand first, then what to consider and the next tests; all else is folded.
    """
    make, units = _macros(), units_of(result)
    by_name = {analyte.analyte: analyte for analyte in result.analytes}
    severity = severity_words(result.severity, result.severity_min)
    parts = [
        make.head(
            result.pattern_text, result.pattern, severity, result.urgency, level_words(result), why_words(result)
        ),
        make.person(person_words(result.person)),
        make.lines_head(),
    ]
    for line in result.lines:
        found = by_name.get(line.analyte)
        graded = line if line.graded_on == line.analyte else None
        drawn = None if found is None else bar_of(found, graded, units)
        parts.append(make.line(line_words(line, found, units), line.state, drawn))
    parts.append(make.lines_end(outside_words(result), list(filter(None, map(asked, result.lines)))))
    parts += [make.checks(title, kind, getattr(result, name)) for title, kind, name in _FIRST if getattr(result, name)]
    parts += [make.checklist_head(not result.checklist, result.borderline, result.setting), *_groups(result)]
    parts += [make.beside(test_words(result), result)]
    if result.history is not None:
        parts.append(make.history(history_words(result.history, units), drawn_counts(result.history, units)))
    parts += [make.rest_head(), *_folded(result, by_name, units)]
    parts += [make.sources_head(len(result.sources)), *map(_source, result.sources)]
    parts.append(make.foot(result.versions, result.sources))
    return [part if isinstance(part, Shared) else str(part) for part in parts]


def _folded(result: ScreeningResult, by_name: Mapping[str, AnalyteResult], units: TextUnits) -> Iterator[str]:
    """Yield what is folded: every result as received and as used, what fired, the criteria."""
    make, versions = _macros(), result.versions
    yield make.results_head(versions.ranges, len(result.analytes))
    judged = {line.analyte for line in result.lines}
    for analyte in result.analytes:
        yield _analyte(analyte, analyte.analyte in judged, units)
    bands = [text for line in result.lines if (text := bands_words(line, units))]
    graded = f"{versions.grading} {versions.grading_version}"
    yield make.results_end(not result.analytes, bands, versions.definition, graded)
    for title, kind, name in _FIRED:
        if found := getattr(result, name):
            yield make.checks_folded(title, kind, found)
    yield make.criteria(result.blood_criteria, criteria_words(result))


def _analyte(analyte: AnalyteResult, judged: bool, units: TextUnits) -> str:
    words_of = analyte_words(analyte, units)
    drawn = None if judged else bar_of(analyte, None, units)
    key = ("analyte", words_of, drawn, judged)
    return _KEPT.piece(key, lambda: _macros().result(words_of, analyte.state, drawn, judged))


def _groups(result: ScreeningResult) -> Iterator[str]:
    """Yield the checklist by groups; each one behind the fold opens when asked."""
    make, place = _macros(), 1
    for group, entries in groupby(result.checklist, key=lambda entry: entry.group):
        own = list(entries)
        folded = place > result.checklist_shown
        title = f"{sentence(GROUP_WORDS[group])} ({len(own)})" if folded else sentence(GROUP_WORDS[group])
        yield make.group_head(title, place, folded)
        yield from map(_condition, own)
        yield make.group_end(folded)
        place += len(own)


def _condition(entry: ConditionResult) -> str:
    sides = (*entry.findings_for, *entry.findings_against)
    findings = tuple(finding.condition for finding in sides)
    key = ("condition", entry.id, entry.place_reason, findings, entry.missing, entry.next_tests)
    return _KEPT.piece(key, lambda: Shared(_macros().condition(entry)))


def _source(citation: Citation) -> str:
    return _KEPT.piece(("source", citation.id), lambda: Shared(_macros().source(citation)))


class _Kept:
    """Pieces that come again: made once (they were two thirds of the time of a page of many people)."""

    MOST = 65_536

    def __init__(self) -> None:
        self._pieces: dict[tuple[Any, ...], str] = {}

    def clear(self) -> None:
        self._pieces.clear()

    def piece(self, key: tuple[Any, ...], make: Callable[[], str]) -> str:
        piece = self._pieces.get(key)
        if piece is None:
            made = make()
            piece = made if isinstance(made, Shared) else str(made)
            if len(self._pieces) >= self.MOST:
                self._pieces.clear()
            self._pieces[key] = piece
        return piece  # not looked up again: another thread may have cleared them


_KEPT = _Kept()


def forget_pieces() -> None:
    """Let go of the pieces kept: they hold results of people."""
    _KEPT.clear()


@lru_cache(maxsize=1)
def _macros() -> Any:
    return environment().get_template("person.html.j2").module


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the environment of pages: everything is escaped, control and bidirectional characters go."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def plain(value: Any) -> Any:
        return value if isinstance(value, Markup) else clean(str(value))

    made = Environment(
        loader=PackageLoader("cbc_screen.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=plain,
    )
    labels = {name: begun_low(own.label) for name, own in load_knowledge().analytes.items()}
    made.filters |= {"words": words, "finding": finding_words, "sentence": sentence, "quantity": labels.__getitem__}
    made.globals |= {"notice": NOTICE, "heights": HEIGHTS, "listed": LISTED}
    return made
