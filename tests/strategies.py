"""Hypothesis strategies for blood counts, built from the knowledge tables (one file: one subject, whose cases share what they build).

Numbers are exact decimals in the canonical unit, so that a test can write the same result
in another unit, and place it on a limit or a step beside it.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.predicates import Compare, walk
from cbc_screen.knowledge.quantities import Factor

KNOWLEDGE = load_knowledge()
ANALYTES = tuple(KNOWLEDGE.analytes)
LINE_OF = {"hemoglobin": "red_line", "neutrophils": "white_line", "platelets": "platelet_line"}
GRADE_OF = {"hemoglobin": "hemoglobin_grade", "neutrophils": "white_grade", "platelets": "platelets_grade"}
# Every result that can decide a line.
RESULTS_OF = {
    "red_line": ("hemoglobin",),
    "white_line": ("wbc", "neutrophils", "neutrophils_percent", "bands_percent"),
    "platelet_line": ("platelets",),
}
# Parts of the neutrophils say of the white line what they say: test_parts_of_neutrophils.py has their laws.
PARTS = ("segmented", "segmented_percent")
OTHERS = tuple(a for a in ANALYTES if a not in {*PARTS, *(name for names in RESULTS_OF.values() for name in names)})
FINDING_WORDS = tuple(word for word, meaning in KNOWLEDGE.words.texts.items() if meaning.finding)
UNREADABLE = (
    "CLUMPED",
    "QNS",
    "hemolyzed",
    "TNTC",
    "?",
    "see note",
    "abc",
    "1.2.3",
    "1,2",
    "1 200",
    "-5",
    "inf",
    "1e400",
)
CONFIGURATIONS = (
    ("reference", "clinical"),
    ("clinical", "ctcae_v5"),
    ("mds", "who_2024"),
    ("strict", "who_2011"),
    ("aplastic", "ctcae_v6"),
)
SEVERITIES = ("none", "mild", "moderate", "severe", "very_severe")
DEFINITE_STATES = ("low", "within", "high")


@cache
def screener(definition: str = "reference", grading: str = "clinical") -> cbc.Screener:
    """Return one screener for each configuration: it is compiled once."""
    return cbc.Screener(definition=definition, grading=grading)


def flags(record: Mapping[str, Any], configuration: tuple[str, str] = CONFIGURATIONS[0]) -> dict[str, Any]:
    """Screen one record and return its flag columns."""
    return screener(*configuration).screen(record, compact=True).flags()


def listed(text: str) -> set[str]:
    """Return the entries of a flag column that holds several."""
    return set(text.split(";")) - {""}


# Numbers and units ---------------------------------------------------------------------


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).normalize()


@cache
def limits_of(analyte: str) -> tuple[Decimal, ...]:
    """Return every number some table compares this analyte with."""
    found: set[float | None] = set()
    rows = (*KNOWLEDGE.intervals("default"), *KNOWLEDGE.differing_intervals("default"))
    found |= {limit for row in rows if row.analyte == analyte for limit in (row.lower, row.upper)}
    for scheme in KNOWLEDGE.schemes.values():
        found |= {limit for row in scheme.tables.get(analyte, ()) for limit in (row.lower, row.upper)}
    for definition in KNOWLEDGE.definitions.values():
        for cutoff in (definition.red, definition.white, definition.without_neutrophils, definition.platelet):
            if cutoff is not None and cutoff.analyte == analyte and cutoff.by_sex is not None:
                found |= set(cutoff.by_sex.values())
    rules = [*KNOWLEDGE.checks.guards, *KNOWLEDGE.checks.triggers, *KNOWLEDGE.urgency, *KNOWLEDGE.criteria.items]
    rules += [*KNOWLEDGE.criteria.by_method.values(), KNOWLEDGE.criteria.very_severe]
    for condition in KNOWLEDGE.conditions:
        rules += [*condition.findings_for, *condition.findings_against, *condition.urgency]
    parts = [part for rule in rules for part in walk(rule.when)]
    found |= {part.value for part in parts if isinstance(part, Compare) and part.subject == analyte}
    return tuple(sorted(_decimal(limit) for limit in found if limit is not None))


def plausible(analyte: str) -> tuple[Decimal, Decimal]:
    """Return the span outside which a value is not used (documented in analytes.yaml)."""
    span = KNOWLEDGE.analytes[analyte].plausible
    return (_decimal(span[0]), _decimal(span[1])) if span else (Decimal(0), Decimal(10) ** 9)


@cache
def accepted(analyte: str) -> tuple[tuple[str, Factor], ...]:
    """Return the accepted unit spellings with their factors, the canonical one first."""
    units = KNOWLEDGE.analytes[analyte].units
    return ((units.canonical, Factor(1, 1)), *units.accepted.items())


@cache
def refused_units(analyte: str) -> tuple[str, ...]:
    """Return unit spellings that are not accepted for an analyte."""
    return (*KNOWLEDGE.analytes[analyte].units.refused, "furlong", "10^7/L", "")


def plain(number: Decimal) -> str:
    """Write a decimal without an exponent."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_unit(number: Decimal, factor: Factor) -> str:
    """Write a canonical number in a unit: every accepted factor is a power of ten."""
    return plain(number * factor.denominator / factor.numerator)


STEPS = tuple(
    Decimal(sign) * Decimal(step) for step in ("1", "0.1", "0.01", "0.001", "0.0000001") for sign in (-1, 0, 1)
)


@cache
def numbers_beside(analyte: str) -> tuple[Decimal, ...]:
    """Return the numbers on each limit and a step beside it, in the plausible span."""
    low, high = plausible(analyte)
    limits = limits_of(analyte) or (low, Decimal(50), Decimal(100))
    return tuple(sorted({min(max(limit + step, low), high) for limit in limits for step in STEPS}))


@cache
def numbers(analyte: str) -> st.SearchStrategy[Decimal]:
    """Numbers on a limit, a step beside one, or anywhere, in the plausible span."""
    low, high = plausible(analyte)
    top = int(min(high, 2 * max(limits_of(analyte), default=Decimal(50)) + 1) * 1000)
    anywhere = st.integers(int(low * 1000), top).map(lambda n: Decimal(n) / 1000)
    return st.one_of(st.sampled_from(numbers_beside(analyte)), anywhere)


# Results -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A result before it is written: a canonical number with a sign, or words; and its unit."""

    number: Decimal | None = None
    sign: str = ""
    words: str = ""
    unit: str | None = None
    apart: bool = False  # the unit stands in a field of its own

    @property
    def exact(self) -> bool:
        return self.number is not None and not self.sign


def factor_of(analyte: str, unit: str | None) -> Factor:
    """Return the factor of a spelling; a refused unit changes no digit of the number."""
    found = KNOWLEDGE.analytes[analyte].units.find(unit)
    return found if isinstance(found, Factor) else Factor(1, 1)


def write(analyte: str, cell: Cell) -> str | dict[str, str | None]:
    """Write a result as a record takes it."""
    text = cell.words if cell.number is None else cell.sign + in_unit(cell.number, factor_of(analyte, cell.unit))
    if cell.apart:
        return {"value": text, "unit": cell.unit}
    return f"{text} {cell.unit}" if cell.unit and cell.number is not None else text


def written(counts: Mapping[str, Cell]) -> dict[str, Any]:
    """Write all results of a record."""
    return {analyte: write(analyte, cell) for analyte, cell in counts.items()}


@cache
def units(analyte: str) -> st.SearchStrategy[tuple[str, bool]]:
    """An accepted spelling, and whether it stands in a field of its own."""
    return st.sampled_from([(unit, apart) for unit, _ in accepted(analyte) for apart in (False, True)])


@st.composite
def exact_cells(draw: st.DrawFn, analyte: str, number: Decimal | None = None) -> Cell:
    """A plain number in some accepted unit."""
    unit, apart = draw(units(analyte))
    return Cell(draw(numbers(analyte)) if number is None else number, unit=unit, apart=apart)


@st.composite
def signed_cells(draw: st.DrawFn, analyte: str, signs: Sequence[str] = ("<", "<=", ">", ">=")) -> Cell:
    """A number with a comparator."""
    return replace(draw(exact_cells(analyte)), sign=draw(st.sampled_from(signs)))


@st.composite
def unreadable_cells(draw: st.DrawFn, analyte: str, words: Sequence[str] = UNREADABLE) -> Cell:
    """Words, a wrong unit or no unit: nothing of the number can be known."""
    if draw(st.booleans()):
        return Cell(
            words=draw(st.sampled_from(words)), unit=KNOWLEDGE.analytes[analyte].unit, apart=draw(st.booleans())
        )
    wrong = draw(st.sampled_from(refused_units(analyte)))
    return Cell(draw(numbers(analyte)), unit=wrong or None, apart=draw(st.booleans()))


@cache
def cells(analyte: str) -> st.SearchStrategy[Cell | None]:
    """Any result, mostly exact; None is a missing one."""
    exact = exact_cells(analyte)
    return st.one_of(st.none(), exact, exact, exact, signed_cells(analyte), unreadable_cells(analyte))


@cache
def exact_or_missing(analyte: str) -> st.SearchStrategy[Cell | None]:
    """A plain number, or sometimes none."""
    return st.one_of(st.none(), exact_cells(analyte), exact_cells(analyte), exact_cells(analyte))


@st.composite
def counts(draw: st.DrawFn, *, only_exact: bool = False, without: Iterable[str] = ()) -> dict[str, Cell]:
    """The results of one record: those of the lines, and some others."""
    names = [name for own in RESULTS_OF.values() for name in own]
    names += draw(st.lists(st.sampled_from(OTHERS), unique=True, max_size=6))
    found: dict[str, Cell] = {}
    for name in names:
        if name in without:
            continue
        cell = draw(exact_or_missing(name) if only_exact else cells(name))
        if cell is not None:
            found[name] = cell
    return found


@st.composite
def pancytopenic_counts(draw: st.DrawFn) -> dict[str, Cell]:
    """Results so low that every definition finds three lines low, in an adult."""
    found = draw(counts(without=[name for own in RESULTS_OF.values() for name in own]))
    for name, low, high in (("hemoglobin", 20, 80), ("neutrophils", 0, "0.5"), ("platelets", 0, 45)):
        number = draw(st.decimals(low, high, places=2, allow_nan=False))
        found[name] = replace(draw(exact_cells(name, number)), sign=draw(st.sampled_from(("", "", "<="))))
    if draw(st.booleans()):
        found["wbc"] = draw(exact_cells("wbc"))
    return found


# People --------------------------------------------------------------------------------


def _age_edges() -> tuple[tuple[str, int], ...]:
    rows = [*KNOWLEDGE.intervals("default"), *KNOWLEDGE.differing_intervals("default")]
    rows += [row for scheme in KNOWLEDGE.schemes.values() for table in scheme.tables.values() for row in table]
    edges = {edge for row in rows for edge in (row.age_low, row.age_high) if edge is not None}
    return tuple(sorted({(edge.unit, edge.count) for edge in edges} | {("mo", 216), ("mo", 720)}))


AGE_EDGES = _age_edges()


def months_before(date: datetime.date, months: int) -> datetime.date:
    """Return the birth date of a person who completes so many months on a date."""
    year, month = divmod(date.year * 12 + date.month - 1 - months, 12)
    return datetime.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


@st.composite
def dates(draw: st.DrawFn) -> tuple[datetime.date, datetime.date]:
    """A birth date and a collection date, the age often on an edge of a band or beside it."""
    collected = draw(st.dates(datetime.date(2000, 1, 1), datetime.date(2026, 12, 31)))
    unit, count = draw(st.sampled_from(AGE_EDGES))
    born = collected - datetime.timedelta(days=count) if unit == "d" else months_before(collected, count)
    shift = draw(st.sampled_from((-1, 0, 1, 0, 200, -200, 4000)))
    return min(collected, born - datetime.timedelta(days=shift)), collected


@st.composite
def exact_ages(draw: st.DrawFn) -> dict[str, Any]:
    """An age known to the day."""
    born, collected = draw(dates())
    return {"birth_date": born.isoformat(), "collected_at": collected.isoformat()}


@st.composite
def adult_ages(draw: st.DrawFn, oldest: int = 90) -> dict[str, Any]:
    """An adult of an exact age, younger than `oldest` years."""
    collected = draw(st.dates(datetime.date(2000, 1, 1), datetime.date(2026, 12, 31)))
    born = months_before(collected, draw(st.integers(18 * 12, oldest * 12 - 1)))
    return {"birth_date": born.isoformat(), "collected_at": collected.isoformat()}


@st.composite
def ages(draw: st.DrawFn) -> dict[str, Any]:
    """Any age: exact, in completed units, one-sided, unreadable or missing."""
    kind = draw(st.sampled_from(("exact", "exact", "text", "unit", "over", "bad", "missing")))
    if kind == "exact":
        return draw(exact_ages())
    if kind == "over":
        return {"age": draw(st.sampled_from(("> 89 y", "90+", ">=65 y", "<2 y", "<= 28 d", "5 y 3 mo")))}
    if kind == "bad":
        return {"age": draw(st.sampled_from(("old", "-3 y", "54", "200 y", "5 moons")))}
    if kind == "missing":
        return {}
    unit, most = draw(st.sampled_from((("y", 95), ("y", 20), ("mo", 30), ("wk", 20), ("d", 100), ("h", 90))))
    count = draw(st.integers(0, most))
    return {"age": str(count), "age_unit": unit} if kind == "unit" else {"age": f"{count} {unit}"}


SEX_WORDS = tuple(KNOWLEDGE.words.sex)
PREGNANCY_WORDS = tuple(KNOWLEDGE.words.pregnancy)


def words_for(words: Mapping[str, str], *meanings: str) -> tuple[str, ...]:
    """Return the words that have one of some meanings."""
    return tuple(word for word, meaning in words.items() if meaning in meanings)


@st.composite
def sexes(draw: st.DrawFn) -> dict[str, Any]:
    """A word for a sex, or none."""
    word = draw(st.sampled_from(("F", "M", "F", "M", "unknown", None, *SEX_WORDS, "1")))
    return {} if word is None else {"sex": word}


@st.composite
def pregnancies(draw: st.DrawFn) -> dict[str, Any]:
    """A word for a pregnancy, or none."""
    word = draw(st.sampled_from((None, None, None, None, "T1", "T2", "T3", *PREGNANCY_WORDS, "maybe")))
    return {} if word is None else {"pregnancy": word}


@st.composite
def people(draw: st.DrawFn) -> dict[str, Any]:
    """Anyone."""
    return {**draw(ages()), **draw(sexes()), **draw(pregnancies())}


@st.composite
def exact_people(draw: st.DrawFn) -> dict[str, Any]:
    """A person whose age, sex and pregnancy leave one row of each table."""
    sex = draw(st.sampled_from(("F", "M")))
    stage = draw(st.sampled_from(("", "none", "", "none", "T1", "T2", "T3"))) if sex == "F" else "none"
    return {**draw(exact_ages()), "sex": sex, "pregnancy": stage}


# Records -------------------------------------------------------------------------------


@st.composite
def remarks(draw: st.DrawFn) -> dict[str, Any]:
    """What a record may say besides results: findings, the counting method, the correction."""
    found: dict[str, Any] = {}
    for group in ("film", "context"):
        names = draw(st.lists(st.sampled_from(KNOWLEDGE.finding_groups[group]), unique=True, max_size=3))
        if names:
            found[group] = {name: draw(st.sampled_from(("present", "absent", "unknown"))) for name in names}
    method = draw(st.sampled_from((None, None, "automated", "manual", "unknown")))
    if method:
        found["reticulocyte_method"] = method
    uncorrected = draw(st.sampled_from((None, None, None, True, False)))
    if uncorrected is not None:
        found["wbc_uncorrected"] = uncorrected
    return found


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Any record, as a plain dict."""
    return {**draw(people()), **draw(remarks()), **written(draw(counts()))}


configurations = st.sampled_from(CONFIGURATIONS)


# Frames --------------------------------------------------------------------------------


def row_of(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Write a record as a row of texts."""
    row: dict[str, str | None] = {}
    for name, value in record.items():
        if name in ("film", "context"):
            row |= value
        elif isinstance(value, Mapping):
            row[name], row[f"{name}_unit"] = value["value"], value["unit"]
        elif isinstance(value, bool):
            row[name] = "true" if value else "false"
        else:
            row[name] = value
    return row


def rows_of(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[dict[str, str | None]]]:
    """Write records as rows, and return the union of their columns, hemoglobin always among them."""
    rows = [row_of(record) for record in records]
    return list(dict.fromkeys(["hemoglobin", *(name for row in rows for name in row)])), rows


def answers(frame: Any) -> list[dict[str, Any]]:
    """Return the flags of a frame of any kind as plain rows."""
    kind = type(frame).__module__.partition(".")[0]
    if kind == "pyarrow":
        return list(frame.to_pylist())
    if kind == "polars":
        return list(frame.to_dicts())
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{name: int(value) if hasattr(value, "item") else value for name, value in row.items()} for row in rows]
