"""Which rows of limits may be a patient's, in CQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cbc_screen.exported.cql_text import decimal
from cbc_screen.exported.persons import ENDS, AgeSteps, KeyTables
from cbc_screen.kernel.keys import SITUATIONS
from cbc_screen.kernel.program import Op, Program
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.vocabulary import Pregnancy, Sex

Definition = tuple[str, str]
_GENDERS = {"female": Sex.FEMALE, "male": Sex.MALE}


def person_definitions(days: AgeSteps, months: AgeSteps, tables: KeyTables) -> list[Definition]:
    """Return the definitions that end with `Possible limits`: the numbers of all rows of limits that may be used."""
    gender = "FHIRHelpers.ToString(Subject.gender)"
    sexes = " ".join(f"when {gender} = '{word}' then {SEXES.index(sex)}" for word, sex in _GENDERS.items())
    stages = " ".join(f"when '{stage}' then {number}" for number, stage in enumerate(PREGNANCIES))
    unstated, unknown = PREGNANCIES.index(Pregnancy.NOT_STATED), PREGNANCIES.index(Pregnancy.UNKNOWN)
    between = "between FHIRHelpers.ToDate(Subject.birthDate) and (date from Moment)"
    known = '(Coalesce("Age in days" >= 0, false) and Coalesce("Age in months" < {0}, false))'
    found = [
        ("Subject", "singleton from ([Patient])"),
        ('"Age in days"', f"duration in days {between}"),
        ('"Age in months"', f"duration in months {between}"),
        ('"Age known"', known.format(months.implausible)),
        ('"Sex code"', f"case {sexes} else {SEXES.index(Sex.UNKNOWN)} end"),
        (
            '"Stage code"',
            f"if Pregnancy is null then {unstated} else (case Pregnancy {stages} else {unknown} end)",
        ),
        ('"Sex and stage"', f'("Sex code" * {len(PREGNANCIES)}) + "Stage code"'),
    ]
    for end, steps in zip(ENDS, (days, days, months, months), strict=True):
        found.append((f'"{end}"', _place(end, steps)))
    found += [
        ('"Situations"', _situations(tables, False)),
        ('"Situations at ages of pregnancy"', _situations(tables, True)),
    ]
    for own in tables.classes:
        places = f'"days_low" <= {own.day_place} and {own.day_place} <= "days_high"'
        places += f' and "months_low" <= {own.month_place} and {own.month_place} <= "months_high"'
        found.append((f'"In class {own.number}"', places))
    parts = []
    for own in tables.classes:
        source = '"Situations at ages of pregnancy"' if own.pregnancy_ages else '"Situations"'
        rows = " ".join(f"when {number} then {row}" for number, row in enumerate(own.rows[:-1]))
        parts.append(f'({source} S where "In class {own.number}" return (case S {rows} else {own.rows[-1]} end))')
    return [*found, ('"Possible limits"', "flatten({\n  " + ",\n  ".join(parts) + "\n})"), *_left_open(tables)]


def _place(end: str, steps: AgeSteps) -> str:
    """Return a place on the grid: the lowest that is sure, or the highest that is not excluded."""
    # What cannot be compared, such as a birth date without a day, is then any age that it may be.
    count = '"Age in days"' if end.startswith("days") else '"Age in months"'
    reached = list(enumerate(steps.steps[end], start=1))
    if end.endswith("low"):
        cases = " ".join(f"when {count} >= {step} then {place}" for place, step in reversed(reached))
        return f'if not "Age known" then 0 else (case {cases} else 0 end)'
    cases = " ".join(f"when {count} < {step} then {place - 1}" for place, step in reached)
    return f'if not "Age known" then {len(reached)} else (case {cases} else {len(reached)} end)'


def _situations(tables: KeyTables, at_risk: bool) -> str:
    """Return the situations of a sex and a stage; those possible only at ages of pregnancy, only there."""
    lists: dict[int, list[int]] = {}
    for own in tables.situations:
        lists.setdefault(own.sex * len(PREGNANCIES) + own.stage, [])
        if at_risk or not own.only_pregnancy_ages:
            lists[own.sex * len(PREGNANCIES) + own.stage].append(own.situation)
    cases = " ".join(f"when {code} then {{{', '.join(map(str, own))}}}" for code, own in lists.items())
    every = ", ".join(map(str, range(len(SITUATIONS))))
    return f'case "Sex and stage" {cases} else {{{every}}} end'


def _left_open(tables: KeyTables) -> list[Definition]:
    """Return whether the age leaves several classes, or else the sex and the stage several situations."""
    own = [one for one in tables.classes if not one.beside]
    classes = " + ".join(f'(if "In class {one.number}" then 1 else 0)' for one in own)
    keys = " + ".join(
        f'(if "In class {one.number}" then '
        f"Count({chr(34)}Situations{' at ages of pregnancy' if one.pregnancy_ages else ''}{chr(34)}) else 0)"
        for one in own
    )
    return [
        ('"Classes of age"', classes),
        ('"Several ages"', '"Classes of age" > 1'),
        ('"Several stages"', f'({keys}) > 1 and not "Several ages"'),
    ]


def limit_names(tables: KeyTables, within: Program) -> Mapping[str, str]:
    """Return how each limit is read from the number of its row, N."""
    traits = {str(step.value) for step in within.steps if step.op is Op.TRAIT}
    found = {}
    for place, name in enumerate(tables.columns):
        rows: dict[float | None, list[int]] = {}
        for number, row in enumerate(tables.limits):
            rows.setdefault(row[place], []).append(number)
        if name in traits:
            found[name] = f"(N in {_listed(rows.get(1.0, []))})"
            continue
        cases = " ".join(f"when N in {_listed(own)} then {decimal(v)}" for v, own in rows.items() if v is not None)
        found[name] = f"(case {cases} else null end)" if cases else "null"
    return found


def _listed(numbers: Sequence[int]) -> str:
    return "{" + ", ".join(map(str, numbers)) + "}"
