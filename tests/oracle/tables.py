"""The data files read anew, and the limits of every kind of person."""

from __future__ import annotations

import csv
import datetime
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from oracle.truth import ONE, Interval, Number, exact

FOLDER = Path(__file__).resolve().parents[2] / "reference_ranges"
REMEMBERED = 500_000  # intervals
OLDEST = 150 * 12  # months; the tables name it, and `read_tables` checks

# Sex, and where to look for a row by pregnancy. After delivery the row of that time is used
# where there is one, else the rows of a woman who is not pregnant and of the third trimester.
SITUATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("M", ("none",)),
    ("F", ("none",)),
    ("F", ("T1",)),
    ("F", ("T2",)),
    ("F", ("T3",)),
    ("F", ("postpartum", "none")),
    ("F", ("postpartum", "T3")),
)
MAN, WOMAN, T1, T2, T3, DELIVERED, DELIVERED_T3 = range(7)
PREGNANT = (T1, T2, T3)
AFTER = (DELIVERED, DELIVERED_T3)
STAGES: Mapping[str, tuple[int, ...]] = {
    "T1": (T1,),
    "T2": (T2,),
    "T3": (T3,),
    "trimester_unknown": PREGNANT,
    "postpartum": AFTER,
}


class Edge(NamedTuple):
    """An age, in days or in months."""

    unit: str
    count: int


def edge(count: str | int, unit: str) -> Edge:
    days = {"d": 1, "wk": 7}
    months = {"mo": 1, "y": 12}
    if unit in days:
        return Edge("d", int(count) * days[unit])
    if unit in months:
        return Edge("mo", int(count) * months[unit])
    hours = int(count)
    if unit != "h" or hours % 24:
        raise ValueError(f"an age edge in {unit!r} is new to the oracle")
    return Edge("d", hours // 24)


class Band(NamedTuple):
    """A row of a table: for whom, and its limits."""

    analyte: str
    sex: str
    stage: str
    youngest: Edge
    eldest: Edge | None
    lower: Number | None
    upper: Number | None
    grade: int = 0
    severity: str = ""
    inclusive: bool = False
    relative: bool = False


class Cut(NamedTuple):
    """What a value lies below or not; inclusive means that the number itself lies below."""

    value: Number
    inclusive: bool = False


class Grading(NamedTuple):
    """The cuts of one analyte for one person, mildest first; None is a cut that nobody knows."""

    cuts: tuple[tuple[int, int, Cut | None, Cut | None], ...]  # grade, severity, cut, the cut if relative


SEVERITIES = ("none", "mild", "moderate", "severe", "very_severe")


def _number(text: str) -> Number | None:
    return exact(text) if text.strip() else None


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _band(row: Mapping[str, str], **more: Any) -> Band:
    upper = row["upper"]
    relative = upper.strip() == "lower_limit"
    return Band(
        row["analyte"],
        row["sex"],
        row["pregnancy"],
        edge(row["age_low"], row["age_low_unit"]),
        edge(row["age_high"], row["age_high_unit"]) if row["age_high"].strip() else None,
        _number(row["lower"]),
        None if relative else _number(upper),
        relative=relative,
        **more,
    )


def _laid(entry: Mapping[str, Any], folder: Path) -> list[Band]:
    """Return the bands of one analyte of a set that begin and end between two ages."""
    start, end = (edge(entry[key]["value"], entry[key]["unit"]) for key in ("from", "to"))
    found = []
    for band in map(_band, _rows(folder / f"intervals/{entry['set']}.csv")):
        if band.analyte == entry["analyte"] and band.stage == "none":
            first = max(band.youngest, start, key=_roughly)
            last = end if band.eldest is None else min(band.eldest, end, key=_roughly)
            if _roughly(first) < _roughly(last):
                found.append(band._replace(youngest=first, eldest=last))
    return found


def _roughly(age: Edge) -> float:
    """Return an age in days, near enough to tell which of two comes first."""
    return age.count * (30.4 if age.unit == "mo" else 1)


def _graded(row: Mapping[str, str]) -> Band:
    return _band(
        row,
        grade=int(row["grade"]),
        severity=row["severity"],
        inclusive=row.get("upper_inclusive", "").strip() == "yes",
    )


class Ages:
    """Ages as completed days and months, in the classes that the tables' edges make."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        known = {e for e in edges if e.count > 0}
        self.days = sorted(e.count for e in known if e.unit == "d")
        self.months = sorted(e.count for e in known if e.unit == "mo")
        self.last_day = self.days[-1]
        # Every pair of completed days and months that the calendar has, up to the last edge in days.
        births = [datetime.date(1999, 1, 1) + datetime.timedelta(days=n) for n in range(4 * 366)]
        self.pairs = sorted(
            {(d, completed_months(b, b + datetime.timedelta(days=d))) for b in births for d in range(self.last_day + 1)}
        )
        fewest = min(m for d, m in self.pairs if d == self.last_day)
        self.places: list[tuple[int, int]] = []
        self._class: dict[tuple[int, int], int] = {}
        for days, months in [*self.pairs, *((self.last_day, m) for m in range(fewest, OLDEST))]:
            place = bisect_right(self.days, days), bisect_right(self.months, months)
            if place not in self._class:
                self._class[place] = len(self.places)
                self.places.append(place)

    def class_of(self, days: int, months: int) -> int:
        """Return the class of an exact age."""
        place = bisect_right(self.days, days), bisect_right(self.months, months)
        return self._class[place]

    def between_days(self, first: int, last: int) -> frozenset[int]:
        """Return the classes of an age of so many completed days."""
        found = {self.class_of(d, m) for d, m in self.pairs if first <= d <= last}
        if last >= self.last_day:
            youngest, eldest = fewest_months(max(first, self.last_day)), most_months(last)
            found |= {self.class_of(self.last_day, m) for m in range(youngest, min(eldest, OLDEST - 1) + 1)}
        return frozenset(found)

    def between_months(self, first: int, last: int) -> frozenset[int]:
        """Return the classes of an age of so many completed months."""
        found = {self.class_of(d, m) for d, m in self.pairs if first <= m <= last and d < self.last_day}
        youngest = min(m for d, m in self.pairs if d == self.last_day)
        found |= {self.class_of(self.last_day, m) for m in range(max(first, youngest), min(last, OLDEST - 1) + 1)}
        return frozenset(found)

    def any(self) -> frozenset[int]:
        return frozenset(range(len(self.places)))

    def reached(self, place: tuple[int, int], age: Edge) -> bool:
        """Say whether a class is at or past an edge."""
        if age.count <= 0:
            return True
        edges, passed = (self.days, place[0]) if age.unit == "d" else (self.months, place[1])
        return bisect_right(edges, age.count) <= passed


def completed_months(birth: datetime.date, day: datetime.date) -> int:
    return (day.year - birth.year) * 12 + day.month - birth.month - (day.day < birth.day)


_FIRST = [datetime.date(2000 + y, m, d) for y in range(4) for m in (1, 2, 3, 12) for d in (1, 28)]


@cache
def fewest_months(days: int) -> int:
    """Return the fewest completed months that so many days can be (ages past the last edge in days)."""
    return min(completed_months(b, b + datetime.timedelta(days=days)) for b in _FIRST)


@cache
def most_months(days: int) -> int:
    """Return the most completed months that so many days can be."""
    return max(completed_months(b, b + datetime.timedelta(days=days)) for b in _FIRST)


class Tables:
    """Everything that an answer depends on."""

    def __init__(self, folder: Path = FOLDER) -> None:
        def load(name: str) -> Any:
            return yaml.safe_load((folder / name).read_text(encoding="utf-8"))

        analytes = load("analytes.yaml")
        self.percent = {a["id"]: a["percent_of_wbc"] for a in analytes["analytes"] if "percent_of_wbc" in a}
        printed = analytes["reported_range"]
        self.range_factor = int(printed["factor"])
        self.range_factors = dict.fromkeys(printed["few"], int(printed["factor_of_few"]))
        self.others = tuple(analytes["white_parts"]["others"])
        self.allowance = int(analytes["white_parts"]["allowance"]) * ONE
        assert analytes["age"]["implausible_from"]["value"] * 12 == OLDEST
        people = load("demographics.yaml")
        span = people["pregnancy_ages"]
        self.pregnancy_ages = edge(span["lower"], span["unit"]), edge(span["upper"], span["unit"])
        self.unchanged = frozenset(people["unchanged_in_pregnancy"]["analytes"])
        sets = load("intervals/sets.yaml")
        self.intervals = [_band(row) for name in sets["default"] for row in _rows(folder / f"intervals/{name}.csv")]
        # What is laid over them, and what is tried beside them.
        self.closer, self.differing = (
            [band for laid in sets[key] for band in _laid(laid, folder)] for key in ("closer", "differing")
        )
        self.definitions = {d["id"]: d for d in load("definitions.yaml")["definitions"]}
        self.schemes: dict[str, dict[str, list[Band]]] = {}
        for scheme in load("grading/schemes.yaml")["schemes"]:
            self.schemes[scheme["id"]] = {
                analyte: [_graded(r) for r in _rows(folder / f"grading/{name}.csv") if r["analyte"] == analyte]
                for analyte, name in scheme["tables"].items()
            }
        findings = load("findings.yaml")
        self.finding_groups = {group: frozenset(findings[group]) for group in ("film", "context")}
        self.criteria = load("blood_criteria.yaml")["severe"]
        bands = [
            *self.intervals,
            *self.closer,
            *self.differing,
            *(b for tables in self.schemes.values() for own in tables.values() for b in own),
        ]
        edges = [e for b in bands for e in (b.youngest, b.eldest) if e is not None]
        edges += [edge(p["age_from"]["value"], p["age_from"]["unit"]) for p in self._parts() if "age_from" in p]
        self.ages = Ages([*edges, *self.pregnancy_ages])
        self.ranged = sorted({b.analyte for b in self.intervals})
        self.critical = self._critical(bands)
        self._places: dict[tuple[str, Interval], tuple[int, int]] = {}
        self._limits: dict[tuple[int, int, str], tuple[tuple[Number | None, Number | None], ...]] = {}

    def place(self, analyte: str, value: Interval) -> tuple[int, int]:
        """Return where an interval begins and ends: twice the limits passed, and one more on a limit."""
        found = self._places.get((analyte, value))
        if found is None:
            limits = self.critical.get(analyte, [])

            def place(number: Number) -> int:
                passed = bisect_left(limits, number)
                return 2 * passed + (passed < len(limits) and limits[passed] == number)

            low = place(value.low)
            high = 2 * len(limits) + 2 if value.high is None else place(value.high)
            found = low + (value.low_open and low % 2), high - (value.high_open and high % 2)
            if len(self._places) < REMEMBERED:
                self._places[analyte, value] = found
        return found

    def _parts(self) -> list[dict[str, Any]]:
        return [p for d in self.definitions.values() for p in d.values() if isinstance(p, dict)]

    def _critical(self, bands: Sequence[Band]) -> dict[str, list[Number]]:
        """Return every number that some table compares an analyte with."""
        found: dict[str, set[Number]] = {}
        for band in bands:
            found.setdefault(band.analyte, set()).update(v for v in (band.lower, band.upper) if v is not None)
        for part in self._parts():
            numbers = [part["below"]] if "below" in part else list(part.get("by_sex", {}).values())
            found.setdefault(part["analyte"], set()).update(exact(str(n)) for n in numbers)
        for item in self.criteria["items"]:
            for rule in item.get("by_method", {"": item}).values():
                found.setdefault(rule["when"]["analyte"], set()).add(exact(str(rule["when"]["below"])))
        return {analyte: sorted(numbers) for analyte, numbers in found.items()}

    def keys(self, ages: frozenset[int], sexes: str, stage: str) -> tuple[tuple[int, int], ...]:
        """Return every kind of person that is possible: class of age and situation."""
        found: list[tuple[int, int]] = []
        for age in sorted(ages):
            found += [(age, situation) for situation in self._situations(age, sexes, stage)]
        return tuple(found)

    def _situations(self, age: int, sexes: str, stage: str) -> list[int]:
        claimed = stage in STAGES
        women: tuple[int, ...] = STAGES.get(stage, (WOMAN,))
        if stage == "unknown":
            young, old = (self.ages.reached(self.ages.places[age], e) for e in self.pregnancy_ages)
            women = (WOMAN, *PREGNANT, *AFTER) if young and not old else (WOMAN,)
        if sexes == "F":
            return list(women)
        if sexes == "M":
            return [MAN, *women] if claimed else [MAN]  # of the sex and the pregnancy one is wrong
        return list(women) if claimed else [MAN, *women]

    def _for(self, bands: Iterable[Band], key: tuple[int, int], chain: Iterable[str]) -> list[Band]:
        place, (sex, _) = self.ages.places[key[0]], SITUATIONS[key[1]]
        own = [
            b
            for b in bands
            if b.sex in ("any", sex)
            and self.ages.reached(place, b.youngest)
            and not (b.eldest is not None and self.ages.reached(place, b.eldest))
        ]
        for stage in chain:
            found = [b for b in own if b.stage == stage]
            if found:
                return found
        return []

    def limits(self, key: tuple[int, int], analyte: str) -> tuple[tuple[Number | None, Number | None], ...]:
        """Return the lower and upper limit of every row that applies; where several do, all of them count."""
        place = (*key, analyte)
        if place not in self._limits:
            chain = (*SITUATIONS[key[1]][1], *(("none",) if analyte in self.unchanged else ()), "any")
            own = [
                [b for b in bands if b.analyte == analyte] for bands in (self.closer, self.intervals, self.differing)
            ]
            found = self._for(own[0], key, chain) or self._for(own[1], key, chain)
            limits = [(b.lower, b.upper) for b in found]
            for beside in self._for(own[2], key, chain):
                sides = zip((beside.lower, beside.upper), *limits, strict=True)
                limits.append(tuple(next((n for n in side if n is not None), None) for side in sides))  # type: ignore[arg-type]
            self._limits[place] = tuple(limits)
        return self._limits[place]

    def grading(self, key: tuple[int, int], scheme: str, analyte: str) -> Grading | None:
        """Return the cuts of a scheme for a person, or None where it does not grade them."""
        bands = self._for(self.schemes[scheme].get(analyte, ()), key, (*SITUATIONS[key[1]][1], "any"))
        if not bands:
            return None
        by_grade = {b.grade: b for b in bands}
        assert len(by_grade) == len(bands), "two bands of one grade for one person"
        cuts = []
        for grade in sorted(set(by_grade) - {0}):
            band, worse = by_grade[grade], by_grade.get(grade + 1)
            # A band begins where the next worse one ends: the grades nest.
            assert band.lower == (worse.upper if worse else None), (scheme, analyte, grade)
            severity = SEVERITIES.index(band.severity)
            if band.relative:
                floor = None if band.lower is None else Cut(band.lower)
                cuts.append((grade, severity, None, floor))
            else:
                assert band.upper is not None
                cuts.append((grade, severity, Cut(band.upper, band.inclusive), None))
        return Grading(tuple(cuts))

    def criterion(self, when: Mapping[str, Any]) -> Cut:
        """Return the cut of an item of the blood criteria."""
        assert set(when) == {"analyte", "below", "unit"}, "a criterion of another form is new to the oracle"
        return self._cut_of(when["below"])

    @staticmethod
    @cache
    def _cut_of(number: float) -> Cut:
        return Cut(exact(str(number)))

    def fixed_cut(self, key: tuple[int, int], part: Mapping[str, Any]) -> Cut | None:
        """Return the number of a definition for a person, where it is not the reference range."""
        if "scheme" in part:
            grading = self.grading(key, part["scheme"], part["analyte"])
            return None if grading is None else next(c for g, _, c, _ in grading.cuts if g == part["grade"])
        if "age_from" in part:
            first = edge(part["age_from"]["value"], part["age_from"]["unit"])
            if not self.ages.reached(self.ages.places[key[0]], first):
                return None
        if "by_sex" in part:
            return Cut(exact(str(part["by_sex"][SITUATIONS[key[1]][0]])))
        return Cut(exact(str(part["below"]))) if "below" in part else None


@cache
def read_tables() -> Tables:
    return Tables()
