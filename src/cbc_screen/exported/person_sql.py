"""The person of a row in SQL: codes of sex and stage, places of the age, and the limits of every key."""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.exported.dialects import DialectWords, quoted
from cbc_screen.exported.persons import AGE_REASONS, ENDS, AgeSteps
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.vocabulary import Pregnancy, Reason, Sex

PERSON = ("age", "sex", "pregnancy")
SITUATION = ("sex_code", "stage_code", *ENDS)
_LEAST_AGE, _MOST_AGE = 1e-4, 1e6  # that the reader of ages can read as a number
_ROUNDED = 0.1  # of a month: what a year's fraction may be off


class PersonSQL:
    """Writes what is read of a person, from the columns `age`, `sex` and `pregnancy` of a part."""

    def __init__(self, words: DialectWords, ages: AgeSteps, given: Mapping[str, str], sexes: Mapping[str, str]) -> None:
        self.words, self.ages, self.given, self.sexes = words, ages, given, sexes

    def cells(self) -> list[tuple[str, str]]:
        """Return the cells of a person as they are in the table."""
        columns = []
        for name in PERSON:
            column = self.words.identifier(self.given[name]) if name in self.given else "NULL"
            columns.append((name, self.words.as_number(column) if name == "age" else self.words.as_text(column)))
        return columns

    def because(self) -> list[tuple[str, str]]:
        """Return why a part of the person is unknown."""
        male = f"sex_code = {SEXES.index(Sex.MALE)}"
        claimed = [number for number, stage in enumerate(PREGNANCIES) if stage.claimed]
        conflict = f"{male} AND stage_code IN ({', '.join(map(str, claimed))})"
        stage_reason = (
            f"CASE WHEN {conflict} THEN '{Reason.PREGNANCY_CONFLICT}' "
            f"WHEN pregnancy IS NOT NULL AND pregnancy NOT IN ({self._listed(self._stages())}) "
            f"THEN '{Reason.PREGNANCY_UNREADABLE}' "
            f"WHEN stage_code = {PREGNANCIES.index(Pregnancy.UNKNOWN)} THEN '{Reason.PREGNANCY_UNKNOWN}' "
            f"WHEN stage_code = {PREGNANCIES.index(Pregnancy.TRIMESTER_UNKNOWN)} THEN '{Reason.TRIMESTER_UNKNOWN}' END"
        )
        unreadable = f"sex IS NOT NULL AND sex NOT IN ({self._listed(self._sexes())})"
        sex_reason = (
            f"CASE WHEN {unreadable} THEN '{Reason.SEX_UNREADABLE}' "
            f"WHEN sex_code = {SEXES.index(Sex.UNKNOWN)} THEN '{Reason.SEX_MISSING}' END"
        )
        return [("age_because", self._age_reason()), ("sex_because", sex_reason), ("pregnancy_because", stage_reason)]

    def codes(self) -> list[tuple[str, str]]:
        """Return the codes of sex and stage, and the counts of the age."""
        sexes = {text: SEXES.index(Sex(sex)) for text, sex in self._sexes().items()}
        stages = {text: PREGNANCIES.index(stage) for text, stage in self._stages().items()}
        by_text = _cases("sex", sexes, SEXES.index(Sex.UNKNOWN))
        by_stage = _cases("pregnancy", stages, PREGNANCIES.index(Pregnancy.UNKNOWN))
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

    def _sexes(self) -> dict[str, str]:
        return {**{str(sex): str(sex) for sex in Sex}, **self.sexes}

    def _stages(self) -> dict[str, Pregnancy]:
        return {str(stage): stage for stage in Pregnancy}

    def _listed(self, texts: Mapping[str, object]) -> str:
        return ", ".join(quoted(text) for text in texts)


def _cases(column: str, codes: Mapping[str, int], otherwise: int) -> str:
    cases = " ".join(f"WHEN {column} = {quoted(text)} THEN {code}" for text, code in codes.items())
    return f"CASE {cases} ELSE {otherwise} END"


def situation_number(ages: AgeSteps) -> str:
    """Return one number for the situation of a row."""
    number = "sex_code"
    sizes = (len(PREGNANCIES), *(ages.last[end] + 1 for end in ENDS))
    for column, size in zip(SITUATION[1:], sizes, strict=True):
        number = f"({number} * {size} + {column})"
    return f"CAST({number} AS BIGINT)"
