"""A result in words, part by part: the same words in every form (text, page, terminal, figure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cbc_screen.record import Measurement
from cbc_screen.report.units import TextUnits, number, readable, text_units
from cbc_screen.result import (
    AnalyteResult,
    FindingResult,
    GradeBand,
    LineResult,
    PersonResult,
    RangeUsed,
    ScreeningResult,
)
from cbc_screen.vocabulary import (
    Basis,
    Comparator,
    LineState,
    Pregnancy,
    Presence,
    Reason,
    ReticulocyteMethod,
    Severity,
    State,
    Threshold,
    Urgency,
)

SEXES = {"F": "female", "M": "male"}
_WEIGHTS = {
    Basis.MEASURED: "weight measured",
    Basis.DERIVED: "weight derived from the source",
    Basis.JUDGMENT: "weight by judgment",
}


def words(code: Any) -> str:
    """Write a code as words."""
    return str(code).replace("_", " ")


@dataclass(frozen=True)
class LineWords:
    """A line: its state, the value judged, the limit, the grade."""

    line: str
    state: str
    analyte: str
    value: str
    against: str
    grade: str


@dataclass(frozen=True)
class AnalyteWords:
    """An analyte: as received, as used, its state, the ranges tried, and why something is not known."""

    label: str
    received: str
    used: str
    state: str
    ranges: tuple[str, ...]
    reasons: str


def severity_words(severity: Severity, least: Severity) -> str:
    """Say a severity, or what it is at least."""
    if severity is not Severity.CANNOT_TELL:
        return words(severity)
    return "unknown" if least is Severity.NONE else f"at least {words(least)}"


def level_words(result: ScreeningResult) -> str:
    """Say how urgent a count is; what a line that is not known would say may only be sooner."""
    is_least = result.lines_low_min != result.lines_low_max and result.urgency in (Urgency.ROUTINE, Urgency.PROMPT)
    return f"{'at least ' if is_least else ''}{words(result.urgency)}"


def urgency_words(result: ScreeningResult) -> str:
    """Say an urgency with its reasons."""
    why = f" ({'; '.join(result.urgency_reasons)})" if result.urgency_reasons else ""
    return f"{level_words(result)}{why}"


def why_words(result: ScreeningResult) -> list[tuple[str, tuple[str, ...]]]:
    """Say what an urgency rests on: the values, and the reasons that they are; values that several share once."""
    units, by_name = units_of(result), {analyte.analyte: analyte for analyte in result.analytes}
    found: dict[str, tuple[str, ...]] = {}
    for text, names in zip(result.urgency_reasons, result.urgency_analytes, strict=True):
        known = [by_name[name] for name in names if name in by_name and by_name[name].low is not None]
        values = ", ".join(f"{begun_low(entry.label)} {used_words(entry, units)}" for entry in known)
        found[values] = (*found.get(values, ()), text)
    return list(found.items())


_MANY = 4  # limits or ranges: of more only the ends are told (a result has all of them)
_NAMES = (
    "Auer", "Diamond", "Duffy", "Epstein", "Evans", "Fanconi", "Green", "Heinz", "Howell", "Mentzer", "Ricerca", "Shiga",
    "Shine", "Shwachman", "Sirdah",
)  # fmt: skip


def begun_low(text: str) -> str:
    """Begin a text in lower case, unless it begins with an abbreviation or with somebody's name."""
    if text.startswith(_NAMES) or (text[:2].isupper() and not text.startswith("A ")):
        return text
    return text[0].lower() + text[1:]


def person_words(person: PersonResult) -> list[tuple[str, str, str]]:
    """Say each thing about the person: what it is, as received, as used."""
    rows = [("age at collection", person.age_received or "not given", person.age)]
    if person.birth_date is not None:
        rows.append(("birth date", person.birth_date, ""))
    if person.collected_at is not None:
        rows.append(("collected", person.collected_at, ""))
    rows.append(("sex", person.sex_received or "not given", SEXES.get(person.sex, "unknown")))
    if person.pregnancy is not Pregnancy.NOT_STATED:
        rows.append(("pregnancy", person.pregnancy_received or "", words(person.pregnancy)))
    if person.reticulocyte_method is not ReticulocyteMethod.UNKNOWN:
        rows.append(("reticulocytes counted", "", words(person.reticulocyte_method)))
    if person.wbc_uncorrected:
        rows.append(("WBC", "not corrected for nucleated red cells", ""))
    for presence in (Presence.PRESENT, Presence.ABSENT):
        stated = [finding.text for finding in person.stated if finding.presence is presence]
        if stated:
            rows.append((f"stated {presence}", "; ".join(stated), ""))
    return rows


def line_words(line: LineResult, analyte: AnalyteResult | None, units: TextUnits) -> LineWords:
    """Say a line; `analyte` is the result it was judged on, if there is one."""
    value = used_words(analyte, units) if analyte is not None else "no result"
    if line.at_most is not None:
        value = f"{value}, {room_words(line, units)}"
    if line.adjusted is not None and line.state_unadjusted is not None and analyte is not None:
        value = f"{value}, {adjusted_words(line, units)}"
    against = _against(line, units)
    if line.limits and line.limit_of != line.analyte and line.at_most is None:
        against += f" of {words(line.limit_of)}, which are at most {words(line.analyte)}"
    return LineWords(str(line.line), words(line.state), line.analyte, value, against, grade_words(line, units))


def _against(line: LineResult, units: TextUnits) -> str:
    """Say the limits that a line was held against; of a person of unknown age they are many."""
    if not line.limits:
        return "no limit for this person"
    if len(line.limits) <= _MANY:
        sign = {LineState.LOW: "below", LineState.NOT_LOW: "not below", LineState.CANNOT_TELL: "against"}[line.state]
        limits = " or ".join(units.number(line.limit_of, limit) for limit in line.limits)
        return f"{sign} {limits} {units.unit(line.limit_of)}"
    ends = " to ".join(units.number(line.limit_of, end) for end in (min(line.limits), max(line.limits)))
    told = {
        LineState.LOW: f"below every limit tried, {ends}",
        LineState.NOT_LOW: f"not below any limit tried, {ends}",
        LineState.CANNOT_TELL: f"against limits of {ends}",
    }
    return f"{told[line.state]} {units.unit(line.limit_of)}"


def room_words(line: LineResult, units: TextUnits) -> str:
    """Say how many neutrophils there can be, where the other white cells leave too few."""
    return f"of which at most {units.number(line.limit_of, line.at_most or 0.0)} can be {words(line.limit_of)}"


def adjusted_words(line: LineResult, units: TextUnits) -> str:
    """Say the number of a line after the adjustments that were asked for; nothing where there are none."""
    return "" if line.adjusted is None else f"adjusted {_span(*line.adjusted, line.analyte, units)}"


def grade_words(line: LineResult, units: TextUnits) -> str:
    """Say a line's grade and severity, and of which number where that is not the one the line was judged on."""
    grade = f"grade {line.grade}" if line.grade is not None else "grade unknown"
    if line.severity is Severity.CANNOT_TELL and line.severity_min is Severity.NONE:
        severity = "severity unknown"
    else:
        severity = severity_words(line.severity, line.severity_min)
    if line.adjusted is not None:
        plain = "unknown" if line.grade_unadjusted is None else str(line.grade_unadjusted)
        state = "" if line.state_unadjusted is None else f", {words(line.state_unadjusted)}"
        own = f" ({adjusted_words(line, units)})" if line.state_unadjusted is None else ""
        severity = f"{severity}{own}; unadjusted: grade {plain}{state}"
    return f"{grade}, {severity}"


def bands_words(line: LineResult, units: TextUnits) -> str:
    """Say the bands of a line's grade."""
    parts = [f"{band.grade}: {_band(band, line.graded_on, units)}" for band in line.bands]
    return f"grades of {line.graded_on} in {units.unit(line.graded_on)}: {'; '.join(parts)}" if parts else ""


def _band(band: GradeBand, analyte: str, units: TextUnits) -> str:
    lower = None if band.lower is None else units.number(analyte, band.lower)
    if band.relative:
        return f"{lower or 0} to under the lower limit of the range"
    if band.upper is None:
        return f"{lower or 0} and over"
    upper = units.number(analyte, band.upper)
    if band.upper_inclusive:
        return f"up to {upper}" if lower is None else f"{lower} to {upper} inclusive"
    return f"under {upper}" if lower is None else f"{lower} to under {upper}"


def analyte_words(analyte: AnalyteResult, units: TextUnits) -> AnalyteWords:
    """Say an analyte."""
    ranges = tuple(range_words(used, analyte.analyte, units) for used in analyte.ranges) or ("no range",)
    if len(ranges) > _MANY:
        ranges = (_many_ranges(analyte, units),)
    if analyte.reported_range is not None:
        reported = _ends(*analyte.reported_range, analyte.analyte, units)
        unused = " (not used)" if Reason.RANGE_INSANE in analyte.reasons else ""
        ranges = (f"reported {reported}{unused}; set {ranges[0]}", *ranges[1:])
    return AnalyteWords(
        analyte.label,
        received_words(analyte),
        used_words(analyte, units),
        words(analyte.state),
        ranges,
        ", ".join(analyte.reasons),
    )


def _many_ranges(analyte: AnalyteResult, units: TextUnits) -> str:
    """Say what lies between the ranges that were tried, of a person whose age or sex is unknown."""
    sides = []
    for side, of_side in (
        ("lower", [used.lower for used in analyte.ranges]),
        ("upper", [used.upper for used in analyte.ranges]),
    ):
        known = [limit for limit in of_side if limit is not None]
        if known:
            ends = dict.fromkeys(units.number(analyte.analyte, end) for end in (min(known), max(known)))
            sides.append(f"{side} limits {' to '.join(ends)}")
    sets = ", ".join(dict.fromkeys(used.set for used in analyte.ranges))
    return f"{', '.join(sides)} ({len(analyte.ranges)} ranges were tried; {sets})"


def received_words(analyte: AnalyteResult) -> str:
    """Say a result as received, with the unit that was declared for it where it has none."""
    if analyte.received is None:
        return "derived" if analyte.derived else ""
    number_alone = re.sub(r"(?<=\d)[eE][+-]?\d+", "", analyte.received)
    bare = not any(character.isalpha() or character == "%" for character in number_alone)
    if bare and analyte.unit_declared is not None:
        return f"{analyte.received} (declared {readable(analyte.unit_declared)})"
    return analyte.received


def used_words(analyte: AnalyteResult, units: TextUnits) -> str:
    """Say the value used: a number, an interval, or that it is unknown."""
    low, high, name = analyte.low, analyte.high, analyte.analyte
    unit = units.unit(name)
    if low is None:
        return "none"
    if high is None and analyte.comparator is Comparator.ABOVE:
        return f"above {units.number(name, low)} {unit}"
    if high is None:
        return f"{units.number(name, low)} {unit} or more" if low > 0 else "unknown"
    if analyte.comparator is Comparator.BELOW:
        return f"below {units.number(name, high)} {unit}"
    if low == high:
        return f"{units.number(name, low)} {unit}"
    return f"{units.number(name, low)} to {units.number(name, high)} {unit}"


def range_words(used: RangeUsed, analyte: str, units: TextUnits) -> str:
    """Say a range, whose it is and where it is from."""
    who = " ".join(part for part in (used.sex if used.sex != "any" else "", used.age) if part)
    stage = f", {used.pregnancy}" if used.pregnancy != "none" else ""
    return f"{_ends(used.lower, used.upper, analyte, units)} ({used.set}, {who}{stage}; {used.source})"


def criteria_words(result: ScreeningResult) -> list[tuple[str, str]]:
    """Say each blood item of the aplastic anemia criteria: what it asks, and the answer."""
    found = result.blood_criteria
    # Of the conditions only the very severe one is no item of the count of two.
    return [(asked, words(found.items.get(name, found.very_severe))) for name, asked in found.conditions.items()]


def finding_words(finding: FindingResult) -> str:
    """Say a finding with its condition, its mark and its source."""
    number = "" if finding.threshold == Threshold.NONE else finding.threshold
    weight = "" if finding.basis is None else _WEIGHTS[finding.basis]
    # Of a number of this project the source is the project too: said once.
    marks = "; ".join(dict.fromkeys(filter(None, (finding.condition, number, weight, finding.source))))
    return f"{finding.text} [{marks}]"


def test_words(result: ScreeningResult) -> list[tuple[str, list[str]]]:
    """Say each next test of a count, with the conditions it would help to settle."""
    names = {entry.id: entry.name.split(" (")[0] for entry in result.checklist}
    return [(test.text, [names[name] for name in test.settles]) for test in result.next_tests]


def outside_words(result: ScreeningResult) -> list[str]:
    """Say each result outside its range that no line is judged on."""
    units, judged = units_of(result), {line.analyte for line in result.lines}
    return [
        f"{begun_low(analyte.label)} {used_words(analyte, units)}, {words(analyte.state)}"
        for analyte in result.analytes
        if analyte.state in (State.LOW, State.HIGH) and analyte.analyte not in judged
    ]


def sentence(text: str) -> str:
    """Begin a text with a capital."""
    return text[:1].upper() + text[1:]


def units_of(result: ScreeningResult) -> TextUnits:
    """Return the units that a result's texts are in."""
    return text_units(result.versions.text_units)


def _span(low: float | None, high: float | None, analyte: str, units: TextUnits) -> str:
    if low is None or high is None:
        return "unknown" if high is None else f"up to {units.number(analyte, high)}"
    first, last = units.number(analyte, low), units.number(analyte, high)
    return first if low == high else f"{first} to {last}"


def _ends(lower: float | None, upper: float | None, analyte: str, units: TextUnits) -> str:
    ends = (None if end is None else units.value(analyte, end) for end in (lower, upper))
    return ends_words(*ends)


def ends_words(lower: float | None, upper: float | None) -> str:
    """Say the ends of a range; one side may be open."""
    if lower is None or upper is None:
        return f"up to {number(upper)}" if upper is not None else f"from {number(lower or 0.0)}"
    return f"{number(lower)} to {number(upper)}"


def as_received(measurement: Measurement) -> str:
    """Write a result as it came in."""
    value = number(measurement.value) if isinstance(measurement.value, float) else str(measurement.value or "")
    sign = f"{measurement.comparator} " if measurement.comparator else ""
    return " ".join(part for part in (sign + value, measurement.unit or "") if part)
