"""The summary of a result: at most three sentences, made from the data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cbc_screen.report.units import TextUnits
from cbc_screen.report.wording import adjusted_words, begun_low, room_words, severity_words, used_words
from cbc_screen.report.words import joined
from cbc_screen.result import AnalyteResult, ConditionResult, LineResult
from cbc_screen.vocabulary import CheckGroup, Line, LineState, Severity, State

_BRACKETS = re.compile(r" *\([^()]*\)")
# What is told where it is high; the lines tell what is low.
_FOR_HEMOGLOBIN = ("hematocrit", "rbc")  # told where they are low and the hemoglobin is not known
_TOLD_ALONE = "mcv"  # told where it is high and no line is low
_TOLD_LOW_ALONE = ("lymphocytes",)  # of no line: few of them alone are seen only where they are said
_GRADED = frozenset(Severity) - {Severity.NONE, Severity.CANNOT_TELL}
_TOLD_HIGH = ("hemoglobin", "wbc", "platelets", "lymphocytes", "monocytes", "eosinophils", "basophils")


def summary_of(
    pattern_text: str,
    lines: Sequence[LineResult],
    analytes: Sequence[AnalyteResult],
    shown: Sequence[ConditionResult],
    borderline: bool,
    units: TextUnits,
    setting: str = "",
    unused: Sequence[str] = (),
) -> str:
    """Say what is low and how deep, what fits (in the setting, where one is stated), and what must not be missed and what would settle it."""
    by_name = {analyte.analyte: analyte for analyte in analytes}
    sentences = [_state(pattern_text, lines, by_name, borderline, units)]
    fits = [entry for entry in shown if entry.group is CheckGroup.FITS]
    miss = [entry for entry in shown if entry.group is CheckGroup.NOT_TO_MISS]
    if unused and not fits and not miss and all(line.state is LineState.CANNOT_TELL for line in lines):
        said = "; ".join(unused)
        sentences.append(f"{said[0].upper()}{said[1:]}.")
    if fits:
        within = f" (setting as stated: {setting})" if setting else ""
        sentences.append(f"Fits this count{within}: {'; then '.join(_fitting(fits))}.")
    if miss:
        sentences.append(f"Not to be missed: {'; '.join(f'{short_name(e)} ({e.settled_by})' for e in miss)}.")
    return " ".join(sentences)


def _state(
    pattern_text: str,
    lines: Sequence[LineResult],
    by_name: dict[str, AnalyteResult],
    borderline: bool,
    units: TextUnits,
) -> str:
    said = pattern_text[0].upper() + pattern_text[1:]
    deep = [_line(line, by_name, units) for line in lines if line.state is LineState.LOW and line.analyte in by_name]
    if deep:
        said += f", with {joined(deep)}"
    high = [
        f"{begun_low(by_name[name].label)} {used_words(by_name[name], units)}"
        for name in (*_TOLD_HIGH, *([] if deep else [_TOLD_ALONE]))
        if name in by_name and by_name[name].state is State.HIGH
    ]
    red = next((line.state for line in lines if line.line is Line.RED), None)
    low = [
        f"{begun_low(by_name[name].label)} {used_words(by_name[name], units)}"
        for name in (*(_FOR_HEMOGLOBIN if red is LineState.CANNOT_TELL else ()), *(() if deep else _TOLD_LOW_ALONE))
        if name in by_name and by_name[name].state is State.LOW
    ]
    graded = [
        _line(line, by_name, units)
        for line in lines
        if line.state is LineState.NOT_LOW and line.severity in _GRADED and line.analyte in by_name
    ]
    if graded:
        said += f"; not low but graded: {joined(graded)}"
    if low:
        said += f"; low: {joined(low)}"
    if high:
        said += f"; high: {joined(high)}"
    if borderline:
        near = "near its limit" if len(deep) == 1 else "each near its limit"
        said += f"; borderline: {near} and without a grade, so a repeat count comes first"
    return f"{said}."


def _line(line: LineResult, by_name: dict[str, AnalyteResult], units: TextUnits) -> str:
    value = used_words(by_name[line.analyte], units)
    said = severity_words(line.severity, line.severity_min)
    unknown = line.severity is Severity.CANNOT_TELL and line.severity_min is Severity.NONE
    depth = "" if line.severity is Severity.NONE else f" ({'severity unknown' if unknown else said})"
    room = f", {room_words(line, units)}" if line.at_most is not None else ""
    adjusted = "" if line.adjusted is None else f", {adjusted_words(line, units)}"
    return f"{begun_low(by_name[line.analyte].label)} {value}{adjusted}{room}{depth}"


def short_name(entry: ConditionResult) -> str:
    """Return a name without what stands in its brackets."""
    return entry.name.split(" (")[0]


def _fitting(fits: Sequence[ConditionResult]) -> list[str]:
    """Name what fits: the first with the finding that counts most, then the others."""
    first, *others = fits
    return [_with_finding(first), joined([short_name(entry) for entry in others])] if others else [_with_finding(first)]


def _with_finding(entry: ConditionResult) -> str:
    if not entry.findings_for:
        return short_name(entry)
    return f"{short_name(entry)} ({begun_low(_BRACKETS.sub('', entry.findings_for[0].text))})"
