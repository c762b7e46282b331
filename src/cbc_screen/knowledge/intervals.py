"""Reference intervals: one CSV a set, rows by analyte, age, sex and pregnancy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cbc_screen.errors import KnowledgeError, SeveralFaults
from cbc_screen.knowledge.edges import AgeEdge, approximate_days, read_age
from cbc_screen.knowledge.quantities import Analyte, Factor
from cbc_screen.knowledge.strict import Row, parse_csv

COLUMNS = (
    "set", "analyte", "sex", "pregnancy", "age_low", "age_low_unit", "age_high", "age_high_unit",
    "lower", "upper", "unit", "lower_ci90_low", "lower_ci90_high", "upper_ci90_low", "upper_ci90_high",
    "percentile_basis", "n", "population", "analyzer", "source", "locator", "verification", "confidence",
    "derivation", "notes",
)  # fmt: skip
# Of a set by gestation at birth, in weeks: from the first number to under the second. The first may be empty (from the
# beginning), the second never: a row without an end would be one of infants born at term too.
GESTATION = ("gestation_low", "gestation_high")
# What a laboratory's own set needs at least; the ages are written with their units ("18 y"), an empty one is open.
SHORT = ("analyte", "sex", "age_low", "age_high", "lower", "upper", "unit")
_OWN = {
    "pregnancy": "none",
    "percentile_basis": "as the laboratory states",
    "source": "own_laboratory",
    "verification": "C",
}
SETS = "intervals/sets.yaml"
PREGNANCIES = ("none", "T1", "T2", "T3", "postpartum")


@dataclass(frozen=True, slots=True, order=True)
class Weeks:
    """Weeks of gestation at birth, the second number not included."""

    low: float
    high: float

    @property
    def text(self) -> str:
        """The weeks in words."""
        return f"<{self.high:g} wk" if self.low == 0 else f"{self.low:g} to <{self.high:g} wk"


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One reference interval in canonical units; None is an open side."""

    set: str
    analyte: str
    sex: str
    pregnancy: str
    age_low: AgeEdge
    age_high: AgeEdge | None
    age_text: str
    lower: float | None
    upper: float | None
    unit: str
    lower_ci90: tuple[float, float] | None
    upper_ci90: tuple[float, float] | None
    percentile_basis: str
    n: int | None
    population: str
    analyzer: str
    source: str
    locator: str
    verification: str
    confidence: str
    derivation: str
    notes: str
    file: str
    line: int
    gestation: Weeks | None = None  # at birth: the row is used only where it is stated


def read_quantity(row: Row, analytes: Mapping[str, Analyte], sources: Container[str]) -> tuple[Analyte, Factor]:
    """Read what every row of limits has: an analyte, an accepted unit and a listed source."""
    analyte = analytes.get(row.text("analyte"))
    if analyte is None:
        raise row.error("analyte", "is not in analytes.yaml")
    factor = analyte.units.find(row.text("unit"))
    if not isinstance(factor, Factor):
        raise row.error("unit", factor[1])
    if row.text("source") not in sources:
        raise row.error("source", "is not in sources.csv")
    return analyte, factor


class SetKind(StrEnum):
    """What a set of ranges is for."""

    GENERAL = "general"
    PREGNANCY = "pregnancy"
    NEONATAL = "neonatal"
    DUFFY_NULL = "duffy_null"
    PRETERM = "preterm"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """A named, frozen set of reference ranges; `gaps` are ages the publication leaves out.

    `compared` tells whether it counts among the published sets: not what was compiled of others, nor one study twice.
    """

    id: str
    kind: SetKind
    title: str
    gaps: bool
    rows: tuple[IntervalRow, ...]
    compared: bool = True


def load_interval_set(
    text: str, file: str, analytes: Mapping[str, Analyte], sources: Iterable[str], *, complete: bool = True
) -> tuple[IntervalRow, ...]:
    """Load and check one set; `complete` also refuses a gap between two bands."""
    known = set(sources)
    rows = [_interval(row, analytes, known) for row in parse_csv(text, file, columns_of(text))]
    if not rows:
        raise KnowledgeError(file, None, "rows", "the set is empty")
    if len({row.set for row in rows}) != 1:
        raise KnowledgeError(file, None, "set", "one file holds one set")
    check_bands(rows, complete=complete)
    return tuple(rows)


def columns_of(text: str) -> tuple[str, ...]:
    """Return the columns that a file must have: those of a set by gestation, where its header names one of them."""
    header = text.removeprefix("\ufeff").partition("\n")[0]
    return (*COLUMNS, *GESTATION) if any(name in header for name in GESTATION) else COLUMNS


def load_own_set(
    text: str, file: str, analytes: Mapping[str, Analyte], sources: Iterable[str]
) -> tuple[IntervalRow, ...]:
    """Load and check a laboratory's own set, in the form of the shipped ones or in the short one.

    Raises
    ------
    SeveralFaults
        With every fault of the file.
    """
    known, rows, faults = set(sources), [], []
    for row in own_rows(text, file):
        try:
            rows.append(_interval(row, analytes, known))
        except KnowledgeError as fault:
            faults.append(fault)
    if not rows and not faults:
        faults.append(KnowledgeError(file, None, "rows", "the set is empty"))
    if len({row.set for row in rows}) > 1:
        faults.append(KnowledgeError(file, None, "set", "one file holds one set"))
    faults += band_faults(rows, complete=False)
    if faults:
        # A band of any sex is one of either: told once.
        once = {str(fault): fault for fault in sorted(faults, key=lambda fault: fault.line or 0)}
        raise SeveralFaults(list(once.values()))
    return tuple(rows)


def own_rows(text: str, file: str) -> Iterator[Row]:
    """Yield the rows of a laboratory's own set; those of the short form with what it leaves out."""
    header = text.removeprefix("\ufeff").partition("\n")[0].strip().split(",")
    if sorted(header) != sorted(SHORT):
        yield from parse_csv(text, file, columns_of(text))
        return
    for row in parse_csv(text, file, header):
        cells = {**dict.fromkeys(COLUMNS, ""), **_OWN, "set": file.rpartition(".")[0] or file, **row.cells}
        for side in ("age_low", "age_high"):
            number, _, unit = cells[side].strip().partition(" ")
            cells[side], cells[f"{side}_unit"] = number, unit.strip()
        yield Row(file, row.line, cells)


def _interval(row: Row, analytes: Mapping[str, Analyte], sources: set[str]) -> IntervalRow:
    analyte, factor = read_quantity(row, analytes, sources)
    start, end, age_text = read_age(row)

    def canonical(key: str) -> float | None:
        value = row.number(key)
        return None if value is None else round(value * factor.numerator / factor.denominator, 9)

    lower, upper = canonical("lower"), canonical("upper")
    if lower is None and upper is None:
        raise row.error("lower", "a row needs at least one limit")
    if lower is not None and (lower < 0 or (upper is not None and lower >= upper)):
        raise row.error("lower", "must be 0 or more and less than upper")
    count = row.number("n")
    return IntervalRow(
        set=row.text("set"),
        analyte=analyte.id,
        sex=row.choice("sex", ("any", "F", "M")),
        pregnancy=row.choice("pregnancy", PREGNANCIES),
        age_low=start,
        age_high=end,
        age_text=age_text,
        lower=lower,
        upper=upper,
        unit=analyte.unit,
        lower_ci90=_confidence_interval(row, "lower", canonical, lower),
        upper_ci90=_confidence_interval(row, "upper", canonical, upper),
        percentile_basis=row.text("percentile_basis"),
        n=None if count is None else int(count),
        population=row.cells["population"],
        analyzer=row.cells["analyzer"],
        source=row.text("source"),
        locator=row.cells["locator"],
        verification=row.choice("verification", ("A", "B", "C")),
        confidence=row.choice("confidence", ("high", "moderate", "low", "")),
        derivation=row.cells["derivation"],
        notes=row.cells["notes"],
        file=row.file,
        line=row.line,
        gestation=_gestation(row),
    )


def _gestation(row: Row) -> Weeks | None:
    """Read the weeks of a row of a set by gestation; every row of it has some."""
    if not row.cells.keys() >= set(GESTATION):
        return None
    low, high = row.number("gestation_low") or 0.0, row.number("gestation_high")
    if high is None or not 0 <= low < high:
        raise row.error("gestation_high", "must be weeks, more than gestation_low; only gestation_low may be empty")
    return Weeks(low, high)


def _confidence_interval(
    row: Row, side: str, canonical: Callable[[str], float | None], limit: float | None
) -> tuple[float, float] | None:
    low, high = canonical(f"{side}_ci90_low"), canonical(f"{side}_ci90_high")
    if low is None and high is None:
        return None
    if low is None or high is None or limit is None or not low <= limit <= high:
        raise row.error(f"{side}_ci90_low", f"the 90 % confidence interval must hold the {side} limit")
    return low, high


def check_bands(rows: Iterable[IntervalRow], *, complete: bool) -> None:
    """Refuse bands of one analyte, sex and pregnancy that overlap, or leave a gap."""
    for fault in band_faults(rows, complete=complete):
        raise fault


def band_faults(rows: Iterable[IntervalRow], *, complete: bool) -> Iterator[KnowledgeError]:
    """Yield each overlap of two bands of one analyte, sex and pregnancy, and where they must meet each gap."""
    groups: dict[tuple[str, str, str, Weeks | None], list[IntervalRow]] = {}
    for row in rows:
        for sex in ("F", "M") if row.sex == "any" else (row.sex,):
            groups.setdefault((row.analyte, sex, row.pregnancy, row.gestation), []).append(row)
    yield from _weeks_that_overlap(groups)
    for (analyte, *_), band in groups.items():
        band.sort(key=lambda row: approximate_days(row.age_low))
        for before, after in itertools.pairwise(band):
            if before.age_high is None or approximate_days(before.age_high) > approximate_days(after.age_low):
                yield KnowledgeError(
                    after.file, after.line, "age_low", f"{analyte}: overlaps the band of line {before.line}"
                )
            elif complete and before.age_high != after.age_low:
                yield KnowledgeError(
                    after.file, after.line, "age_low", f"{analyte}: leaves a gap after the band of line {before.line}"
                )


def _weeks_that_overlap(
    groups: Mapping[tuple[str, str, str, Weeks | None], list[IntervalRow]],
) -> Iterator[KnowledgeError]:
    """Yield where two spans of weeks of one analyte share some: which of them is used would be unknown."""
    spans: dict[str, set[Weeks]] = {}
    for (analyte, *_, weeks), own in groups.items():
        if weeks is None:
            continue
        others = spans.setdefault(analyte, set())
        if any(weeks != other and weeks.low < other.high and other.low < weeks.high for other in others):
            yield KnowledgeError(own[0].file, own[0].line, GESTATION[0], f"{analyte}: shares weeks with another row")
        others.add(weeks)
