"""What goes out: the answers for one record, and the range of a person, each with its limit, version and source (one file: every field of a result)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr, SerializerFunctionWrapHandler, model_serializer

from cbc_screen.earlier_counts import HistoryResult
from cbc_screen.result_part import Part
from cbc_screen.views import views
from cbc_screen.vocabulary import (
    LIST_COLUMNS,
    NOTICE,
    SCHEMA_VERSION,
    Basis,
    CheckGroup,
    Comparator,
    Criteria,
    Line,
    LineState,
    Pattern,
    Pregnancy,
    Presence,
    Reason,
    ReticulocyteMethod,
    Setting,
    Severity,
    Sex,
    State,
    Support,
    Threshold,
    Urgency,
    Verification,
)  # fmt: skip


class Citation(Part):
    """A source, and how it was read."""

    id: str
    citation: str
    url: str
    verification: Verification


class StatedFinding(Part):
    """What the source states of the film or the history."""

    id: str
    text: str
    presence: Presence


class PersonResult(Part):
    """The person at collection: as received, and as used for the choice of ranges.

    `years` are the least and most completed years.
    """

    age_received: str | None
    years: tuple[int, int] | None
    birth_date: str | None
    collected_at: str | None
    age: str
    sex_received: str | None
    sex: Sex
    pregnancy_received: str | None
    pregnancy: Pregnancy
    reticulocyte_method: ReticulocyteMethod
    wbc_uncorrected: bool
    stated: tuple[StatedFinding, ...]


class GradeBand(Part):
    """A grade's band [lower, upper) for this person, or [lower, upper], in the canonical unit.

    A relative one ends at the lower limit of the range used, and has no upper number.
    """

    grade: int
    label: str
    severity: Severity
    lower: float | None
    upper: float | None
    upper_inclusive: bool
    relative: bool


class RangeUsed(Part):
    """A reference range that was tried: several where age, sex or trimester is not exact."""

    lower: float | None
    upper: float | None
    set: str
    sex: str
    pregnancy: str
    age: str
    population: str
    percentile_basis: str
    lower_ci90: tuple[float, float] | None
    confidence: str
    verification: str
    source: str


class AnalyteResult(Part):
    """One analyte: as received, as used, and against its range, in the canonical unit.

    `unit_declared` is what a column's name or an option said of a result without a unit.
    """

    analyte: str
    label: str
    received: str | None
    unit_declared: str | None
    low: float | None
    high: float | None
    unit: str
    comparator: Comparator | None
    derived: bool
    state: State
    reasons: tuple[Reason, ...]
    reported_range: tuple[float | None, float | None] | None
    ranges: tuple[RangeUsed, ...]


class LineResult(Part):
    """One line under the definition; `limits` has several numbers where the person is not exact.

    The limits are those of `limit_of`: neutrophils, also where WBC stands for them because
    they are at most WBC. `bands` are those of the grade, in the unit of the analyte it is `graded_on`, where all
    that could apply agree.
    `adjusted` is the interval of hemoglobin after the adjustments asked for, where the
    line or its grade used them; the `unadjusted` answers are those without them. `at_most` is
    what the other white cells leave for neutrophils that were not sent, where that is too little. `ask` is what a
    low line can bring, to ask the person about; empty where the line is not surely low.
    """

    line: Line
    state: LineState
    analyte: str
    limits: tuple[float, ...]
    limit_of: str
    unit: str
    grade: int | None
    severity: Severity
    severity_min: Severity
    graded_on: str
    bands: tuple[GradeBand, ...]
    adjusted: tuple[float | None, float | None] | None = None
    state_unadjusted: LineState | None = None
    grade_unadjusted: int | None = None
    at_most: float | None = None
    ask: str = ""


class FindingResult(Part):
    """A finding of a rule; its number is stated in `condition`, its mark in `threshold`.

    `basis` says what its weight rests on, where it is weighed: measured, derived, or judgment.
    """

    id: str
    text: str
    condition: str
    threshold: Threshold
    source: str
    basis: Basis | None = None
    decisive: bool = False


class NextTest(Part):
    """A test to consider for the count, and the conditions it would help to settle."""

    id: str
    text: str
    settles: tuple[str, ...]


class ConditionResult(Part):
    """One entry of the checklist: a consideration, never a diagnosis.

    Findings stand strongest first; `missing` are questions; `settled_by` is the one test that would settle it.
    `not_decidable` says why no finding that a record can hold is decisive.
    """

    id: str
    name: str
    group: CheckGroup
    support: Support
    place_reason: str
    summary: str
    findings_for: tuple[FindingResult, ...]
    findings_against: tuple[FindingResult, ...]
    missing: tuple[str, ...]
    settled_by: str
    next_tests: tuple[str, ...]
    not_decidable: str
    limits: str


class BloodCriteriaResult(Part):
    """The blood items of the aplastic anemia severity criteria; the marrow item is never assumed."""

    answer: Criteria
    very_severe: Criteria
    items: dict[str, Criteria]
    conditions: dict[str, str]
    missing: str


class LineInSets(Part):
    """A line held against every published set alone: names of the sets by what they say. It changes no flag."""

    line: Line
    text: str
    low: tuple[str, ...]
    not_low: tuple[str, ...]
    cannot_tell: tuple[str, ...]
    not_assessed: tuple[str, ...]
    not_covered: tuple[str, ...]


class SettingResult(Part):
    """The setting that was stated, and the entries of the list whose starting tier it moved, by one at most."""

    stated: tuple[Setting, ...]
    text: str
    raised: tuple[str, ...]
    lowered: tuple[str, ...]


class Versions(Part):
    """What made the answer."""

    cbc_screen: str
    data: str
    ranges: str
    rules: str
    adjust_hemoglobin: tuple[str, ...]
    definition: str
    grading: str
    grading_version: str
    text_units: str


class ScreeningResult(Part):
    """The flags of one record, for clinician review. Not a diagnosis.

    `summary` says in at most three sentences what is low, what fits and what must not be missed.
    `checklist` stands in groups; the first `checklist_shown` entries stand before the fold.
    `history` is what earlier counts of the person show, where some were given.
    `remarks` says `reasons` in sentences, each once with all that it is about.
    `untold` names the checks, triggers and conditions ("guard:ID") of which it cannot be told
    whether they apply: that they are not listed says nothing.

    `flags()` gives the same words as one row of `screen_frame`; `explain()` gives the
    chain from received text to flag. `published_sets` is empty unless the screener was asked for it,
    and `setting` null unless one was stated.

    Parameters
    ----------
    pattern : Pattern
        How many lines are low; `lines` has each of them with its limits.
    severity : Severity
        That of the most severe line.
    urgency : Urgency
        How soon a person should look; `urgency_reasons` says why.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> result = cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "wbc": "5.1 10^9/L",
    ...     "neutrophils": "3.0 10^9/L", "platelets": "210 10^9/L"})
    >>> result.pattern.value, result.lines[0].limits, result.lines[0].unit, result.flags()["red_line"]
    ('single_line', (117.0,), 'g/L', 'low')
    """

    notice: str = NOTICE
    schema_version: str = SCHEMA_VERSION
    summary: str
    pattern: Pattern
    pattern_text: str
    person: PersonResult
    lines_low_min: int
    lines_low_max: int
    lines: tuple[LineResult, ...]
    white_line_basis: str
    severity: Severity
    severity_min: Severity
    analytes: tuple[AnalyteResult, ...]
    blood_criteria: BloodCriteriaResult
    urgency: Urgency
    urgency_reasons: tuple[str, ...]
    urgency_analytes: tuple[tuple[str, ...], ...]
    borderline: bool
    checklist: tuple[ConditionResult, ...]
    checklist_shown: int
    next_tests: tuple[NextTest, ...]
    guards: tuple[FindingResult, ...]
    review_triggers: tuple[FindingResult, ...]
    published_cutoffs: tuple[FindingResult, ...]
    untold: tuple[str, ...]
    reasons: tuple[tuple[str, Reason], ...]
    remarks: tuple[str, ...]
    notes: tuple[str, ...]
    not_assessed: tuple[str, ...]
    published_sets: tuple[LineInSets, ...]
    sources: tuple[Citation, ...]
    versions: Versions
    columns: dict[str, str | bool | int | None]
    history: HistoryResult | None = None
    setting: SettingResult | None = None

    _rest: Callable[[], dict[str, Any]] | None = PrivateAttr(default=None)
    _flags: Callable[[bool], dict[str, str | bool | int | None]] | None = PrivateAttr(default=None)

    @classmethod
    def _later(
        cls,
        now: dict[str, Any],
        rest: Callable[[], dict[str, Any]],
        flags: Callable[[bool], dict[str, str | bool | int | None]] | None = None,
    ) -> ScreeningResult:
        """Make a result of which some fields are known, and the rest is worked out when asked for.

        `flags` works out the flag columns alone, with those of the checklist or without. Measured: most of the time of a screen went into texts that a service never reads.
        """
        made = cls.__new__(cls)
        object.__setattr__(made, "__dict__", now)
        object.__setattr__(made, "__pydantic_fields_set__", set(now))
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", {"_rest": rest, "_flags": flags})
        return made

    if not TYPE_CHECKING:  # an editor that saw it would take any name

        def __getattr__(self, name: str) -> Any:
            # Called only for what is not there yet.
            if name in type(self).model_fields:
                return self._completed().__dict__[name]
            return super().__getattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *type(self).model_fields})

    def _completed(self) -> ScreeningResult:
        """Work out what was left for later, checked as any other result."""
        rest = self._rest  # another thread may be at it too: both find the same
        if rest is not None:
            whole = type(self).model_validate({**self.__dict__, **rest()})
            self.__pydantic_fields_set__.update(whole.__pydantic_fields_set__)
            # In one step, and in the order of the fields.
            object.__setattr__(self, "__dict__", dict(whole.__dict__))
            self._rest = self._flags = None
        return self

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]
        # Without a return type: the schema is that of the fields.
        return handler(self._completed())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ScreeningResult):
            other._completed()
        return super(ScreeningResult, self._completed()).__eq__(other)

    def __hash__(self) -> int:
        return hash((self.pattern, self.lines_low_min, self.lines_low_max, self.severity, self.urgency))

    def __getstate__(self) -> dict[Any, Any]:
        return super(ScreeningResult, self._completed()).__getstate__()

    def __copy__(self) -> ScreeningResult:
        return super(ScreeningResult, self._completed()).__copy__()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> ScreeningResult:
        return super(ScreeningResult, self._completed()).__deepcopy__(memo)

    def __iter__(self) -> Any:
        return super(ScreeningResult, self._completed()).__iter__()

    def __repr__(self) -> str:
        return f"ScreeningResult(pattern={self.pattern.value!r}, severity={self.severity.value!r}, urgency={self.urgency.value!r}; {NOTICE})"

    __str__ = __repr__

    def flags(self, *, checklist: bool = True) -> dict[str, str | bool | int | None]:
        """Return the flag columns, equal to a row of `screen_frame`.

        Parameters
        ----------
        checklist : bool
            False leaves the columns of the checklist out, which take longer than all others.
        """
        flags = self._flags if "columns" not in self.__dict__ else None
        if flags is not None:
            return flags(checklist)
        return {name: flag for name, flag in self.columns.items() if checklist or name not in LIST_COLUMNS}

    def explain(self) -> str:
        """Return the chain from received text to flag, as plain text."""
        return views().result_text(self)

    def plot(self, axes: Any = None) -> Any:
        """Draw each result against its range and severity bands; needs matplotlib (`plots` extra).

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        UsageError
            If matplotlib is not installed.
        """
        return views().result_figure(self, axes)

    def _repr_html_(self) -> str:
        return views().result_html(self)

    def to_dict(self, *, empty: bool = True) -> dict[str, Any]:
        """Return plain Python types, ready for JSON.

        Parameters
        ----------
        empty : bool
            False leaves out what holds nothing: null, "" and lists and objects without content, at every depth. What is
            left out says what null said: no limit, no grade, not known. Numbers, true and false stay, also 0. With
            `screen(..., compact=True)` a result is then about a quarter as long.

        Examples
        --------
        >>> import cbc_screen as cbc
        >>> record = {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"}
        >>> found = cbc.screen(record, compact=True).to_dict(empty=False)
        >>> "history" in found, found["lines"][0]["state"]
        (False, 'low')
        """
        whole = self.model_dump(mode="json")
        return whole if empty else {name: kept for name, value in whole.items() if (kept := _filled(value)) is not None}


def _filled(value: Any) -> Any:
    """Return a value without what holds nothing; None where nothing is left."""
    if isinstance(value, dict):
        return {name: kept for name, own in value.items() if (kept := _filled(own)) is not None} or None
    if isinstance(value, list):
        # The places of a list mean something ("reported_range": lower, upper): none of them goes.
        return [_filled(own) for own in value] or None
    return None if value == "" else value


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """A reference range in the canonical unit; None is an open side.

    Attributes
    ----------
    lower, upper : float or None
        Limits in `unit`; a value equal to a limit is within.
    set, source : str
        The set and the citation.
    differing : tuple of ReferenceRange
        Ranges of other sets of the same grade that are tried beside this one at this age (the first month): a value is
        low, within or high only where all of them say so.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> found = cbc.reference_range("platelets", age="54 y", sex="F")
    >>> found.unit, found.set, found.sex, found.lower < found.upper
    ('10^9/L', 'default_v1', 'F', True)
    """

    analyte: str
    lower: float | None
    upper: float | None
    unit: str
    set: str
    age: str
    sex: str
    pregnancy: str
    source: str
    percentile_basis: str
    confidence: str
    verification: str
    n: int | None
    lower_ci90: tuple[float, float] | None
    upper_ci90: tuple[float, float] | None
    population: str
    notes: str
    differing: tuple[ReferenceRange, ...] = ()

    def _repr_html_(self) -> str:
        return views().range_html(self)
