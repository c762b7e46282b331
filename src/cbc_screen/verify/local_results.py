"""Results of a frame, ready to be compared with bands: whose they are, in canonical units, each used or set aside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import is_text
from cbc_screen.engines.frames import SLICE, Engine, Prepared, prepare, refused_rows
from cbc_screen.engines.opening import Opening
from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import headers, to_arrow
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.quantities import Factor, normalize_unit
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.codes import NO_REASON, REASONS
from cbc_screen.normalize.value import fold
from cbc_screen.vocabulary import Pregnancy, SetAside, Sex

Truths = NDArray[np.bool_]
Numbers = NDArray[np.float64]
# A number with a unit of its own behind it.
_WITH_UNIT = re.compile(r"^\s*[<>≤≥]?=?\s*[\d.,]+\s*([^\d\s.,<>].*)$")


@dataclass(frozen=True)
class Results:
    """The results of one analyte, a row each: the ends of each value, and the code of its reason."""

    low: Numbers
    high: Numbers
    reason: NDArray[np.int8]

    @property
    def known(self) -> Truths:
        """Whether a result says anything: a bound does, one that may be any number does not."""
        return np.asarray((self.low == self.low) & ~((self.low == 0) & np.isinf(self.high)), dtype=np.bool_)


@dataclass(frozen=True)
class LocalResults:
    """Rows of a source: persons, results by analyte, and why a row is not used (an empty text where it is)."""

    rows: int
    set_aside: NDArray[np.object_]
    sex: NDArray[np.int8]
    pregnancy: NDArray[np.int8]
    days: tuple[NDArray[np.int64], NDArray[np.int64]]
    months: tuple[NDArray[np.int64], NDArray[np.int64]]
    results: Mapping[str, Results]

    @property
    def used(self) -> Truths:
        """Whether a row is used."""
        return np.asarray(self.set_aside == "", dtype=np.bool_)

    def account(self) -> dict[str, int]:
        """Count the rows that are not used, by reason."""
        return dict(Counter(str(why) for why in self.set_aside if why).most_common())

    def of_sex(self, sex: str) -> Truths:
        """Tell which rows are of a sex."""
        return np.asarray(self.sex == SEXES.index(Sex(sex)), dtype=np.bool_)

    def of_stage(self, stage: str, sex: str) -> Truths:
        """Tell which rows are of a stage of pregnancy; not stated is read as not pregnant, and a man is not."""
        words = {Pregnancy.NONE, Pregnancy.NOT_STATED} if stage == "none" else {Pregnancy(stage)}
        own = np.isin(self.pregnancy, [PREGNANCIES.index(word) for word in words])
        return np.asarray(own | (self.sex == SEXES.index(Sex.MALE)) if sex == "M" and stage == "none" else own)

    def of_age(self, row: IntervalRow) -> Truths:
        """Tell which rows are of an age that surely lies in a band."""
        surely = self._reached(row.age_low, every=True)
        if row.age_high is not None:
            surely = surely & ~self._reached(row.age_high, every=False)
        return surely

    def may_be_of_age(self, row: IntervalRow) -> Truths:
        """Tell which rows are of an age that may lie in a band."""
        maybe = self._reached(row.age_low, every=False)
        if row.age_high is not None:
            maybe = maybe & ~self._reached(row.age_high, every=True)
        return maybe

    def _reached(self, edge: AgeEdge, *, every: bool) -> Truths:
        """Tell which ages have reached an edge, by all that they may be or by some of it."""
        ages = self.days if edge.unit == "d" else self.months
        return np.asarray(ages[0 if every else 1] >= edge.count, dtype=np.bool_)


def read_results(
    engine: Engine, frame: Any, opening: Opening, person: str | None, analytes: Collection[str]
) -> LocalResults:
    """Read a frame of one count a row; the results of these analytes.

    Raises
    ------
    UsageError
        If no row has an age, or a sex, or no result a unit; or if results of one analyte are stated in several units.
    """
    ready = prepare(engine, frame, opening)
    wanted = [analyte for analyte in ready.plan.analytes if analyte in analytes]
    for analyte in wanted:
        _require_one_unit(ready, analyte)
    parts = list(_normalized(ready))
    batches = [normalized.batch for normalized in parts]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(batch, name) for batch in batches])

    sex, known = joined("sex"), joined("age_known")
    why = np.full(ready.rows, "", dtype=object)
    refused = [_or_none(refused_rows(normalized), normalized.batch.rows) for normalized in parts]
    why[np.concatenate(refused) != NO_REASON] = SetAside.NOT_READ.value
    why[(why == "") & ~known] = SetAside.AGE_UNKNOWN.value
    why[(why == "") & (sex == SEXES.index(Sex.UNKNOWN))] = SetAside.SEX_UNKNOWN.value
    stage = joined("pregnancy")
    unsure = np.isin(stage, [PREGNANCIES.index(w) for w in (Pregnancy.UNKNOWN, Pregnancy.TRIMESTER_UNKNOWN)])
    claimed = np.isin(stage, [place for place, word in enumerate(PREGNANCIES) if word.claimed])
    male = sex == SEXES.index(Sex.MALE)
    why[(why == "") & ((unsure & ~male) | (claimed & male))] = SetAside.PREGNANCY_UNKNOWN.value
    _require_people(ready, why)
    why[_repeated(ready, frame, person, why == "")] = SetAside.REPEATED.value
    found = LocalResults(
        rows=ready.rows,
        set_aside=why,
        sex=sex,
        pregnancy=stage,
        days=(joined("days_low"), joined("days_high")),
        months=(joined("months_low"), joined("months_high")),
        results={analyte: _results(analyte, parts) for analyte in wanted},
    )
    _require_results(found)
    return found


def _normalized(ready: Prepared) -> Iterator[Any]:
    for start in range(0, max(ready.rows, 1), SLICE):
        part = {name: array.slice(start, SLICE) for name, array in ready.arrays.items()}
        yield ready.engine.normalize(part, min(SLICE, ready.rows - start), ready.plan)


def _results(analyte: str, parts: Sequence[Any]) -> Results:
    ends = [np.concatenate([getattr(part.batch, end)[analyte] for part in parts]) for end in ("low", "high")]
    reasons = [_or_none(part.reasons.get(analyte), part.batch.rows) for part in parts]
    return Results(ends[0], ends[1], np.concatenate(reasons))


def _or_none(codes: NDArray[np.int8] | None, rows: int) -> NDArray[np.int8]:
    return np.full(rows, NO_REASON, dtype=np.int8) if codes is None else codes.astype(np.int8)


def _require_people(ready: Prepared, why: NDArray[np.object_]) -> None:
    """Refuse rows of which none has an age, or none a sex."""
    if not ready.rows:
        raise UsageError("there is no row to verify ranges with")
    left = Counter(str(word) for word in why)
    if left[""]:
        return
    for word, what, columns, remedy in (
        (SetAside.AGE_UNKNOWN, "an age", {"age", "birth_date"}, "age_unit= (--age-unit) says what a bare number is"),
        (SetAside.SEX_UNKNOWN, "a sex", {"sex"}, "sex_codes= (--sex-codes) says what a code means"),
    ):
        if left[word.value]:
            there = columns & ready.plan.people.keys()
            place = f"that can be read in the column {ready.plan.people[min(there)]!r}" if there else "in any column"
            raise UsageError(
                f"no row has {what} {place}, and ranges go by age and sex; {remedy}, and columns= (--columns) where it stands"
            )
    raise UsageError(f"no row can be used: {', '.join(f'{many} {word}' for word, many in left.items())}")


def _require_results(found: LocalResults) -> None:
    """Refuse results of which none can be used, and say what is missing most."""
    if not found.results:
        raise UsageError("the set has no range for any result of the source")
    if any(results.known[found.used].any() for results in found.results.values()):
        return
    why: Counter[str] = Counter()
    for results in found.results.values():
        codes, many = np.unique(results.reason[found.used], return_counts=True)
        why.update({REASONS[code].value: int(own) for code, own in zip(codes, many, strict=True) if code != NO_REASON})
    most = f" ({', '.join(f'{reason} {many:,} times' for reason, many in why.most_common(3))})" if why else ""
    raise UsageError(
        f"no result can be used{most}; where units are missing, units= (--units) says what bare numbers are in"
    )


def _require_one_unit(ready: Prepared, analyte: str) -> None:
    """Refuse results of one analyte that are stated in units of different size: they are of several methods or laboratories."""
    column, knowledge = ready.plan.analytes[analyte], ready.engine.knowledge
    texts: set[str] = set()
    if column.unit_column is not None:
        texts |= {*distinct(as_text(ready.arrays[column.unit_column]))[0]}
    elif (one := column.unit or ready.plan.declared.unit(knowledge, analyte)) is not None:
        texts.add(one)
    if is_text(ready.arrays[column.column]):
        for cell in distinct(ready.arrays[column.column])[0]:
            if isinstance(cell, str) and (own := _WITH_UNIT.match(cell)) is not None:
                texts.add(own[1].strip())
    units = _known_units(knowledge, analyte, texts, ready.plan.declared.convention)
    if len(units) > 1:
        raise UsageError(
            f"{analyte}: results are stated in several units ({', '.join(sorted(units.values()))}), so they are of several "
            "sources; a range is verified with the results of one, each by itself"
        )


def _known_units(knowledge: Knowledge, analyte: str, texts: set[str], convention: str | None) -> dict[Fraction, str]:
    """Return the units that are known, by their size; another spelling of the same size is the same unit."""
    table, found = knowledge.analytes[analyte].units, dict[Fraction, str]()
    for text in sorted(text for text in texts if text and text.strip()):
        factor = table.find(text, convention)
        if isinstance(factor, Factor):
            found.setdefault(Fraction(factor.numerator, factor.denominator), normalize_unit(text))
    return found


def _repeated(ready: Prepared, frame: Any, person: str | None, used: Truths) -> Truths:
    """Tell which rows are a later one of a person; where nobody is named, none is."""
    names = headers(frame)
    if person is not None and person not in names:
        raise UsageError(f"person={person!r}: there is no such column")
    if person is None:
        free = [name for name in names if name not in ready.plan.columns]
        person = next(iter(ready.engine.knowledge.result_tables.find(free).get("person", ())), None)
    again = np.zeros(ready.rows, dtype=np.bool_)
    if person is None:
        return again
    seen: set[str] = set()
    for place, text in enumerate(as_text(to_arrow(frame, [person])[person]).to_pylist()):
        key = fold(text) if text else ""
        if not used[place] or not key:
            continue
        again[place] = key in seen
        seen.add(key)
    return again
