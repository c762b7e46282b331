"""Grading schemes: which table grades which analyte, and the bands of each table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.edges import AgeEdge, approximate_days, read_age
from cbc_screen.knowledge.intervals import read_quantity
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.strict import Row, YamlNode, parse_csv
from cbc_screen.vocabulary import Severity, Verification

COLUMNS = (
    "scheme", "analyte", "sex", "pregnancy", "age_low", "age_low_unit", "age_high", "age_high_unit",
    "grade", "label", "severity", "lower", "upper", "upper_inclusive", "unit", "source", "verification", "notes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GradeRow:
    """One band [lower, upper) (or [lower, upper]) of one grade; `relative` bands end at the lower reference limit."""

    scheme: str
    analyte: str
    sex: str
    pregnancy: str
    age_low: AgeEdge
    age_high: AgeEdge | None
    grade: int
    label: str
    severity: Severity
    lower: float | None
    upper: float | None
    upper_inclusive: bool  # the published band holds its upper bound ("1.0 or less")
    relative: bool
    unit: str
    source: str
    verification: Verification
    notes: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """A named, versioned grading scheme; `terms` are its own names of what it grades, `headings` what they stand under."""

    id: str
    version: str
    title: str
    tables: Mapping[str, tuple[GradeRow, ...]]
    terms: Mapping[str, str] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)


def load_grade_table(
    text: str, file: str, analytes: Mapping[str, Analyte], sources: Iterable[str]
) -> dict[str, tuple[GradeRow, ...]]:
    """Load one grading CSV: the rows of each analyte."""
    known = set(sources)
    rows = [_grade(row, analytes, known) for row in parse_csv(text, file, COLUMNS)]
    tables: dict[str, list[GradeRow]] = {}
    for row in rows:
        tables.setdefault(row.analyte, []).append(row)
    for table in tables.values():
        _check_bands(table)
    return {analyte: tuple(table) for analyte, table in tables.items()}


def _grade(row: Row, analytes: Mapping[str, Analyte], sources: set[str]) -> GradeRow:
    analyte, factor = read_quantity(row, analytes, sources)
    start, end, _ = read_age(row)
    relative = row.cells["upper"].strip() == "lower_limit"
    lower = row.number("lower")
    upper = None if relative else row.number("upper")
    grade = row.number("grade")
    if grade is None or grade != int(grade) or not 0 <= grade <= 4:
        raise row.error("grade", "must be a whole number from 0 to 4")
    if grade > 0 and upper is None and not relative:
        raise row.error("upper", "a grade above 0 needs an upper bound")
    if lower is not None and upper is not None and lower >= upper:
        raise row.error("lower", "must be less than upper")

    def canonical(value: float | None) -> float | None:
        return None if value is None else value * factor.numerator / factor.denominator

    return GradeRow(
        scheme=row.text("scheme"),
        analyte=analyte.id,
        sex=row.choice("sex", ("any", "F", "M")),
        pregnancy=row.choice("pregnancy", ("any", "none", "T1", "T2", "T3", "postpartum")),
        age_low=start,
        age_high=end,
        grade=int(grade),
        label=row.text("label"),
        severity=Severity(row.choice("severity", [s.value for s in Severity if s is not Severity.CANNOT_TELL])),
        lower=canonical(lower),
        upper=canonical(upper),
        upper_inclusive=row.choice("upper_inclusive", ("yes", "")) == "yes",
        relative=relative,
        unit=analyte.unit,
        source=row.text("source"),
        verification=Verification(row.choice("verification", [v.value for v in Verification])),
        notes=row.cells["notes"],
        file=row.file,
        line=row.line,
    )


def _check_bands(rows: list[GradeRow]) -> None:
    populations: dict[tuple[str, str, AgeEdge, AgeEdge | None], list[GradeRow]] = {}
    for row in rows:
        populations.setdefault((row.sex, row.pregnancy, row.age_low, row.age_high), []).append(row)
    for band in populations.values():
        band.sort(key=lambda row: row.grade)
        for before, after in itertools.pairwise(band):
            if after.grade != before.grade + 1:
                raise KnowledgeError(
                    after.file, after.line, "grade", f"does not follow the grade of line {before.line}"
                )
            if after.upper_inclusive or after.upper != before.lower:
                raise KnowledgeError(
                    after.file,
                    after.line,
                    "upper",
                    f"must equal the lower bound of line {before.line}: a hole or an overlap",
                )
        if band[-1].lower is not None:
            raise KnowledgeError(band[-1].file, band[-1].line, "lower", "the highest grade must have no lower bound")
    for sex in ("F", "M"):
        for pregnancy in {row.pregnancy for row in rows}:
            mildest = [r for r in rows if r.sex in ("any", sex) and r.pregnancy == pregnancy and r.grade == 1]
            mildest.sort(key=lambda row: approximate_days(row.age_low))
            for before, after in itertools.pairwise(mildest):
                if before.age_high is None or approximate_days(before.age_high) > approximate_days(after.age_low):
                    raise KnowledgeError(after.file, after.line, "age_low", f"overlaps the band of line {before.line}")
                if before.age_high != after.age_low:
                    raise KnowledgeError(
                        after.file, after.line, "age_low", f"leaves a gap after the band of line {before.line}"
                    )


def load_schemes(node: YamlNode, tables: Mapping[str, Mapping[str, tuple[GradeRow, ...]]]) -> dict[str, Scheme]:
    """Load grading/schemes.yaml."""
    node.check_keys(["schemes"])
    schemes: dict[str, Scheme] = {}
    for entry in node.nodes("schemes"):
        entry.check_keys(["id", "version", "title", "tables"], ["terms", "headings"])
        parts: dict[str, tuple[GradeRow, ...]] = {}
        for analyte in entry.node("tables"):
            table = tables.get(entry.node("tables").text(analyte), {})
            if analyte not in table:
                raise entry.node("tables").error(analyte, "the table named here does not grade this analyte")
            parts[analyte] = table[analyte]
        if entry.text("id") in schemes:
            raise entry.error("id", "is given twice")
        names = [_names(entry, key, parts) for key in ("terms", "headings")]
        schemes[entry.text("id")] = Scheme(entry.text("id"), entry.text("version"), entry.text("title"), parts, *names)
    return schemes


def _names(entry: YamlNode, key: str, tables: Mapping[str, object]) -> dict[str, str]:
    """Read what a scheme calls each analyte that it grades: every one, or none."""
    if key not in entry:
        return {}
    entry.node(key).check_keys(list(tables))
    return {analyte: entry.node(key).text(analyte) for analyte in tables}
