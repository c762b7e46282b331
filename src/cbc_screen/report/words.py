"""Sentences made from data, so that a number in a text cannot drift from its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.predicates import (
    AgeIs,
    BeyondRange,
    Borderline,
    Compare,
    CourseIs,
    FindingIs,
    HowMany,
    LineIs,
    LinesLow,
    MethodIs,
    Not,
    Possible,
    Postpartum,
    Predicate,
    Pregnant,
    Sent,
    SexIs,
    StageIs,
    StateIs,
)  # fmt: skip
from cbc_screen.knowledge.rules import Condition
from cbc_screen.report.units import TextUnits, number
from cbc_screen.vocabulary import CheckGroup, Line, LineState, Pattern, Sex, State, Support, Tier

_COMPARISONS = {"below": "below", "at_most": "at most", "above": "above", "at_least": "at least"}
_WHICH = {1: "one line is low; which one is not certain", 2: "two lines are low; which two is not certain"}
PATTERN_WORDS = ("no line low", "single-line cytopenia", "bicytopenia", "pancytopenia")


def joined(words: Sequence[str], last: str = "and") -> str:
    """Join words as a sentence does."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def describe(predicate: Predicate, knowledge: Knowledge, units: TextUnits) -> str:
    """Say a predicate in words, with its numbers."""
    match predicate:
        case Compare(subject, comparison, value, unit):
            analyte = subject.removesuffix("_from_counts")
            if analyte in knowledge.analytes and unit == knowledge.analytes[analyte].unit:
                value, unit = units.value(analyte, value), units.unit(analyte)
            suffix = "" if unit == "1" else ("%" if unit == "%" else f" {unit}")
            return f"{label(subject, knowledge)} {_COMPARISONS[comparison]} {number(value)}{suffix}"
        case StateIs(analyte, state):
            return f"{label(analyte, knowledge)} {state} for the reference range"
        case Sent(analyte):
            return f"{label(analyte, knowledge)} sent"
        case BeyondRange(analyte, side, distance, _):
            limit = "above its upper" if side is State.HIGH else "below its lower"
            by = f"{units.number(analyte, distance)} {units.unit(analyte)}"
            return f"{label(analyte, knowledge)} more than {by} {limit} reference limit"
        case LineIs(line, low, definition):
            under = f" under the {definition} definition" if definition else ""
            return f"{line} line {'low' if low else 'not low'}{under}"
        case LinesLow(comparison, count):
            return f"{'at least' if comparison == 'at_least' else 'exactly'} {count} line{'s' if count > 1 else ''} low"
        case SexIs(sex):
            return "female" if sex is Sex.FEMALE else "male"
        case Pregnant():
            return "pregnant"
        case Postpartum():
            return "after delivery"
        case StageIs(stage):
            return f"pregnant, {stage}"
        case Borderline():
            return "borderline count"
        case AgeIs(at_least, _, text):
            return f"age {'at least' if at_least else 'below'} {text}"
        case MethodIs(method):
            return f"reticulocytes counted by the {method} method"
        case FindingIs(finding, present):
            return f"{knowledge.findings[finding]}: {'present' if present else 'absent'}"
        case CourseIs(course):
            return f"earlier counts: {knowledge.courses[course].text}"
        case Not(of):
            return f"not ({describe(of, knowledge, units)})"
        case Possible(of):
            return f"{_within(of, knowledge, units)}, as far as known"
        case HowMany(at_least, of):
            parts = [_within(part, knowledge, units) for part in of]
            if at_least == len(of):
                return joined(parts)
            return joined(parts, "or") if at_least == 1 else f"at least {at_least} of: {'; '.join(parts)}"


def _within(predicate: Predicate, knowledge: Knowledge, units: TextUnits) -> str:
    """Say a part of a predicate; several alternatives stand in brackets."""
    said = describe(predicate, knowledge, units)
    return f"({said})" if isinstance(predicate, HowMany) and len(predicate.of) > 1 else said


def label(subject: str, knowledge: Knowledge) -> str:
    """Return the name of an analyte or a quantity within a sentence."""
    if subject in knowledge.analytes:
        name = knowledge.analytes[subject].label
        return name if name.isupper() or name[:3].isupper() else name[0].lower() + name[1:]
    return subject.replace("_", " ")


_TIERS = {
    Tier.TIME_CRITICAL: "time-critical if missed",
    Tier.ARTIFACT: "a spurious count, quick to exclude",
    Tier.SERIOUS: "serious; further tests confirm or exclude it",
    Tier.COMMON: "common",
    Tier.RARE: "rare or inherited",
}


GROUP_WORDS = {
    CheckGroup.FITS: "fits this count",
    CheckGroup.NOT_TO_MISS: "must not be missed",
    CheckGroup.ALSO_POSSIBLE: "also possible",
    CheckGroup.UNLIKELY: "little to support it",
}


def place_reason(condition: Condition, group: CheckGroup, support: Support) -> str:
    """Say why a condition has its place: its group, its support, and what kind of condition it is."""
    return f"{GROUP_WORDS[group]}; {support.replace('_', ' ')}; {_TIERS[condition.tier]}"


def pattern_text(pattern: Pattern, low_min: int, low_max: int, lines: Mapping[Line, LineState]) -> str:
    """Say the pattern: which lines, and what is not excluded."""
    low = [f"{line}" for line in Line if lines[line] is LineState.LOW]
    unknown = [f"{line}" for line in Line if lines[line] is LineState.CANNOT_TELL]
    if pattern is Pattern.NONE:
        return "no line is low"
    if pattern is not Pattern.CANNOT_TELL:
        which = f"{joined(low)} line{'s' if len(low) > 1 else ''} low" if len(low) == low_min else _WHICH[low_min]
        return f"{PATTERN_WORDS[low_min]}: {which}"
    start = f"at least {PATTERN_WORDS[low_min]}" if low_min else "no line is definitely low"
    why = (
        f"{joined(unknown)} line{'s' if len(unknown) > 1 else ''} unknown"
        if unknown
        else "the lines depend on age or sex"
    )
    return f"{start}; {PATTERN_WORDS[low_max]} not excluded: {why}"
