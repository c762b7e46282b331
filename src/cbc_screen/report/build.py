"""From the kernel's codes for one record to a ScreeningResult (one file: a method for every field of a result)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any

from cbc_screen._version import __version__
from cbc_screen.kernel.conclusions import urgency_rules
from cbc_screen.kernel.definition import ADJUSTED, ROOM
from cbc_screen.kernel.fact_table import UNCOVERED, least, mark, most, no, yes
from cbc_screen.kernel.limits import STATED, at_gestation
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel.published import PublishedSets
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.answer_texts import Note
from cbc_screen.knowledge.definitions import Cutoff
from cbc_screen.knowledge.grading import GradeRow
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.normalize.record import NormalizedRecord
from cbc_screen.normalize.value import Reading
from cbc_screen.record import CBCRecord, Measurement
from cbc_screen.report.asking import ask_about
from cbc_screen.report.checklist import list_of_codes
from cbc_screen.report.flags import every_reason, flags_of_one
from cbc_screen.report.layout import layout_of
from cbc_screen.report.notes import notes_of, notes_of_ranges, remarks_of, unused_results
from cbc_screen.report.person import person_result
from cbc_screen.report.published import set_columns, sets_of_one
from cbc_screen.report.rule_texts import RuleTexts, is_worked_out
from cbc_screen.report.setting import setting_result, setting_words
from cbc_screen.report.summing import summary_of
from cbc_screen.report.units import TextUnits
from cbc_screen.report.wording import as_received, begun_low
from cbc_screen.report.words import joined, pattern_text
from cbc_screen.result import (
    AnalyteResult,
    BloodCriteriaResult,
    Citation,
    ConditionResult,
    FindingResult,
    GradeBand,
    LineInSets,
    LineResult,
    RangeUsed,
    SettingResult,
    Versions,
)  # fmt: skip
from cbc_screen.vocabulary import (
    Criteria,
    Line,
    LineState,
    Pattern,
    Reason,
    Severity,
    State,
    Support,
    Urgency,
    WhiteBasis,
)  # fmt: skip

_STATES, _LINE_STATES, _PATTERNS, _URGENCIES = tuple(State), tuple(LineState), tuple(Pattern), tuple(Urgency)
_WHITE_BASES = tuple(WhiteBasis)
_NOT_LISTED = tuple(Support).index(Support.NOT_LISTED)
_BY_WBC = (WhiteBasis.WBC, WhiteBasis.WBC_LESS_OTHERS)


def _columns_of(in_sets: tuple[LineInSets, ...]) -> dict[str, str | bool | int | None]:
    return {name: text for found in in_sets for name, text in set_columns(found).items()}


class ResultBuilder:
    """Builds results for one screener; the texts of rules are made once and shared."""

    def __init__(
        self,
        knowledge: Knowledge,
        kernel: Kernel,
        ranges: str,
        rules: str,
        units: TextUnits,
        published: PublishedSets | None = None,
    ) -> None:
        self.knowledge, self.kernel, self.ranges, self.rules = knowledge, kernel, ranges, rules
        self._published = published
        self._units = units
        # By identity: the rules and rows live as long as the knowledge, and hashing one
        # by its fields costs more than making its text.
        self._layout = layout_of(kernel.rules)
        self._ranges: dict[int, RangeUsed] = {}
        self._urgency_rules = tuple(urgency_rules(kernel.rules))
        self._texts = RuleTexts(knowledge, kernel.rules, units)
        self._labels = {name: begun_low(analyte.label) for name, analyte in knowledge.analytes.items()}
        self._citation = lru_cache(maxsize=None)(self._make_citation)

    def columns(
        self, normalized: NormalizedRecord, one: One, *, checklist: bool = True
    ) -> dict[str, str | bool | int | None]:
        """Return the flag columns alone."""
        listed = list_of_codes(self._layout.checklist, one.list_codes) if checklist else None
        lists = one.list_codes if checklist else one.unlisted.all()
        reasons = every_reason(self._layout, one.codes, normalized.reasons)
        flags = flags_of_one(self._layout, one.codes, lists, listed, reasons)
        return flags if self._published is None else flags | _columns_of(self._in_sets(normalized))

    def _in_sets(self, normalized: NormalizedRecord) -> tuple[LineInSets, ...]:
        """Return what the published sets say, where they were asked for."""
        if self._published is None:
            return ()
        kernel = self._published.record
        one = kernel.screen_one(normalized.inputs, normalized.person, normalized.scope, False)
        return sets_of_one(self._published, one)

    def rest(self, record: CBCRecord, normalized: NormalizedRecord, one: One, *, compact: bool) -> dict[str, Any]:
        """Return what `answer` left for later; `compact` leaves the texts of the checklist and the sources out."""
        rules, conclusions = self.kernel.rules, one.codes
        states = {line: _LINE_STATES[conclusions[f"line.{line}"]] for line in LINES}
        reasons = every_reason(self._layout, conclusions, normalized.reasons)
        analytes = self._analytes(record, normalized, one, reasons)
        listed = list_of_codes(self._layout.checklist, one.list_codes)
        in_sets = self._in_sets(normalized)
        columns = flags_of_one(self._layout, conclusions, one.list_codes, listed, reasons) | _columns_of(in_sets)
        checklist = self._texts.checklist(listed, normalized, one, compact)
        rules_of = {"guard": rules.guards, "trigger": rules.triggers, "cutoff": rules.cutoffs}
        fired = {
            name: self._texts.fired(group, rules_of[group], conclusions)
            for name, group, _ in self._layout.rule_columns
            if group in rules_of
        }
        every = [finding for found in fired.values() for finding in found]
        lines = tuple(self._line(line, states[line], normalized, one) for line in LINES)
        said = pattern_text(
            _PATTERNS[conclusions["pattern"]], conclusions["lines_low_min"], conclusions["lines_low_max"], states
        )
        borderline = bool(one.list_codes["borderline"])
        urgent = self._urgency_reasons(one, lines)
        return {
            **fired,
            "pattern_text": said,
            "summary": ""
            if compact
            else self._summary(said, lines, analytes, checklist[: listed.shown], reasons, borderline=borderline),
            "borderline": borderline,
            "checklist_shown": listed.shown,
            "next_tests": tuple(self._texts.next_test(name, settles) for name, settles in listed.next_tests),
            "person": person_result(self.knowledge, record, normalized),
            "lines": lines,
            "white_line_basis": str(columns["white_line_basis"]),
            "analytes": analytes,
            "blood_criteria": self._criteria(one),
            "urgency_reasons": tuple(urgent),
            "urgency_analytes": tuple(urgent.values()),
            "checklist": checklist,
            "untold": self._untold(one),
            "reasons": tuple(reasons),
            "remarks": () if compact else remarks_of(reasons, self._labels, self.knowledge.answer_texts),
            "notes": self._notes(normalized, one, analytes),
            "not_assessed": tuple(
                a for a in self._layout.ranged if conclusions[f"state.{a}"] == _STATES.index(State.NOT_ASSESSED)
            ),
            "published_sets": in_sets,
            "setting": self._setting(checklist, listed.shown),
            "history": None,
            "sources": () if compact else self._sources(analytes, checklist, every, one),
            "versions": self._versions,
            "columns": columns,
        }

    @cached_property
    def _setting_words(self) -> str:
        moved = self.kernel.rules.moved
        return "" if moved is None else setting_words(self.knowledge.settings, moved.setting)

    def _summary(
        self,
        said: str,
        lines: Sequence[LineResult],
        analytes: Sequence[AnalyteResult],
        shown: Sequence[ConditionResult],
        reasons: Sequence[tuple[str, Reason]],
        *,
        borderline: bool,
    ) -> str:
        unused = unused_results(reasons, self._labels, self.knowledge.answer_texts)
        return summary_of(said, lines, analytes, shown, borderline, self._units, self._setting_words, unused)

    def _setting(self, checklist: Sequence[ConditionResult], shown: int) -> SettingResult | None:
        moved = self.kernel.rules.moved
        return None if moved is None else setting_result(self._setting_words, moved, checklist, shown)

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
        names = [n for n in rules.analytes if n in received or is_worked_out(n, one)]
        return tuple(
            self._analyte(name, received.get(name), normalized, one, [r for field, r in reasons if field == name])
            for name in names
        )

    def _analyte(
        self, name: str, measurement: Measurement | None, normalized: NormalizedRecord, one: One, reasons: list[Reason]
    ) -> AnalyteResult:
        analyte = self.knowledge.analytes[name]
        derived = is_worked_out(name, one)
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
            ranges=tuple(self._range_used(row) for row in self._rows(name, inputs, one)),
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

    def _rows(self, analyte: str, inputs: Mapping[str, float], one: One) -> list[IntervalRow]:
        """Return the rows tried; of an infant born preterm only those for the stated gestation."""
        tables = self.kernel.limits.interval_rows
        rows = tables.get(self._table_name(analyte, inputs))
        if rows is None:
            return []
        found = [rows[key] for key in one.keys]
        if self._uncovered(one):
            places = range(len(self.kernel.rules.by_gestation.get(analyte, ())))
            names = [at_gestation(analyte, place) for place in places]
            found = [
                tables[name][key]
                for key, used in zip(one.keys, one.limits, strict=True)
                for name in names
                if used[name]
            ]
        return list(dict.fromkeys(row for row in found if row is not None))

    def _uncovered(self, one: One) -> bool:
        return any(used[mark(UNCOVERED)] for used in one.limits)

    def _range_used(self, row: IntervalRow) -> RangeUsed:
        if id(row) not in self._ranges:
            self._ranges[id(row)] = range_used(row)
        return self._ranges[id(row)]

    def _line(self, line: Line, state: LineState, normalized: NormalizedRecord, one: One) -> LineResult:
        rules = self.kernel.rules
        definition = rules.definitions[rules.definition]
        basis = _WHITE_BASES[one.codes["white_basis"]] if line is Line.WHITE else None
        by_wbc = basis is WhiteBasis.WBC
        part = {Line.RED: "red", Line.WHITE: "white", Line.PLATELET: "platelet"}[line]
        cutoff: Cutoff = getattr(definition, part)
        if by_wbc and definition.without_neutrophils is not None:
            part, cutoff = "without_neutrophils", definition.without_neutrophils
        grade = one.codes[f"grade.{line}"]
        low, high = int(one.facts[least(f"severity.{line}")]), int(one.facts[most(f"severity.{line}")])
        return LineResult(
            line=line,
            state=state,
            analyte="wbc" if basis in _BY_WBC else cutoff.analyte,
            limits=tuple(sorted({limit for used in one.limits if (limit := used[least(f"cut.{part}")]) == limit})),
            limit_of=cutoff.analyte,
            unit=self.knowledge.analytes[cutoff.analyte].unit,
            grade=None if grade < 0 else grade,
            severity=SEVERITIES[low] if low == high else Severity.CANNOT_TELL,
            severity_min=SEVERITIES[low],
            graded_on=self._graded_on(line, one),
            bands=self._bands(line, one),
            at_most=one.values[ROOM] if basis is WhiteBasis.WBC_LESS_OTHERS else None,
            ask=ask_about(self.knowledge.symptoms, line, state, normalized.person.age),
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

    def _criteria(self, one: One) -> BloodCriteriaResult:
        criteria = self.kernel.rules.criteria
        names = [rule.id for rule in criteria.items] + [next(iter(criteria.by_method.values())).id]

        def answer(name: str) -> Criteria:
            if one.facts[yes(name)]:
                return Criteria.MET
            return Criteria.NOT_MET if one.facts[no(name)] else Criteria.CANNOT_TELL

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
        said = {rule.id: self._texts.finding(rule).condition for rule in (*criteria.items, criteria.very_severe)}
        counted = [f"{self._texts.finding(rule).condition} ({method})" for method, rule in criteria.by_method.items()]
        return {**said, next(iter(criteria.by_method.values())).id: joined(counted, "or")}

    def _urgency_reasons(self, one: One, lines: Sequence[LineResult]) -> dict[str, tuple[str, ...]]:
        """Return the texts of the rules that the urgency rests on, each with the analytes that it looks at."""
        level = _URGENCIES[one.codes["urgency"]]
        if level is Urgency.CANNOT_TELL:
            return {self.knowledge.urgency_unknown: ()}
        found: dict[str, tuple[str, ...]] = {}
        for name, own in self._urgency_rules:
            if one.list_codes[f"reason.{name}"]:
                for rule, fact, _ in own:
                    if rule.urgency is level and one.facts[yes(fact)]:
                        looked_at = (*found.get(rule.text, ()), *self._texts.looked_at(rule.when, lines))
                        found[rule.text] = tuple(dict.fromkeys(looked_at))
        return found

    def _untold(self, one: One) -> tuple[str, ...]:
        """Return what did not fire and is not known to be absent, as the kernel's facts have it."""
        rules, facts = self.kernel.rules, one.facts

        def unknown(name: str) -> bool:
            return not facts[yes(name)] and not facts[no(name)]

        groups = (("guard", rules.guards), ("trigger", rules.triggers))
        found = [f"{group}:{r.id}" for group, group_rules in groups for r in group_rules if unknown(f"{group}.{r.id}")]
        may_be_low = one.codes["lines_low_min"] == 0 < one.codes["lines_low_max"]
        for condition in rules.conditions:
            if one.list_codes[f"support.{condition.id}"] != _NOT_LISTED:
                continue
            impossible = condition.only_when is not None and facts[no(f"only.{condition.id}")]
            if may_be_low and not impossible:
                found.append(f"condition:{condition.id}")
        return tuple(found)

    # Notes and sources -----------------------------------------------------------------

    def _notes(self, normalized: NormalizedRecord, one: One, analytes: Sequence[AnalyteResult]) -> tuple[str, ...]:
        remarks = {f"{row.scheme}: {row.notes}." for line in LINES for row in self._grade_rows(line, one) if row.notes}
        texts = self.knowledge.answer_texts
        told = notes_of(self.kernel, normalized, one, texts, uncovered=self._uncovered(one))
        return (*told, *self._without_grade(one), *notes_of_ranges(analytes, texts), *sorted(remarks))

    def _without_grade(self, one: One) -> list[str]:
        """Say of each low line that the scheme does not grade under any key of the person."""
        low = [line for line in LINES if _LINE_STATES[one.codes[f"line.{line}"]] is LineState.LOW]
        without = [line for line in low if one.codes[f"grade.{line}"] < 0 and not self._grade_rows(line, one)]
        scheme, note = self.kernel.rules.scheme.id, self.knowledge.answer_texts.note
        analytes = [begun_low(self.knowledge.analytes[self._graded_on(line, one)].label) for line in without]
        return [
            note(Note.NOT_GRADED, scheme=scheme, analyte=analyte, line=line)
            for line, analyte in zip(without, analytes, strict=True)
        ]

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
