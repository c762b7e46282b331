"""`reference_range`: the range that applies to a person."""

from __future__ import annotations

from cbc_screen.ages import MONTHS_IN_YEAR
from cbc_screen.errors import RangeNotFound, UsageError
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.limits import STATED
from cbc_screen.kernel_inputs import Person
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.nearest import no_analyte
from cbc_screen.normalize.age import parse_age
from cbc_screen.normalize.person import parse_pregnancy, parse_sex
from cbc_screen.result import ReferenceRange
from cbc_screen.vocabulary import Reason


def reference_range(
    analyte: str,
    age: str | float,
    sex: str | None = None,
    pregnancy: str | None = None,
    ranges: str = "default",
    *,
    age_unit: str | None = None,
) -> ReferenceRange:
    """Return the reference range for an analyte, age, sex and pregnancy.

    Parameters
    ----------
    analyte : str
        For example "hemoglobin", "platelets", "neutrophils".
    age : str or number
        "54 y", "7 mo", "3 d", or a number with `age_unit`.
    sex : "F" or "M", optional
        May be left out where the range is the same for both.
    pregnancy : "none", "T1", "T2", "T3" or "postpartum", optional
    ranges : str
        A named set; "default" is the default set with its pregnancy rows.

    Returns
    -------
    ReferenceRange

    Raises
    ------
    RangeNotFound
        If no row covers the person, or several do (sex, age or trimester not exact), or the rows are by gestation at birth.
    UsageError
        If a name or a word is not known.

    Examples
    --------
    >>> found = reference_range("hemoglobin", age="54 y", sex="F")
    >>> found.lower, found.upper, found.unit
    (117.0, 153.0, 'g/L')
    """
    knowledge = load_knowledge()
    if analyte not in knowledge.analytes:
        raise UsageError(f"reference_range: {no_analyte(analyte, knowledge.analytes)}")
    span, age_reason = parse_age(age, age_unit, knowledge.age_implausible_from)
    who, sex_reason = parse_sex(sex, knowledge.words)
    stage, stage_reason = parse_pregnancy(pregnancy, knowledge.words)
    if span is None:
        raise UsageError(f"reference_range: age: {age_reason or Reason.AGE_MISSING}")
    for field, reason in (("sex", sex_reason), ("pregnancy", stage_reason)):
        if reason in (Reason.SEX_UNREADABLE, Reason.PREGNANCY_UNREADABLE):
            raise UsageError(f"reference_range: {field}: {reason}")
    if any(row.analyte == analyte for row in knowledge.preterm_intervals(ranges)) and span.months_low < MONTHS_IN_YEAR:
        raise RangeNotFound(
            f"{analyte}: the rows of {ranges} are by gestation at birth; screen a record that states gestation_at_birth, or list "
            f"them with: cbc-screen ranges show {analyte} --ranges {ranges}"
        )
    limits = build_kernel(knowledge, Configuration(ranges, stamp=knowledge.stamp(ranges, "default"))).limits
    rows = limits.interval_rows.get(f"{STATED}{analyte}", limits.interval_rows.get(analyte))
    keys = limits.keys(Person(span, who, stage)) if rows is not None else ()
    found = [rows[key] for key in keys if not limits.is_beside(key)] if rows is not None else []
    row = found[0] if found else None
    if row is None and not any(found):
        raise RangeNotFound(f"{analyte}: no row of {ranges} covers this age, sex and pregnancy ({Reason.RANGE_ABSENT})")
    if row is None or any(other is not row for other in found):
        raise RangeNotFound(f"{analyte}: several rows of {ranges} apply; state age, sex and trimester exactly")
    beside = dict.fromkeys(rows[key] for key in keys if limits.is_beside(key)) if rows is not None else {}
    differing = tuple(_range_of(other, knowledge, ()) for other in beside if other is not None and other is not row)
    return _range_of(row, knowledge, differing)


def _range_of(row: IntervalRow, knowledge: Knowledge, differing: tuple[ReferenceRange, ...]) -> ReferenceRange:
    return ReferenceRange(
        analyte=row.analyte,
        lower=row.lower,
        upper=row.upper,
        unit=row.unit,
        set=row.set,
        age=row.age_text,
        sex=row.sex,
        pregnancy=row.pregnancy,
        source=knowledge.sources[row.source].citation,
        percentile_basis=row.percentile_basis,
        confidence=row.confidence,
        verification=row.verification,
        n=row.n,
        lower_ci90=row.lower_ci90,
        upper_ci90=row.upper_ci90,
        population=row.population,
        notes=row.notes,
        differing=differing,
    )
