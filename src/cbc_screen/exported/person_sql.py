"""The person of a row in SQL: codes of sex and stage, places of the age, and the limits of every key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cbc_screen.exported.dialects import DialectWords
from cbc_screen.exported.persons import AGE_REASONS, ENDS, AgeSteps
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.words import Words
from cbc_screen.vocabulary import Pregnancy, Reason, Sex

PERSON = ("age", "sex", "pregnancy")
SITUATION = ("sex_code", "stage_code", *ENDS)
_LEAST_AGE, _MOST_AGE = 1e-4, 1e6  # that the reader of ages can read as a number
_ROUNDED = 0.1  # of a month: what a year's fraction may be off


@dataclass(frozen=True)
class PersonWords:
    """What texts for sex and for a stage of pregnancy mean, in lower case."""

    sexes: Mapping[str, str]
    stages: Mapping[str, str]


def person_words(words: Words, codes: Mapping[str, str]) -> PersonWords:
    """Return the words that the reader of records knows, and declared codes for sex.

    Of other scripts and with accents only what is declared: not every database folds such letters as the reader does.
    """
    sexes, stages = (
        {text: meaning for text, meaning in known.items() if text and text.isascii()}
        for known in (words.sex, words.pregnancy)
    )
    for code, sex in codes.items():
        own = code.strip()
        # A letter that the database does not fold stays as it is; of numbers it may show the code 1 as 1.0.
        kept = (own,) if not own.isascii() else (f"{own}.0",) if own.isdecimal() else ()
        sexes |= dict.fromkeys((fold_word(own), own.lower(), *kept), sex)
    return PersonWords(sexes, stages)


class PersonSQL:
    """Writes what is read of a person, from the columns `age`, `sex` and `pregnancy` of a part."""

    def __init__(self, words: DialectWords, ages: AgeSteps, given: Mapping[str, str], own: PersonWords) -> None:
        self.words, self.ages, self.given, self.own = words, ages, given, own

    def cells(self) -> list[tuple[str, str]]:
        """Return the cells of a person as they are in the table."""
        return [(name, self._cell(name)) for name in PERSON]

    def _cell(self, name: str) -> str:
        if name not in self.given:
            return self.words.absent if name == "age" else f"CAST(NULL AS {self.words.text_type})"
        column = self.words.identifier(self.given[name])
        return self.words.as_number(column) if name == "age" else self.words.as_word(column)

    def because(self) -> list[tuple[str, str]]:
        """Return why a part of the person is unknown."""
        male = f"sex_code = {SEXES.index(Sex.MALE)}"
        claimed = [number for number, stage in enumerate(PREGNANCIES) if stage.claimed]
        conflict = f"{male} AND stage_code IN ({', '.join(map(str, claimed))})"
        stage_reason = (
            f"CASE WHEN {conflict} THEN '{Reason.PREGNANCY_CONFLICT}' "
            f"WHEN stage_code = {PREGNANCIES.index(Pregnancy.UNKNOWN)} THEN CASE WHEN pregnancy IN "
            f"({self._of(self.own.stages, Pregnancy.UNKNOWN)}) THEN '{Reason.PREGNANCY_UNKNOWN}' "
            f"ELSE '{Reason.PREGNANCY_UNREADABLE}' END "
            f"WHEN stage_code = {PREGNANCIES.index(Pregnancy.TRIMESTER_UNKNOWN)} THEN '{Reason.TRIMESTER_UNKNOWN}' END"
        )
        missing = f"sex IS NULL OR sex IN ({self._of(self.own.sexes, Sex.UNKNOWN)})"
        sex_reason = (
            f"CASE WHEN sex_code = {SEXES.index(Sex.UNKNOWN)} THEN CASE WHEN {missing} THEN '{Reason.SEX_MISSING}' "
            f"ELSE '{Reason.SEX_UNREADABLE}' END END"
        )
        return [("age_because", self._age_reason()), ("sex_because", sex_reason), ("pregnancy_because", stage_reason)]

    def codes(self) -> list[tuple[str, str]]:
        """Return the codes of sex and stage, and the counts of the age."""
        by_text = self._codes("sex", self.own.sexes, SEXES, SEXES.index(Sex.UNKNOWN))
        unknown = PREGNANCIES.index(Pregnancy.UNKNOWN)
        by_stage = self._codes("pregnancy", self.own.stages, PREGNANCIES, unknown)
        unstated = PREGNANCIES.index(Pregnancy.NOT_STATED)
        low, high = self._counts()
        return [
            ("sex_code", by_text),
            ("stage_code", f"CASE WHEN pregnancy IS NULL THEN {unstated} ELSE {by_stage} END"),
            ("age_low", low),
            ("age_high", high),
        ]

    def places(self) -> list[tuple[str, str]]:
        """Return the places of the age on the grid: those of any age where it is not known."""
        found = []
        for end in ENDS:
            count = "age_low" if end.endswith("low") else "age_high"
            unknown = 0 if end.endswith("low") else self.ages.last[end]
            steps = self.ages.steps[end]
            below = " ".join(f"WHEN {count} < {step} THEN {place}" for place, step in enumerate(steps))
            found.append((end, f"CASE WHEN {self._unknown()} THEN {unknown} {below} ELSE {len(steps)} END"))
        return found

    def _unknown(self) -> str:
        return f"age_low IS NULL OR age_low >= {self.ages.implausible}"

    def _age_reason(self) -> str:
        least, most = self.words.literal(_LEAST_AGE), self.words.literal(_MOST_AGE)
        missing, negative, implausible, unreadable = (f"'{reason}'" for reason in AGE_REASONS)
        return (
            f"CASE WHEN age IS NULL THEN {missing} WHEN age < 0 THEN {negative} "
            f"WHEN age >= {most} OR (age > 0 AND age < {least}) THEN {unreadable} "
            f"WHEN age_low >= {self.ages.implausible} THEN {implausible} END"
        )

    def _counts(self) -> tuple[str, str]:
        """Return the lowest and the highest count that an age can be: a year is any of its months."""
        least, most = self.words.literal(_LEAST_AGE), self.words.literal(_MOST_AGE)
        read = f"age = 0 OR (age >= {least} AND age < {most})"
        if not self.ages.in_years:
            return (f"CASE WHEN {read} THEN FLOOR(age) END",) * 2
        twelve, tenth = self.words.literal(12.0), self.words.literal(_ROUNDED)
        first = f"FLOOR(age) * {twelve}"
        low = f"GREATEST({first}, FLOOR(age * {twelve} - {tenth}))"
        high = f"FLOOR(age * {twelve} + {tenth})"
        whole = "age = FLOOR(age)"
        return (
            f"CASE WHEN {read} THEN CASE WHEN {whole} THEN {first} ELSE {low} END END",
            f"CASE WHEN {read} THEN CASE WHEN {whole} THEN {first} + 11 ELSE {high} END END",
        )

    def _codes(self, column: str, meanings: Mapping[str, str], order: Sequence[str], otherwise: int) -> str:
        """Return the place in an order of what a word means."""
        told = [meaning for meaning in order if meaning in meanings.values()]
        cases = [f"WHEN {column} IN ({self._of(meanings, one)}) THEN {order.index(one)}" for one in told]
        return f"CASE {' '.join(cases)} ELSE {otherwise} END"

    def _of(self, meanings: Mapping[str, str], meaning: str) -> str:
        return self.words.texts(text for text, own in meanings.items() if own == meaning)


def situation_number(ages: AgeSteps) -> str:
    """Return one number for the situation of a row."""
    number = "sex_code"
    sizes = (len(PREGNANCIES), *(ages.last[end] + 1 for end in ENDS))
    for column, size in zip(SITUATION[1:], sizes, strict=True):
        number = f"({number} * {size} + {column})"
    return f"CAST({number} AS BIGINT)"
