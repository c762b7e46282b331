"""`grade`: one analyte under a named, versioned scheme, for a number or an array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.kernel.columns import ColumnProgram
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.facts import grade_cuts, ladder
from cbc_screen.kernel.program import Builder, Interval, Op, Program
from cbc_screen.kernel.rules import SEVERITIES
from cbc_screen.kernel.screen import Kernel, join_expanded
from cbc_screen.kernel_inputs import Batch
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.normalize.codes import NO_REASON, REASONS
from cbc_screen.normalize.columns import normalize_table
from cbc_screen.normalize.plan import make_declared, make_plan
from cbc_screen.vocabulary import Reason, Severity

if TYPE_CHECKING:
    import pyarrow as pa

_PERSON = ("age", "birth_date", "collected_at", "sex", "pregnancy")


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade with the scheme that gave it.

    Attributes
    ----------
    grade : int or None
        None where it cannot be told, never 0 in its place.
    severity : Severity
        The scheme-neutral word.
    reason : Reason or None
        Why the grade is None.
    """

    grade: int | None
    severity: Severity
    scheme: str
    version: str
    source: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Grades:
    """Grades of an array: `grade` is masked where it cannot be told."""

    grade: np.ma.MaskedArray[Any, np.dtype[np.int8]]
    severity: NDArray[np.str_]
    scheme: str
    version: str
    source: str
    reason: tuple[Reason | None, ...]


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
        raise UsageError(f"grade: no analyte is named {analyte!r}")
    for name in person:
        if name not in _PERSON:
            raise UsageError(f"grade: {name!r} is not one of {', '.join(_PERSON)}")
    single = isinstance(value, str) or np.ndim(value) == 0
    count = 1 if single else len(value)
    inputs = {analyte: value, f"{analyte}_unit": unit, f"{analyte}_lower_limit": lower_limit, **person}
    columns = {name: _column(name, given, count, single) for name, given in inputs.items() if given is not None}
    grades, severities, reasons = _grade_columns(knowledge, analyte, scheme, columns, count)
    found = knowledge.scheme(scheme)
    sources = {row.source for row in found.tables.get(analyte, ())}
    citation = "; ".join(knowledge.sources[name].citation for name in sorted(sources))
    if single:
        code = int(grades[0])
        return Grade(None if code < 0 else code, SEVERITIES[severities[0]], scheme, found.version, citation, reasons[0])
    return Grades(
        np.ma.MaskedArray(grades, mask=grades < 0),
        np.array([str(SEVERITIES[code]) for code in severities]),
        scheme,
        found.version,
        citation,
        tuple(reasons),
    )


def _column(name: str, given: Any, count: int, single: bool) -> pa.Array:
    import pyarrow as pa

    many = not isinstance(given, str) and np.ndim(given) > 0
    if many and (single or len(given) != count):
        raise UsageError(f"grade: {name} must have one value, or as many as value has")
    values = given if many else [given] * count
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        array = pa.array([None if v is None or v != v else str(v) for v in values], type=pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _grade_columns(
    knowledge: Knowledge, analyte: str, scheme: str, columns: Mapping[str, pa.Array], count: int
) -> tuple[NDArray[np.int8], NDArray[np.int8], list[Reason | None]]:
    plan = make_plan(knowledge, list(columns), make_declared(knowledge))
    normalized = normalize_table(columns, count, plan, knowledge, use_reported=True)
    kernel = build_kernel(knowledge, "default", "reference", scheme)
    unknown = np.int8(SEVERITIES.index(Severity.CANNOT_TELL))
    if analyte not in kernel.rules.scheme.tables:
        none = np.full(count, -1, dtype=np.int8)
        return none, np.full(count, unknown), [Reason.RANGE_ABSENT] * count
    program, runner = _program(kernel, analyte)
    lower, _ = normalized.batch.reported.get(analyte, (np.full(count, np.nan), None))
    inputs = {**normalized.batch.inputs(), "lower_limit": lower}
    answers = _run(kernel, program, runner, normalized.batch, inputs)
    least, most = answers["grade.min"], answers["grade.max"]
    grades = np.where(least == most, least, -1).astype(np.int8)
    mild, worst = answers["severity.min"], answers["severity.max"]
    severities = np.where(mild == worst, mild, unknown).astype(np.int8)
    reasons = [
        _why(row, analyte, normalized.reasons, bool(answers["told.any"][row])) if grades[row] < 0 else None
        for row in range(count)
    ]
    return grades, severities, reasons


def _why(row: int, analyte: str, reasons: Mapping[str, NDArray[np.int8]], told: bool) -> Reason:
    """Say why there is no grade: the result, else the person if some ranges tell, else no range."""
    person = ("age", "sex", "pregnancy") if told else ()
    for field in (analyte, "record", *person):
        if field in reasons and reasons[field][row] != NO_REASON:
            return REASONS[int(reasons[field][row])]
    return Reason.RANGE_ABSENT


@lru_cache(maxsize=64)
def _program(kernel: Kernel, analyte: str) -> tuple[Program, ColumnProgram]:
    b, rules = Builder(), kernel.rules

    def limit(name: str) -> int:
        return b.step(Op.LIMIT, value=name) if name in rules.limit_columns else b.nan()

    given = b.step(Op.INPUT, value="lower_limit")
    lower = b.select(b.present(given), given, limit(f"lower:{analyte}"))
    value = Interval(b.step(Op.INPUT, value=f"{analyte}.low"), b.step(Op.INPUT, value=f"{analyte}.high"))
    cuts = grade_cuts(b, rules.scheme, analyte, limit, lower)
    outputs: dict[str, int] = {}
    outputs["grade.min"], outputs["grade.max"] = ladder(b, value, [(number, cut) for number, _, cut in cuts])
    outputs["severity.min"], outputs["severity.max"] = ladder(b, value, [(code, cut) for _, code, cut in cuts])
    outputs["told.any"] = b.code_equal(outputs["grade.min"], outputs["grade.max"])
    program = b.program(outputs)
    return program, ColumnProgram(program, kernel.limits.table)


def _run(
    kernel: Kernel, program: Program, runner: ColumnProgram, batch: Batch, inputs: Mapping[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.generic]]:
    """Try every key of every row and join: an array of grades has few rows."""
    answers = {name: np.empty(batch.rows, dtype=np.int8) for name in program.outputs}
    for rows, expanded, keys, firsts in kernel.expand(batch, np.arange(batch.rows)):
        for name, column in join_expanded(program, runner, inputs, expanded, keys, firsts).items():
            answers[name][rows] = column
    return dict(answers)
