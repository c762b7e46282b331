"""Results of a frame, ready to be compared with bands: whose they are, in canonical units, each used or set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.engines.frames import SLICE, Engine, Prepared, prepare, refused_rows
from cbc_screen.engines.opening import Opening
from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import headers, to_arrow
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.verification import load_verification
from cbc_screen.normalize.codes import CODE, NO_REASON, REASONS
from cbc_screen.normalize.columns import Normalized
from cbc_screen.serial.person_frame import NOBODY, person_column, persons_in, times_of
from cbc_screen.verify.coverage import SetCoverage, coverage_of, joined_coverage
from cbc_screen.verify.one_unit import require_one_unit
from cbc_screen.verify.values_used import Results, joined_results, parts_of, results_used
from cbc_screen.vocabulary import NotVerified, Pregnancy, Reason, SetAside, Sex

Truths = NDArray[np.bool_]


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
    coverage: SetCoverage
    unverified: Mapping[str, NotVerified]

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

    def pregnancy_assumed(self, ages: tuple[AgeEdge, AgeEdge]) -> Truths:
        """Tell which rows are of women who may be of these ages, and of whom no pregnancy is stated or denied."""
        unstated = self.of_sex(Sex.FEMALE) & (self.pregnancy == PREGNANCIES.index(Pregnancy.NOT_STATED))
        of_age = self._reached(ages[0], every=False) & ~self._reached(ages[1], every=True)
        return np.asarray(unstated & of_age, dtype=np.bool_)

    def _reached(self, edge: AgeEdge, *, every: bool) -> Truths:
        """Tell which ages have reached an edge, by all that they may be or by some of it."""
        ages = self.days if edge.unit == "d" else self.months
        return np.asarray(ages[0 if every else 1] >= edge.count, dtype=np.bool_)


def read_results(
    engine: Engine, frame: Any, opening: Opening, person: str | None, stated: Collection[str], asked: Collection[str]
) -> LocalResults:
    """Read a frame of one count a row; the results of the analytes that the set states.

    Those that were asked for, or sent, and are not among them are in `unverified`, with the reason.

    Raises
    ------
    UsageError
        If no row has an age, or a sex, or no result a unit; or if results of one analyte are stated in several units.
    """
    ready = prepare(engine, frame, opening)
    parts = list(_normalized(ready))
    batches = [normalized.batch for normalized in parts]
    derived = parts_of(ready.engine, parts[0])
    wanted = [analyte for analyte in (*ready.plan.analytes, *derived) if analyte in stated]
    wanted = list(dict.fromkeys(wanted))
    unverified = _unverified(ready, stated, asked, wanted)
    _require_some(unverified, wanted, stated)
    made_of = dict.fromkeys(name for analyte in wanted for name in (analyte, *derived.get(analyte, ())))
    for analyte in made_of:
        if analyte in ready.plan.analytes:
            require_one_unit(ready, analyte)
    numbers = [ready.engine.kernel.numbers_used(batch) for batch in batches]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(batch, name) for batch in batches])

    sex, known = joined("sex"), joined("age_known")
    why = np.full(ready.rows, "", dtype=object)
    refused = [_or_none(refused_rows(normalized), normalized.batch.rows) for normalized in parts]
    why[np.concatenate(refused) != NO_REASON] = SetAside.NOT_READ.value
    why[np.concatenate([_nobodys(normalized) for normalized in parts])] = SetAside.NOT_READ.value
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
        results={
            analyte: joined_results(
                [
                    results_used(ready.engine, part, own, analyte, derived.get(analyte, ()))
                    for part, own in zip(parts, numbers, strict=True)
                ]
            )
            for analyte in wanted
        },
        coverage=joined_coverage(
            [coverage_of(ready.engine, batch, own) for batch, own in zip(batches, numbers, strict=True)]
        ),
        unverified=unverified,
    )
    _require_results(found)
    return found


def _normalized(ready: Prepared) -> Iterator[Any]:
    for start in range(0, max(ready.rows, 1), SLICE):
        part = {name: array.slice(start, SLICE) for name, array in ready.arrays.items()}
        yield ready.engine.normalize(part, min(SLICE, ready.rows - start), ready.plan)


def _unverified(
    ready: Prepared, stated: Collection[str], asked: Collection[str], wanted: Collection[str]
) -> dict[str, NotVerified]:
    """Return what was asked for, or where nothing was what was sent, and is not verified, with the reason."""
    person = ready.engine.kernel.rules.gestation  # it is said of the person
    named = asked or [analyte for analyte in ready.plan.analytes if analyte != person]
    return {
        analyte: NotVerified.NO_COLUMN if analyte in stated else NotVerified.NO_RANGE
        for analyte in named
        if analyte not in wanted
    }


def _require_some(unverified: Mapping[str, NotVerified], wanted: Collection[str], stated: Collection[str]) -> None:
    """Refuse a set and a source that share no analyte, and say which of the two lacks what."""
    if wanted:
        return
    reasons = load_verification().not_verified
    why = "; ".join(
        f"{', '.join(analyte for analyte, own in unverified.items() if own is word)}: {reasons[word]}"
        for word in dict.fromkeys(unverified.values())
    )
    lacks = NotVerified.NO_RANGE in unverified.values() and stated
    has = f"; the set has ranges for {', '.join(sorted(stated))}" if lacks else ""
    raise UsageError(f"nothing can be verified; {why}{has}")


def _nobodys(normalized: Normalized) -> Truths:
    """Tell which rows are single results that no key of a person came with: their neighbors, and their age, are unknown."""
    fields = [codes for name, codes in normalized.reasons.items() if name in normalized.batch.low]
    missing = [codes == CODE[Reason.KEY_MISSING] for codes in fields]
    return np.logical_or.reduce(missing) if missing else np.zeros(normalized.batch.rows, dtype=np.bool_)


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


def _repeated(ready: Prepared, frame: Any, person: str | None, used: Truths) -> Truths:
    """Tell which rows are another count of a person than the earliest; where nobody is named, none is."""
    column = person_column(ready.engine, ready.plan, headers(frame), person)
    again = np.zeros(ready.rows, dtype=np.bool_)
    if column is None:
        return again
    persons = persons_in(to_arrow(frame, [column])[column])[1]
    times = times_of(ready)
    # Those of no known time come last, in the order of the source.
    in_time = np.lexsort((times.last, np.where(times.known, times.first, np.iinfo(np.int64).max)))
    asked = in_time[(used & (persons != NOBODY))[in_time]]
    earliest = asked[np.unique(persons[asked], return_index=True)[1]]
    again[asked] = True
    again[earliest] = False
    return again
