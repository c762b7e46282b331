"""From the kernel's codes for one record to a ScreeningResult."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any

from cbc_screen._version import __version__
from cbc_screen.kernel.conclusions import urgency_rules
from cbc_screen.kernel.definition import ADJUSTED, ROOM
from cbc_screen.kernel.limits import STATED
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.definitions import Cutoff
from cbc_screen.knowledge.grading import GradeRow
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.ordering import QuestionKind, questions_in
from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.normalize.record import NormalizedRecord
from cbc_screen.normalize.value import Reading
from cbc_screen.record import CBCRecord, Measurement
from cbc_screen.report.checklist import Listed, list_of_codes
from cbc_screen.report.flags import every_reason, flags_of_one
from cbc_screen.report.layout import layout_of
from cbc_screen.report.person import person_result
from cbc_screen.report.summing import summary_of
from cbc_screen.report.units import TextUnits, number
from cbc_screen.report.words import describe, joined, pattern_text, place_reason
from cbc_screen.result import (
    AnalyteResult,
    BloodCriteriaResult,
    Citation,
    ConditionResult,
    FindingResult,
    GradeBand,
    LineResult,
    NextTest,
    RangeUsed,
    Versions,
)  # fmt: skip
from cbc_screen.vocabulary import (
    CheckGroup,
    Criteria,
    Line,
    LineState,
    Pattern,
    Pregnancy,
    Reason,
    Severity,
    Sex,
    State,
    Support,
    Urgency,
    WhiteBasis,
)  # fmt: skip

_STATES, _LINE_STATES, _PATTERNS, _URGENCIES = tuple(State), tuple(LineState), tuple(Pattern), tuple(Urgency)
_DECISIVE_FIRST = 100
_SUPPORTS, _WHITE_BASES = tuple(Support), tuple(WhiteBasis)
_BY_WBC = (WhiteBasis.WBC, WhiteBasis.WBC_LESS_OTHERS)


@dataclass(frozen=True, slots=True)
class _Template:
    """A condition, the names of the facts about its findings (yes, no, yes, no ...), and their texts."""

    condition: Condition
    names: tuple[str, ...]
    findings: tuple[FindingResult, ...]


class ResultBuilder:
    """Builds results for one screener; the texts of rules are made once and shared."""

    def __init__(self, knowledge: Knowledge, kernel: Kernel, ranges: str, rules: str, units: TextUnits) -> None:
        self.knowledge, self.kernel, self.ranges, self.rules = knowledge, kernel, ranges, rules
        self._units = units
        # By identity: the rules and rows live as long as the knowledge, and hashing one
        # by its fields costs more than making its text.
        self._layout = layout_of(kernel.rules)
        self._findings: dict[int, FindingResult] = {}
        self._ranges: dict[int, RangeUsed] = {}
        self._urgency_rules = tuple(urgency_rules(kernel.rules))
        self._templates = {condition.id: self._template(condition) for condition in kernel.rules.conditions}
        self._conditions = lru_cache(maxsize=8192)(self._make_condition)
        self._citation = lru_cache(maxsize=None)(self._make_citation)

    def columns(
        self, normalized: NormalizedRecord, one: One, *, checklist: bool = True
    ) -> dict[str, str | bool | int | None]:
        """Return the flag columns alone."""
        listed = list_of_codes(self._layout.checklist, one.list_codes) if checklist else None
        lists = one.list_codes if checklist else one.lists  # a few are asked for, or most
        reasons = every_reason(self._layout, one.codes, normalized.reasons)
        return flags_of_one(self._layout, one.codes, lists, listed, reasons)

    def rest(self, record: CBCRecord, normalized: NormalizedRecord, one: One, *, compact: bool) -> dict[str, Any]:
        """Return what `answer` left for later; `compact` leaves the texts of the checklist and the sources out."""
        rules, conclusions = self.kernel.rules, one.codes
        states = {line: _LINE_STATES[conclusions[f"line.{line}"]] for line in LINES}
        reasons = every_reason(self._layout, conclusions, normalized.reasons)
        analytes = self._analytes(record, normalized, one, reasons)
        listed = list_of_codes(self._layout.checklist, one.list_codes)
        columns = flags_of_one(self._layout, conclusions, one.list_codes, listed, reasons)
        checklist = self._checklist(listed, normalized, one, compact)
        rules_of = {"guard": rules.guards, "trigger": rules.triggers, "cutoff": rules.cutoffs}
        fired = {
            name: self._fired(group, rules_of[group], conclusions)
            for name, group, _ in self._layout.rule_columns
            if group in rules_of
        }
        every = [finding for found in fired.values() for finding in found]
        lines = tuple(self._line(line, states[line], one) for line in LINES)
        said = pattern_text(
            _PATTERNS[conclusions["pattern"]], conclusions["lines_low_min"], conclusions["lines_low_max"], states
        )
        borderline = bool(one.list_codes["borderline"])
        return {
            **fired,
            "pattern_text": said,
            "summary": ""
            if compact
            else summary_of(said, lines, analytes, checklist[: listed.shown], borderline, self._units),
            "borderline": borderline,
            "checklist_shown": listed.shown,
            "next_tests": tuple(self._next_test(name, settles) for name, settles in listed.next_tests),
            "person": person_result(self.knowledge, record, normalized),
            "lines": lines,
            "white_line_basis": str(columns["white_line_basis"]),
            "analytes": analytes,
            "blood_criteria": self._criteria(one),
            "urgency_reasons": self._urgency_reasons(one),
            "checklist": checklist,
            "untold": self._untold(one),
            "reasons": tuple(reasons),
            "notes": self._notes(normalized, one, str(columns["white_line_basis"]), analytes),
            "not_assessed": tuple(
                a for a in self._layout.ranged if conclusions[f"state.{a}"] == _STATES.index(State.NOT_ASSESSED)
            ),
            "sources": () if compact else self._sources(analytes, checklist, every, one),
            "versions": self._versions,
            "columns": columns,
        }

    @cached_property
    def _versions(self) -> Versions:
        rules = self.kernel.rules
        return Versions(
            cbc_screen=__version__,
            data=self.knowledge.data_version,
            ranges=self.ranges,
            rules=self.rules,
            adjust_hemoglobin=tuple(sorted(rules.adjust)),
            definition=rules.definition,
            grading=rules.scheme.id,
            grading_version=rules.scheme.version,
            text_units=self._units.system,
        )

    # Analytes and lines ------------------------------------------------------------

    def _analytes(
        self, record: CBCRecord, normalized: NormalizedRecord, one: One, reasons: Sequence[tuple[str, Reason]]
    ) -> tuple[AnalyteResult, ...]:
        received = dict(record.measurements())
        rules = self.kernel.rules
        names = [n for n in rules.analytes if n in received or _is_worked_out(n, one)]
        return tuple(
            self._analyte(name, received.get(name), normalized, one, [r for field, r in reasons if field == name])
            for name in names
        )

    def _analyte(
        self, name: str, measurement: Measurement | None, normalized: NormalizedRecord, one: One, reasons: list[Reason]
    ) -> AnalyteResult:
        analyte = self.knowledge.analytes[name]
        derived = _is_worked_out(name, one)
        reading = normalized.readings.get(name)
        low, high = self._used(name, one, reading)
        state = one.codes.get(f"state.{name}", _STATES.index(State.NOT_ASSESSED))
        inputs = normalized.inputs
        reported = None
        if f"{name}.reported_lower" in inputs or f"{name}.reported_upper" in inputs:
            reported = inputs.get(f"{name}.reported_lower"), inputs.get(f"{name}.reported_upper")
        return AnalyteResult(
            analyte=name,
            label=analyte.label,
            received=None if measurement is None else as_received(measurement),
            unit_declared=normalized.declared_units.get(name),
            low=low,
            high=high if high is not None and isfinite(high) else None,
            unit=analyte.unit,
            comparator=reading.comparator if reading else None,
            derived=derived,
            state=_STATES[state],
            reasons=tuple(reasons),
            reported_range=reported,
            ranges=tuple(self._range_used(row) for row in self._rows(self._table_name(name, inputs), one)),
        )

    @staticmethod
    def _used(name: str, one: One, reading: Reading | None) -> tuple[float | None, float | None]:
        """Return the interval the kernel used: as read, derived, or corrected."""
        if f"{name}.low" in one.values:
            low, high = one.values[f"{name}.low"], one.values[f"{name}.high"]
        elif reading is not None:
            low, high = reading.low, reading.high
        else:
            return None, None
        return (None, None) if low != low else (low, high)

    def _table_name(self, analyte: str, inputs: Mapping[str, float]) -> str:
        """Return which range of an analyte was used: the stated phenotype's, where it is stated."""
        rules = self.kernel.rules
        stated = analyte in rules.stated and inputs.get(f"{rules.stated_finding}.present")
        return f"{STATED}{analyte}" if stated else analyte

    def _rows(self, table: str, one: One) -> list[IntervalRow]:
        """Return the rows tried; none of an infant born preterm, whom no set covers."""
        rows = self.kernel.limits.interval_rows.get(table)
        if rows is None or self._uncovered(one):
            return []
        found = [rows[key] for key in one.keys]
        return list({id(row): row for row in found if row is not None}.values())

    def _uncovered(self, one: One) -> bool:
        return any(used["preterm.any"] for used in one.limits)

    def _range_used(self, row: IntervalRow) -> RangeUsed:
        if id(row) not in self._ranges:
            self._ranges[id(row)] = range_used(row)
        return self._ranges[id(row)]

    def _line(self, line: Line, state: LineState, one: One) -> LineResult:
        rules = self.kernel.rules
        definition = rules.definitions[rules.definition]
        basis = _WHITE_BASES[one.codes["white_basis"]] if line is Line.WHITE else None
        by_wbc = basis is WhiteBasis.WBC
        part = {Line.RED: "red", Line.WHITE: "white", Line.PLATELET: "platelet"}[line]
        cutoff: Cutoff = getattr(definition, part)
        if by_wbc and definition.without_neutrophils is not None:
            part, cutoff = "without_neutrophils", definition.without_neutrophils
        grade = one.codes[f"grade.{line}"]
        low, high = int(one.facts[f"severity.{line}.min"]), int(one.facts[f"severity.{line}.max"])
        return LineResult(
            line=line,
            state=state,
            analyte="wbc" if basis in _BY_WBC else cutoff.analyte,
            limits=tuple(sorted({limit for used in one.limits if (limit := used[f"cut.{part}.min"]) == limit})),
            limit_of=cutoff.analyte,
            unit=self.knowledge.analytes[cutoff.analyte].unit,
            grade=None if grade < 0 else grade,
            severity=SEVERITIES[low] if low == high else Severity.CANNOT_TELL,
            severity_min=SEVERITIES[low],
            graded_on=self._graded_on(line, one),
            bands=self._bands(line, one),
            at_most=one.values[ROOM] if basis is WhiteBasis.WBC_LESS_OTHERS else None,
            **(self._unadjusted(one) if line is Line.RED and rules.adjust else {}),
        )

    def _bands(self, line: Line, one: One) -> tuple[GradeBand, ...]:
        """Return the bands of a line's grade; none where the person is not exact and they differ."""
        bands = self._grade_bands(line, one)
        tried = {bands[key] for key in one.keys} if bands else set()
        if len(tried) != 1 or self._uncovered(one):
            return ()
        return tuple(
            GradeBand(
                grade=row.grade,
                label=row.label,
                severity=row.severity,
                lower=row.lower,
                upper=row.upper,
                upper_inclusive=row.upper_inclusive,
                relative=row.relative,
            )
            for row in next(iter(tried))
        )

    def _unadjusted(self, one: One) -> dict[str, Any]:
        """Return adjusted hemoglobin, and the answers without the adjustment."""
        low, high = one.values[f"{ADJUSTED}.low"], one.values[f"{ADJUSTED}.high"]
        grade = one.codes.get("grade.red_unadjusted", -1)
        state = one.codes.get("line.red_unadjusted")
        return {
            "adjusted": (low if isfinite(low) else None, high if isfinite(high) else None),
            "state_unadjusted": None if state is None else _LINE_STATES[state],
            "grade_unadjusted": None if grade < 0 else grade,
        }

    # Rules ---------------------------------------------------------------------------

    def _finding(self, rule: Rule) -> FindingResult:
        found = self._findings.get(id(rule))
        if found is None:
            condition = describe(rule.when, self.knowledge, self._units)
            found = self._findings[id(rule)] = FindingResult(
                id=rule.id,
                text=rule.text,
                condition=condition,
                threshold=rule.threshold,
                source=rule.source,
                basis=rule.basis,
                decisive=rule.decisive,
            )
        return found

    def _fired(self, group: str, rules: Sequence[Rule], conclusions: Mapping[str, int]) -> tuple[FindingResult, ...]:
        return tuple(self._finding(rule) for rule in rules if conclusions[f"{group}.{rule.id}"])

    def _next_test(self, name: str, settles: tuple[str, ...]) -> NextTest:
        text = self.kernel.rules.ordering.questions[name].text
        return NextTest(id=name, text=text, settles=settles)

    def _checklist(
        self, listed: Listed, normalized: NormalizedRecord, one: One, compact: bool
    ) -> tuple[ConditionResult, ...]:
        known = frozenset[str]() if compact else self._known(normalized, one)
        groups = zip(listed.ids, listed.groups, strict=True)
        return tuple(self._condition(name, group, known, one, compact) for name, group in groups)

    def _condition(
        self, name: str, group: CheckGroup, known: frozenset[str], one: One, compact: bool
    ) -> ConditionResult:
        template = self._templates[name]
        holds = () if compact else tuple([one.findings[fact] for fact in template.names])
        tests = template.condition.settled_by
        settled_by = next((test for test in tests if not one.list_codes.get(f"answered.{test}")), tests[0])
        return self._conditions(name, group, one.list_codes[f"support.{name}"], holds, known, settled_by, compact)

    @staticmethod
    def _known(normalized: NormalizedRecord, one: One) -> frozenset[str]:
        """Return what the record answers: analytes, findings, and what is known of the person."""
        person = normalized.person
        known = {name for name, reading in normalized.readings.items() if isfinite(reading.high)}
        known |= {name for name in ("neutrophils", "reticulocytes") if _is_worked_out(name, one)}
        known |= {name.rpartition(".")[0] for name in normalized.inputs if name.endswith((".present", ".absent"))}
        known |= {"age"} if person.age is not None else set()
        known |= {"sex"} if person.sex is not Sex.UNKNOWN else set()
        stated = person.pregnancy not in (Pregnancy.UNKNOWN, Pregnancy.NOT_STATED)
        known |= {"pregnancy"} if stated or person.sex is Sex.MALE else set()
        return frozenset(known)

    def _make_condition(
        self,
        name: str,
        group: CheckGroup,
        support: int,
        answers: tuple[float, ...],
        known: frozenset[str],
        settled_by: str,
        compact: bool,
    ) -> ConditionResult:
        """Make an entry of the checklist from what is known of its findings.

        Kept for the next record with the same answers: most entries of a list say the
        same of everybody whose film and history nobody has stated.
        """
        template = self._templates[name]
        condition = template.condition
        questions = self.kernel.rules.ordering.questions
        parts: dict[str, Any] = {
            "id": name,
            "name": condition.name,
            "group": group,
            "support": _SUPPORTS[support],
            "place_reason": place_reason(condition, group, _SUPPORTS[support]),
            "summary": "",
            "findings_for": (),
            "findings_against": (),
            "missing": (),
            "settled_by": questions[settled_by].text,
            "next_tests": (),
            "not_decidable": "",
            "limits": "",
        }
        if not compact:
            yes, no = answers[0::2], answers[1::2]
            sides = len(condition.findings_for)
            holds = [place for place, is_true in enumerate(yes) if is_true]
            unknown = [place for place, (t, f) in enumerate(zip(yes, no, strict=True)) if not t and not f]
            strongest = sorted(holds, key=lambda place: -_strength(condition.findings[place]))
            parts |= {
                "summary": condition.summary,
                "findings_for": tuple(template.findings[place] for place in strongest if place < sides),
                "findings_against": tuple(template.findings[place] for place in strongest if place >= sides),
                "missing": self._missing(condition, unknown, known),
                "next_tests": tuple(item.text for item in condition.next_tests),
                "not_decidable": condition.not_decidable,
                "limits": condition.limits,
            }
        return ConditionResult(**parts)

    def _missing(self, condition: Condition, unknown: Sequence[int], known: frozenset[str]) -> tuple[str, ...]:
        """Return the questions that unknown findings leave open, the weightiest first, then what no count shows."""
        ordering = self.kernel.rules.ordering
        found: dict[str, None] = {}
        for place in sorted(unknown, key=lambda place: -_strength(condition.findings[place])):
            for part in questions_in(condition.findings[place].when):
                question = ordering.questions[ordering.question_of.get(part, part)]
                is_done = question.kind is QuestionKind.TEST and not known.isdisjoint(question.done_by)
                if part not in known and not is_done:
                    found[question.text] = None
        return (*found, *(item.text for item in condition.missing))

    def _template(self, condition: Condition) -> _Template:
        sides = (("for", condition.findings_for), ("against", condition.findings_against))
        facts = [f"{side}.{condition.id}.{rule.id}" for side, rules in sides for rule in rules]
        findings = [self._finding(rule) for _, rules in sides for rule in rules]
        return _Template(
            condition, tuple(f"{fact}.{answer}" for fact in facts for answer in ("yes", "no")), tuple(findings)
        )

    def _criteria(self, one: One) -> BloodCriteriaResult:
        criteria = self.kernel.rules.criteria
        names = [rule.id for rule in criteria.items] + [next(iter(criteria.by_method.values())).id]

        def answer(name: str) -> Criteria:
            if one.facts[f"{name}.yes"]:
                return Criteria.MET
            return Criteria.NOT_MET if one.facts[f"{name}.no"] else Criteria.CANNOT_TELL

        return BloodCriteriaResult(
            answer=answer("criteria"),
            very_severe=answer("criteria.very_severe"),
            items={name: answer(f"criteria.{name}") for name in names},
            conditions=self._criteria_conditions,
            missing=criteria.missing,
        )

    @cached_property
    def _criteria_conditions(self) -> dict[str, str]:
        """Say what each blood item asks; reticulocytes by how they were counted."""
        criteria = self.kernel.rules.criteria
        said = {rule.id: self._finding(rule).condition for rule in (*criteria.items, criteria.very_severe)}
        counted = [f"{self._finding(rule).condition} ({method})" for method, rule in criteria.by_method.items()]
        return {**said, next(iter(criteria.by_method.values())).id: joined(counted, "or")}

    def _urgency_reasons(self, one: One) -> tuple[str, ...]:
        """Return the texts of the rules that the urgency rests on."""
        level = _URGENCIES[one.codes["urgency"]]
        if level is Urgency.CANNOT_TELL:
            return (self.knowledge.urgency_unknown,)
        found = [
            rule.text
            for name, own in self._urgency_rules
            if one.list_codes[f"reason.{name}"]
            for rule, fact, _ in own
            if rule.urgency is level and one.facts[f"{fact}.yes"]
        ]
        return tuple(dict.fromkeys(found))

    def _untold(self, one: One) -> tuple[str, ...]:
        """Return what did not fire and is not known to be absent, as the kernel's facts have it."""
        rules, facts = self.kernel.rules, one.facts

        def unknown(name: str) -> bool:
            return not facts[f"{name}.yes"] and not facts[f"{name}.no"]

        groups = (("guard", rules.guards), ("trigger", rules.triggers))
        found = [f"{group}:{r.id}" for group, group_rules in groups for r in group_rules if unknown(f"{group}.{r.id}")]
        may_be_low = one.codes["lines_low_min"] == 0 < one.codes["lines_low_max"]
        for condition in rules.conditions:
            if one.list_codes[f"support.{condition.id}"] != _SUPPORTS.index(Support.NOT_LISTED):
                continue
            impossible = condition.only_when is not None and facts[f"only.{condition.id}.no"]
            if may_be_low and not impossible:
                found.append(f"condition:{condition.id}")
        return tuple(found)

    # Notes and sources -----------------------------------------------------------------

    def _notes(
        self, normalized: NormalizedRecord, one: One, basis: str, analytes: Sequence[AnalyteResult]
    ) -> tuple[str, ...]:
        person, notes = normalized.person, []
        if basis == WhiteBasis.WBC:
            notes.append("The white line was judged on WBC: neutrophils are neither given nor derivable.")
        if basis == WhiteBasis.WBC_LESS_OTHERS:
            notes.append(
                "Neutrophils are neither given nor derivable; the white cells without the other kinds that were given leave too few."
            )
        if basis == WhiteBasis.WBC_X_PERCENT:
            notes.append("Neutrophils were derived from WBC and the percentage.")
        if basis == WhiteBasis.SEGMENTED_AND_BANDS:
            notes.append(
                "Neutrophils were not given: the segmented cells and the bands are their sum; without bands the segmented cells are the least."
            )
        if self.kernel.rules.stated and normalized.inputs.get(f"{self.kernel.rules.stated_finding}.present"):
            unadjusted = _LINE_STATES[one.codes["line.white_unadjusted"]].replace("_", " ")
            notes.append(
                f"The stated Duffy-null phenotype chose the range; by the default range the white line is {unadjusted}."
            )
        if person.sex is Sex.UNKNOWN:
            notes.append("Sex is unknown: every range was tried, and an answer is given where all agree.")
        own = [key for key in one.keys if not self.kernel.limits.is_beside(key)]
        if len(own) > 1 and person.sex is not Sex.UNKNOWN:
            notes.append(
                "Age or pregnancy is not exact: every range was tried, and an answer is given where all agree."
            )
        if len(own) < len(one.keys):
            notes.append(
                "At this age sets of equal standing differ: both were tried, and an answer is given where they agree."
            )
        if (
            person.pregnancy is Pregnancy.NOT_STATED
            and person.sex is not Sex.MALE
            and self.kernel.limits.may_be_pregnant(one.keys)
        ):
            notes.append("Pregnancy is not stated: the non-pregnant range was used.")
        if person.pregnancy is Pregnancy.POSTPARTUM:
            notes.append(
                "After delivery, analytes without a row of their own were tried against the non-pregnant and third-trimester ranges."
            )
        notes += self._setting_notes(normalized, one)
        if any(used.confidence == "low" for analyte in analytes for used in analyte.ranges):
            notes.append("Some of the ranges used are of low confidence (see ranges): mostly those under one year.")
        if any(analyte.analyte == "mpv" and analyte.ranges for analyte in analytes):
            notes.append("MPV depends on the manufacturer; the range used is of one analyzer model.")
        remarks = {f"{row.scheme}: {row.notes}." for line in LINES for row in self._grade_rows(line, one) if row.notes}
        notes += sorted(remarks)
        return tuple(notes)

    def _setting_notes(self, normalized: NormalizedRecord, one: One) -> list[str]:
        """Say what was made of prematurity, elevation and smoking."""
        rules, notes = self.kernel.rules, []
        if self._uncovered(one):
            notes.append(
                "Born preterm: no set covers infants born preterm, so no range of a set was used; one that came with a result is."
            )
        elif not normalized.inputs.get(f"{rules.preterm_finding}.absent") and self.kernel.limits.may_be_younger(
            one.keys, rules.preterm_below
        ):
            notes.append("Whether the infant was born preterm is not stated: the ranges are of infants born at term.")
        if rules.adjust:
            what = joined(sorted(rules.adjust))
            marks = {mark for a in rules.adjustments.values() for mark in a.marks(rules.adjust)}
            notes.append(
                f"Hemoglobin was adjusted for {what} before the WHO cut-offs, and the answer without it is given beside "
                f"(rows read as {joined(sorted(marks))}). What is not stated of it counts as any amount of the table."
            )
        return notes

    def _graded_on(self, line: Line, one: One) -> str:
        """Return what a line is graded on: the white one on WBC where neutrophils are not known."""
        basis = _WHITE_BASES[one.codes["white_basis"]]
        return "wbc" if line is Line.WHITE and basis in (WhiteBasis.WBC, WhiteBasis.NONE) else LINE_ANALYTE[line]

    def _grade_bands(self, line: Line, one: One) -> Sequence[tuple[GradeRow, ...]]:
        """Return the bands of a line's grade by key; none where the scheme does not grade it."""
        scheme = self.kernel.rules.scheme
        return self.kernel.limits.grade_rows.get((scheme.id, self._graded_on(line, one)), ())

    def _grade_rows(self, line: Line, one: One) -> list[GradeRow]:
        bands = self._grade_bands(line, one)
        return [row for key in one.keys for row in (bands[key] if bands else ())]

    def _sources(
        self,
        analytes: Sequence[AnalyteResult],
        checklist: Sequence[ConditionResult],
        fired: Sequence[FindingResult],
        one: One,
    ) -> tuple[Citation, ...]:
        used = {row.source for analyte in analytes for row in analyte.ranges}
        used |= {finding.source for entry in checklist for finding in (*entry.findings_for, *entry.findings_against)}
        used |= {finding.source for finding in fired}
        used |= {row.source for line in LINES for row in self._grade_rows(line, one)}
        used |= {adjustment.source for adjustment in self.kernel.rules.adjustments.values()}
        used |= set(self.kernel.rules.definitions[self.kernel.rules.definition].sources)
        used |= {
            rule.source for rule in (*self.kernel.rules.criteria.items, *self.kernel.rules.criteria.by_method.values())
        }
        return tuple(self._citation(name) for name in sorted(used))

    def _make_citation(self, name: str) -> Citation:
        source = self.knowledge.sources[name]
        return Citation(id=name, citation=source.citation, url=source.url, verification=source.verification)


def _strength(rule: Rule) -> int:
    """Return what findings are shown by, strongest first: a decisive one before all others."""
    return abs(rule.points) + (_DECISIVE_FIRST if rule.decisive else 0)


def _is_worked_out(analyte: str, one: One) -> bool:
    """Tell whether the value of an analyte comes from others: a percentage, or segmented cells and bands."""
    return bool(one.codes.get(f"{analyte}.derived") or one.codes.get(f"{analyte}.by_parts"))


def as_received(measurement: Measurement) -> str:
    """Write a result as it came in."""
    value = number(measurement.value) if isinstance(measurement.value, float) else str(measurement.value or "")
    sign = f"{measurement.comparator} " if measurement.comparator else ""
    return " ".join(part for part in (sign + value, measurement.unit or "") if part)


def range_used(row: IntervalRow) -> RangeUsed:
    """Return the parts of an interval row that a reader needs."""
    return RangeUsed(
        lower=row.lower,
        upper=row.upper,
        set=row.set,
        sex=row.sex,
        pregnancy=row.pregnancy,
        age=row.age_text,
        population=row.population,
        percentile_basis=row.percentile_basis,
        lower_ci90=row.lower_ci90,
        confidence=row.confidence,
        verification=row.verification,
        source=row.source,
    )
