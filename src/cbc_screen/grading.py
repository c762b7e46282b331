"""`grade`: one analyte under a named, versioned scheme, for a number or an array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.kernel.adjust import adjusted
from cbc_screen.kernel.columns import ColumnProgram
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.fact_table import Facts, least, mark, most
from cbc_screen.kernel.grades import grade_cuts, ladder
from cbc_screen.kernel.joining import join_expanded
from cbc_screen.kernel.program import Builder, Interval, Op, Truth
from cbc_screen.kernel.rules import SEVERITIES
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.knowledge.nearest import no_analyte
from cbc_screen.knowledge.quantities import SMOKER_FINDING
from cbc_screen.normalize.codes import NO_REASON, RANGE_FIELD, REASONS
from cbc_screen.normalize.columns import normalize_table
from cbc_screen.normalize.declared import make_declared, parse_adjust
from cbc_screen.normalize.people import letters_of, with_sex_letters
from cbc_screen.normalize.plan import make_plan
from cbc_screen.report.words import joined
from cbc_screen.vocabulary import Adjust, Reason, Severity

if TYPE_CHECKING:
    import pyarrow as pa

_PERSON = ("age", "birth_date", "collected_at", "sex", "pregnancy")
_ENDS = ("low", "high")
_OF_ANY = " of any limit"
_NO_LIMIT = -1.0  # of no quantity, in place of one that cannot be read
_SETTINGS = {"elevation": Adjust.ELEVATION, "cigarettes_per_day": Adjust.SMOKING, "smoker": Adjust.SMOKING}


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade with the scheme that gave it.

    Attributes
    ----------
    grade : int or None
        None where the grade is not known, never 0 in its place.
    severity : Severity
        The scheme-neutral word.
    reason : Reason or None
        Why the grade is None.
    unadjusted : int or None
        The grade without the adjustment for elevation and smoking, where one was asked for.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> found = cbc.grade("hemoglobin", 91, "g/L", scheme="who_2024", age="54 y", sex="F")
    >>> found.grade, found.severity.value, found.scheme, found.reason
    (2, 'moderate', 'who_2024', None)
    """

    grade: int | None
    severity: Severity
    scheme: str
    version: str
    source: str
    reason: Reason | None = None
    unadjusted: int | None = None


@dataclass(frozen=True, slots=True)
class Grades:
    """Grades of an array: `grade` (and `unadjusted`, see `Grade`) is masked where the grade is not known."""

    grade: np.ma.MaskedArray[Any, np.dtype[np.int8]]
    severity: NDArray[np.str_]
    scheme: str
    version: str
    source: str
    reason: tuple[Reason | None, ...]
    unadjusted: np.ma.MaskedArray[Any, np.dtype[np.int8]] | None = None


@overload
def grade(
    analyte: str,
    value: float | str,
    unit: str | None = ...,
    scheme: str = ...,
    lower_limit: float | None = ...,
    **person: Any,
) -> Grade: ...
@overload
def grade(
    analyte: str, value: Any, unit: Any = ..., scheme: str = ..., lower_limit: Any = ..., **person: Any
) -> Grade | Grades: ...
def grade(
    analyte: str,
    value: Any,
    unit: Any = None,
    scheme: str = "clinical",
    lower_limit: Any = None,
    **person: Any,
) -> Grade | Grades:
    """Grade a result under a named scheme.

    Parameters
    ----------
    analyte : str
        For example "hemoglobin", "neutrophils", "platelets", "wbc", "lymphocytes".
    value : number, text, or an array of either
        A text may carry a comparator ("<10"); the grade is then given if it is sure.
    unit : str or array of str
        A unit of the closed table; without one, or with another, the grade is None.
    scheme : str
        "clinical", "who_2024", "who_2011", "ctcae_v4", "ctcae_v5", "ctcae_v6", "daids_v2_1".
    lower_limit : number or array, optional
        The reporting laboratory's lower limit, in the unit of the value; else the limit
        of the default set for the person.
    age, birth_date, collected_at, sex, pregnancy : optional
        As in `CBCRecord`; each one value, or an array. Needed by schemes that depend on
        them; where unknown, a grade is given if every possibility agrees.
    elevation, cigarettes_per_day, smoker : optional
        Adjust hemoglobin by the table of a WHO scheme: "2600 m"; 15; "present", "absent" or
        "unknown". The unadjusted grade is given beside.

    Returns
    -------
    Grade for one value, Grades for an array.

    Raises
    ------
    UsageError
        If the analyte, the scheme or an argument is not known.

    Examples
    --------
    >>> grade("platelets", 24, "10^9/L", scheme="ctcae_v5", lower_limit=150).grade
    4
    >>> grade("platelets", 24, "g/dL").reason
    <Reason.UNIT_CONFUSABLE: 'UNIT_CONFUSABLE'>
    """
    knowledge = load_knowledge()
    if analyte not in knowledge.analytes:
        raise UsageError(f"grade: {no_analyte(analyte, knowledge.analytes)}")
    for name in person:
        if name not in _PERSON and name not in _SETTINGS:
            raise UsageError(f"grade: {name!r} is not one of {', '.join([*_PERSON, *_SETTINGS])}")
    settings = {name for name in _SETTINGS if person.get(name) is not None}
    if settings and analyte != "hemoglobin":
        raise UsageError(f"grade: {joined(sorted(settings))}: only hemoglobin is adjusted")
    single = isinstance(value, str) or np.ndim(value) == 0
    count = 1 if single else len(value)
    inputs = {analyte: value, f"{analyte}_unit": unit, f"{analyte}_lower_limit": lower_limit, **person}
    columns = {name: _column(name, given, count, single) for name, given in inputs.items() if given is not None}
    adjust = parse_adjust({_SETTINGS[name] for name in settings})
    grades, severities, reasons, plain = _grade_columns(knowledge, analyte, scheme, columns, count, adjust)
    found = knowledge.scheme(scheme)
    sources = {row.source for row in found.tables.get(analyte, ())}
    adjustment = knowledge.adjustment(scheme) if adjust else None
    sources |= {adjustment.source} if adjustment is not None else set()
    citation = "; ".join(knowledge.sources[name].citation for name in sorted(sources))
    if single:
        first, beside = int(grades[0]), int(plain[0]) if plain is not None else -1
        return Grade(
            None if first < 0 else first,
            SEVERITIES[severities[0]],
            scheme,
            found.version,
            citation,
            reasons[0],
            None if beside < 0 else beside,
        )
    return Grades(
        np.ma.MaskedArray(grades, mask=grades < 0),
        np.array([str(SEVERITIES[code]) for code in severities]),
        scheme,
        found.version,
        citation,
        tuple(reasons),
        None if plain is None else np.ma.MaskedArray(plain, mask=plain < 0),
    )


def _column(name: str, given: Any, count: int, single: bool) -> pa.Array:
    import pyarrow as pa

    many = not isinstance(given, str) and np.ndim(given) > 0
    if many and (single or len(given) != count):
        raise UsageError(f"grade: {name} must have one value, or as many as value has")
    values = given if many else [given] * count
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        array = pa.array([None if v is None or v != v else str(v) for v in values], type=pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _grade_columns(
    knowledge: Knowledge,
    analyte: str,
    scheme: str,
    columns: Mapping[str, pa.Array],
    count: int,
    adjust: tuple[Adjust, ...],
) -> tuple[NDArray[np.int8], NDArray[np.int8], list[Reason | None], NDArray[np.int8] | None]:
    plan = make_plan(knowledge, list(columns), make_declared(knowledge, adjust=adjust))
    plan = with_sex_letters(plan, letters_of(columns, plan, knowledge), knowledge)
    normalized = normalize_table(columns, count, plan, knowledge, use_reported=True)
    kernel = build_kernel(knowledge, Configuration(grading=scheme, adjust=adjust))
    unknown = np.int8(SEVERITIES.index(Severity.CANNOT_TELL))
    if analyte not in kernel.rules.scheme.tables:
        none = np.full(count, -1, dtype=np.int8)
        return none, np.full(count, unknown), [Reason.RANGE_ABSENT] * count, None
    lower, _ = normalized.batch.reported.get(analyte, (np.full(count, np.nan), None))
    unread = normalized.reasons.get(f"{analyte}{RANGE_FIELD}", np.full(count, NO_REASON, dtype=np.int8)) != NO_REASON
    lower = np.where(unread, _NO_LIMIT, lower)
    inputs = {**normalized.batch.inputs(), "lower_limit": lower}
    answers = _run(kernel, _program(kernel, analyte, frozenset(inputs)), normalized.batch, inputs)
    grades = _agreed(answers, "grade", np.int8(-1))
    severities = _agreed(answers, "severity", unknown)
    reasons = [
        _why(
            row,
            analyte,
            normalized.reasons,
            told=bool(answers[mark("told")][row]),
            wrong=bool(answers[mark("wrong")][row]),
        )
        if grades[row] < 0
        else None
        for row in range(count)
    ]
    plain = _agreed(answers, "plain", np.int8(-1)) if adjust else None
    return grades, severities, reasons, plain


def _agreed(answers: Mapping[str, NDArray[Any]], code: str, otherwise: np.int8) -> NDArray[np.int8]:
    """Return a code where every possibility agrees; where the lower limit cannot be right, it may be any."""
    wrong = answers[mark("wrong")].astype(np.bool_)
    of_limit, of_any = ((answers[least(name)], answers[most(name)]) for name in (code, f"{code}{_OF_ANY}"))
    low, high = (np.where(wrong, of_any[place], of_limit[place]) for place in (0, 1))
    return np.where(low == high, low, otherwise).astype(np.int8)


def _why(row: int, analyte: str, reasons: Mapping[str, NDArray[np.int8]], *, told: bool, wrong: bool) -> Reason:
    """Say why there is no grade: the result, its lower limit, else the person if some ranges tell, else no range."""
    person = ("age", "sex", "pregnancy") if told else ()
    for field in (analyte, f"{analyte}{RANGE_FIELD}", "elevation", "cigarettes_per_day", "record", *person):
        if field in reasons and reasons[field][row] != NO_REASON:
            return REASONS[int(reasons[field][row])]
    return Reason.RANGE_INSANE if wrong else Reason.RANGE_ABSENT


@lru_cache(maxsize=64)
def _program(kernel: Kernel, analyte: str, given: frozenset[str]) -> ColumnProgram:
    b, rules = Builder(), kernel.rules

    def limit(name: str) -> int:
        return b.step(Op.LIMIT, value=name) if name in rules.limit_columns else b.nan()

    def measured(name: str) -> Interval:
        ends = [b.step(Op.INPUT, value=f"{name}.{end}") if f"{name}.{end}" in given else b.nan() for end in _ENDS]
        return Interval(ends[0], ends[1])

    own, of_set = b.step(Op.INPUT, value="lower_limit"), limit(f"lower:{analyte}")
    believed = kernel.limits.believed_lower(analyte, rules.printed_limits.of(analyte))
    least_believed, most_believed = map(b.number, believed or (0.0, inf))
    wrong = b.either(b.less(own, least_believed), b.less(most_believed, own))
    cuts, of_least, of_most = (
        grade_cuts(b, rules.scheme, analyte, limit, lower)
        for lower in (b.select(b.present(own), own, of_set), b.number(0.0), b.number(inf))
    )
    value = plain = measured(analyte)
    if rules.adjusts_grade:
        smoker = b.unknown()
        if f"{SMOKER_FINDING}.present" in given:
            flags = [b.step(Op.FLAG, value=f"{SMOKER_FINDING}.{answer}") for answer in ("present", "absent")]
            smoker = Truth(flags[0], flags[1])
        adjustment, elevation = rules.adjustments[rules.scheme.id], measured("elevation")
        value = adjusted(b, plain, adjustment, rules.adjust, elevation, measured("cigarettes_per_day"), smoker)
    facts = Facts()
    for name, place, number in (("grade", 0, value), ("severity", 1, value), ("plain", 0, plain)):
        of_limit, (least_of_all, _), (_, most_of_all) = (
            ladder(b, number, [(cut[place], cut[2]) for cut in own_cuts]) for own_cuts in (cuts, of_least, of_most)
        )
        facts.put_codes(name, *of_limit)
        facts.put_codes(f"{name}{_OF_ANY}", least_of_all, most_of_all)
    facts.put_mark("told", b.code_equal(*facts.codes("grade")))
    facts.put_mark("wrong", wrong)
    return ColumnProgram(b.program(facts.columns), kernel.limits.table)


def _run(
    kernel: Kernel, runner: ColumnProgram, batch: Batch, inputs: Mapping[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.int8]]:
    """Try every key of every row and join: an array of grades has few rows."""
    answers: dict[str, NDArray[np.int8]] = {}
    for rows, expanded, keys, firsts in kernel.expand(batch, np.arange(batch.rows)):
        for name, column in join_expanded(runner, inputs, expanded, keys, firsts).items():
            answers.setdefault(name, np.empty(batch.rows, dtype=np.int8))[rows] = column
    return answers
