"""Columns about the person: age at collection, sex, pregnancy, findings."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.words import Words
from cbc_screen.normalize.age import age_beside, contradicts, parse_age
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.codes import CODE, NO_REASON, REASONS
from cbc_screen.normalize.dates import DateSpan, parse_date
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.person import parse_pregnancy, parse_sex, sex_letters, word_of
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.record import missing_age
from cbc_screen.normalize.value import plain_number
from cbc_screen.vocabulary import Presence, Reason, ReticulocyteMethod, Sex

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Ages:
    """Inclusive ranges of completed days and months; any age where `known` is false.

    `reasons` holds a code for each row.
    """

    days_low: NDArray[np.int64]
    days_high: NDArray[np.int64]
    months_low: NDArray[np.int64]
    months_high: NDArray[np.int64]
    known: NDArray[np.bool_]
    reasons: NDArray[np.int8]


_DATE = 9  # columns of a date
_NO_AGE = (0, 0, 0, 0, 0, NO_REASON)


def read_ages(
    columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge, reasons: dict[str, NDArray[np.int8]]
) -> Ages:
    """Read ages at collection: from dates where there are both, else as stated."""
    oldest = knowledge.age_implausible_from
    stated = _stated_ages(columns, rows, plan, oldest)
    if "birth_date" in plan.people:
        born, birth_codes = _dates(columns, plan, "birth_date")
        if "collected_at" in plan.people:
            taken, taken_codes = _dates(columns, plan, "collected_at")
        else:
            taken, taken_codes = np.full((rows, _DATE), -1, dtype=np.int64), np.full(rows, NO_REASON, dtype=np.int8)
        stated = _dated_ages(born, taken, birth_codes, taken_codes, stated, oldest)
    missing = ~stated.known & (stated.reasons == NO_REASON)
    codes = np.where(missing, CODE[Reason.AGE_MISSING], stated.reasons).astype(np.int8)
    if (codes != NO_REASON).any():
        reasons["age"] = codes
    return stated


def _stated_ages(columns: Mapping[str, pa.Array], rows: int, plan: Plan, oldest: int) -> Ages:
    if "age" not in plan.people:
        zero = np.zeros(rows, dtype=np.int64)
        return Ages(zero, zero, zero, zero, np.zeros(rows, dtype=np.bool_), np.full(rows, NO_REASON, dtype=np.int8))
    column = columns[plan.people["age"]]
    texts, places = distinct(column)
    if "age_unit" in plan.people:
        units, unit_places = distinct(as_text(columns[plan.people["age_unit"]]))
        pairs, inverse = np.unique(places * np.int64(len(units) + 1) + unit_places + 1, return_inverse=True)
        ages = []
        for pair in pairs.tolist():
            text, unit = divmod(pair, len(units) + 1)
            own = units[unit - 1] if unit and units[unit - 1].strip() else plan.age_unit
            ages.append(_age_row(texts[text] if text >= 0 else None, own, oldest))
        places = inverse.ravel()
    else:
        ages = [_age_row(text, plan.age_unit, oldest) for text in texts]
    ages.append(_NO_AGE)  # of rows without one, whose place is -1
    days_low, days_high, months_low, months_high, known, codes = np.array(ages, dtype=np.int64).T.copy()
    return Ages(
        days_low[places],
        days_high[places],
        months_low[places],
        months_high[places],
        known.astype(np.bool_)[places],
        codes.astype(np.int8)[places],
    )


# A file has few different ages, and many batches.
@lru_cache(maxsize=16_384, typed=True)
def _age_row(value: str | float | None, unit: str | None, oldest: int) -> tuple[int, ...]:
    """Return what stands of an age in columns: its days and months, whether it is known, the code of its reason."""
    span, reason = parse_age(value, unit, oldest)
    code = NO_REASON if reason is None else CODE[reason]
    if span is None:
        return (*_NO_AGE[:-1], code)
    return _columns_of(span, code)


def _dates(columns: Mapping[str, pa.Array], plan: Plan, field: str) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return ordinal, year, month, day of the first and last possible date (-1: none), and whether the century is missing."""
    values, places = distinct(columns[plan.people[field]])
    date_format = plan.declared.date_format_of(field)
    table = np.full((len(values) + 1, _DATE), -1, dtype=np.int64)
    codes = np.full(len(values) + 1, NO_REASON, dtype=np.int8)
    for place, value in enumerate(values):
        span, reason = parse_date(value, date_format)
        if span is not None:
            table[place] = _date_row(span)
        if reason is not None:
            codes[place] = CODE[reason]
    return table[places], codes[places]


def _date_row(span: DateSpan) -> list[int]:
    def parts(date: datetime.date) -> list[int]:
        return [date.toordinal(), date.year, date.month, date.day]

    return [*parts(span.first), *parts(span.last), int(span.short_year)]


def _dated_ages(
    born: NDArray[np.int64],
    taken: NDArray[np.int64],
    birth_codes: NDArray[np.int8],
    taken_codes: NDArray[np.int8],
    stated: Ages,
    oldest: int,
) -> Ages:
    """Work out ages by the calendar as `person.age_at` does; the stated age fills in."""
    both = (born[:, 0] >= 0) & (taken[:, 0] >= 0)
    first_born, last_born = born[:, :4], born[:, 4:8]
    first_taken, last_taken = taken[:, :4], taken[:, 4:8]
    days_low = np.maximum(first_taken[:, 0] - last_born[:, 0], 0)
    days_high = last_taken[:, 0] - first_born[:, 0]
    months_low = np.maximum(_months(last_born, first_taken), 0)
    months_high = _months(first_born, last_taken)
    negative = both & (days_high < 0)
    implausible = both & ~negative & (months_low >= oldest * MONTHS_IN_YEAR)
    dated = both & ~negative & ~implausible
    codes = np.where(both, NO_REASON, stated.reasons).astype(np.int8)
    if (two := dated & stated.known).any():
        conflict = two & contradicts(stated, Ages(days_low, days_high, months_low, months_high, dated, codes))
        codes[conflict] = CODE[Reason.PERSON_CONFLICT]
        # It may be either, or any between them.
        days_low, months_low = (
            np.where(conflict, np.minimum(one, other), one)
            for one, other in ((days_low, stated.days_low), (months_low, stated.months_low))
        )
        days_high, months_high = (
            np.where(conflict, np.maximum(one, other), one)
            for one, other in ((days_high, stated.days_high), (months_high, stated.months_high))
        )
    codes[negative] = CODE[Reason.AGE_NEGATIVE]
    codes[implausible] = CODE[Reason.AGE_IMPLAUSIBLE]
    without = ~both & ~stated.known & (stated.reasons == NO_REASON)
    cases = np.stack([born[without, 0] >= 0, birth_codes[without], taken_codes[without]], axis=1)
    found, inverse = np.unique(cases, axis=0, return_inverse=True)
    why = [missing_age(bool(has), _reason(birth), _reason(collected)) for has, birth, collected in found.tolist()]
    codes[without] = np.array([CODE[reason] for reason in why], dtype=np.int8)[inverse.ravel()]
    ages = Ages(
        np.where(dated, days_low, stated.days_low),
        np.where(dated, days_high, stated.days_high),
        np.where(dated, months_low, stated.months_low),
        np.where(dated, months_high, stated.months_high),
        np.where(both, dated, stated.known),
        codes,
    )
    if (short := both & (born[:, _DATE - 1] > 0)).any():
        _read_short_years(ages, np.flatnonzero(short), born, taken, stated, oldest)
    return ages


def _read_short_years(
    found: Ages,
    rows: NDArray[np.intp],
    born: NDArray[np.int64],
    taken: NDArray[np.int64],
    stated: Ages,
    oldest: int,
) -> None:
    """Put the ages of births without a century in their rows, each different one read as that of a record is."""
    own = [stated.days_low, stated.days_high, stated.months_low, stated.months_high, stated.known]
    keys = np.column_stack([born[rows][:, [0, 4]], taken[rows][:, [0, 4]], *(part[rows] for part in own)])
    different, places = np.unique(keys, axis=0, return_inverse=True)
    ages = []
    for first_born, last_born, first_taken, last_taken, *span, known in different.tolist():
        birth, collected = _span(first_born, last_born, short_year=True), _span(first_taken, last_taken)
        age, reason = age_beside(AgeSpan(*span) if known else None, birth, collected, oldest)
        code = NO_REASON if reason is None else CODE[reason]
        ages.append((*_NO_AGE[:-1], code) if age is None else _columns_of(age, code))
    columns: tuple[NDArray[Any], ...] = (
        found.days_low,
        found.days_high,
        found.months_low,
        found.months_high,
        found.known,
        found.reasons,
    )
    for column, read in zip(columns, np.array(ages, dtype=np.int64)[places.ravel()].T, strict=True):
        column[rows] = read


def _span(first: int, last: int, *, short_year: bool = False) -> DateSpan:
    return DateSpan(datetime.date.fromordinal(first), datetime.date.fromordinal(last), short_year)


def _columns_of(age: AgeSpan, code: int) -> tuple[int, ...]:
    return age.days_low, age.days_high, age.months_low, age.months_high, 1, code


def _reason(code: int) -> Reason | None:
    return None if code == NO_REASON else REASONS[code]


def _months(birth: NDArray[np.int64], collected: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return completed months as `person.months_between` does."""
    months = (collected[:, 1] - birth[:, 1]) * MONTHS_IN_YEAR + collected[:, 2] - birth[:, 2]
    result: NDArray[np.int64] = months - (collected[:, 3] < birth[:, 3])
    return result


def read_sex_and_pregnancy(
    columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge, reasons: dict[str, NDArray[np.int8]]
) -> tuple[NDArray[np.int8], NDArray[np.int8], frozenset[str]]:
    """Read sex and pregnancy as places in `SEXES` and `PREGNANCIES`; also return the letters for sex that are there."""
    words, declared = knowledge.words, plan.declared
    sex_codes, stage_codes = declared.sexes, dict(declared.pregnancy_codes or {}) or None
    doubt = declared.sex_doubt
    sexes, stages = (_of_person(columns, plan, name, rows) for name in ("sex", "pregnancy"))
    sex = _coded(sexes, "sex", lambda v: parse_sex(v, words, sex_codes, doubt), SEXES.index, reasons)
    stage = _coded(stages, "pregnancy", lambda v: parse_pregnancy(v, words, stage_codes), PREGNANCIES.index, reasons)
    conflict = (sex == SEXES.index(Sex.MALE)) & np.isin(
        stage, [place for place, s in enumerate(PREGNANCIES) if s.claimed]
    )
    if conflict.any():
        codes = reasons.setdefault("pregnancy", np.full(rows, NO_REASON, dtype=np.int8))
        codes[conflict] = CODE[Reason.PREGNANCY_CONFLICT]
    return sex, stage, sex_letters(sexes[0], words)


def with_sex_letters(plan: Plan, letters: frozenset[str], knowledge: Knowledge) -> Plan:
    """Return the plan under which a source with these letters for sex is read."""
    return replace(plan, declared=with_letters(plan.declared, letters, plan.languages, knowledge))


def with_letters(
    declared: Declared, letters: frozenset[str], languages: Sequence[str], knowledge: Knowledge
) -> Declared:
    """Add what letters for sex mean in these languages, and which are not to be read; a declared letter is in no doubt."""
    words = knowledge.words
    own = knowledge.languages.sexes(letters, languages, words.sex_letters.unknown)
    doubt = words.sex_letters.in_doubt(letters) if own is None else letters - own.keys()
    return replace(
        declared,
        sex_read={letter: sex for letter, sex in (own or {}).items() if words.sex.get(letter) != sex},
        sex_doubt=tuple(sorted(doubt - (declared.sex_codes or {}).keys())),
    )


def letters_of(columns: Mapping[str, pa.Array], plan: Plan, knowledge: Knowledge) -> frozenset[str]:
    """Return the letters for sex in a whole column; none where there is no such column."""
    return sex_letters(_of_person(columns, plan, "sex", 0)[0], knowledge.words)


def letters_in_doubt(letters: Iterable[str]) -> str:
    """Say that letters are not read, and how to declare them; they come from this program's own list."""
    named = [letter.upper() for letter in sorted(letters)]
    several = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    codes = ", ".join(f'"{letter}": ...' for letter in named)
    why = (
        f"{several} together mean different sexes in different languages and are not read; say what each means"
        if len(named) > 1
        else f"{several} alone may mean either sex in the language of the file and is not read; say what it means"
    )
    return f"{why} with sex_codes={{{codes}}} (--sex-codes {named[0]}=F|M|unknown)"


def _of_person(
    columns: Mapping[str, pa.Array], plan: Plan, name: str, rows: int
) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the distinct values of a person's field and the place of each row's, -1 where there is no such column."""
    if name in plan.people:
        return distinct(columns[plan.people[name]])
    return [], np.full(rows, -1, dtype=np.int64)


def _coded(
    found: tuple[list[Any], NDArray[np.int64]],
    name: str,
    parse: Callable[[Any], tuple[Any, Reason | None]],
    place_of: Callable[[Any], int],
    reasons: dict[str, NDArray[np.int8]],
) -> NDArray[np.int8]:
    values, places = found
    parsed = [parse(value) for value in [*values, None]]
    codes = np.array([CODE[reason] if reason else NO_REASON for _, reason in parsed], dtype=np.int8)[places]
    if (codes != NO_REASON).any():
        reasons[name] = codes
    result: NDArray[np.int8] = np.array([place_of(word) for word, _ in parsed], dtype=np.int8)[places]
    return result


def read_method(columns: Mapping[str, pa.Array], plan: Plan) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Read how reticulocytes were counted: automated, manual."""
    if "reticulocyte_method" not in plan.people:
        return None
    values, places = distinct(columns[plan.people["reticulocyte_method"]])
    words = [str(value).strip().lower() for value in [*values, None]]
    automated = np.array([word == ReticulocyteMethod.AUTOMATED for word in words])[places]
    manual = np.array([word == ReticulocyteMethod.MANUAL for word in words])[places]
    return automated, manual


def presence_of(value: object, words: Words, *, counted: bool = False) -> Presence:
    """Read the word of a finding; anything else is unknown, but a number where the cells of a finding are `counted`."""
    text = word_of(value)
    found = words.presence.get(text, Presence.UNKNOWN)
    if not counted or found is not Presence.UNKNOWN:
        return found
    number = plain_number(text.removesuffix("%").rstrip())
    if number is None or number != number:  # an empty cell says nothing
        return Presence.UNKNOWN
    return Presence.PRESENT if number > 0 else Presence.ABSENT


def read_presence(
    column: pa.Array, words: Words, *, counted: bool = False
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Read a finding: present, absent; neither is unknown."""
    values, places = distinct(column)
    found = [presence_of(value, words, counted=counted) for value in [*values, None]]
    present = np.array([word is Presence.PRESENT for word in found])[places]
    absent = np.array([word is Presence.ABSENT for word in found])[places]
    return present, absent
