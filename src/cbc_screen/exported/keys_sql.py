"""Which limits may be a person's, as parts of a statement: the kernel's keys as tables that are joined."""

from __future__ import annotations

from cbc_screen.exported.dialects import DialectWords
from cbc_screen.exported.levels import Select
from cbc_screen.exported.person_sql import PERSON, SITUATION, PersonSQL, situation_number
from cbc_screen.exported.persons import KeyTables
from cbc_screen.kernel.keys import SITUATIONS

Part = tuple[str, str]
PREFIX = "cbc_"  # of each part: a part hides a table of its name
_POSSIBLE = """SELECT s.situation, c.class, c.beside, CASE p.stage_of_person {own} END AS own_limits
FROM cbc_situations AS s
JOIN cbc_age_classes AS c ON c.day_place BETWEEN s.days_low AND s.days_high
  AND c.month_place BETWEEN s.months_low AND s.months_high
JOIN cbc_stages AS p ON p.sex = s.sex_code AND p.stage = s.stage_code AND (c.at_risk OR NOT p.only_at_risk)"""
_LEFT_OPEN = """SELECT situation,
  COUNT(DISTINCT CASE WHEN NOT beside THEN class END) > 1 AS of_ages,
  COUNT(CASE WHEN NOT beside THEN 1 END) > 1 AND COUNT(DISTINCT CASE WHEN NOT beside THEN class END) <= 1 AS of_stages
FROM cbc_possible
GROUP BY situation"""
_CHOICES = """SELECT DISTINCT p.situation, p.own_limits, o.of_ages, o.of_stages
FROM cbc_possible AS p
JOIN cbc_left_open AS o ON o.situation = p.situation"""


def people(words: DialectWords, person: PersonSQL, origin: str, carried: Select) -> str:
    """Return, as something to select from, the rows of an origin with what is read of their persons."""
    kept: Select = [(name, name) for name, _ in carried]
    cells = words.select([*carried, *person.cells()], origin)
    own: Select = [(name, name) for name in PERSON]
    codes = words.select([*kept, *own, *person.codes()], f"(\n{cells}\n) AS cells")
    coded: Select = [(name, name) for name in ("sex_code", "stage_code")]
    read = words.select([*kept, *coded, *person.because(), *person.places()], f"(\n{codes}\n) AS codes")
    return f"(\n{read}\n) AS people"


def key_parts(words: DialectWords, person: PersonSQL, tables: KeyTables, table: str) -> list[Part]:
    """Return the parts that end with `cbc_choices`: for each situation of the table, every row of limits that may be its."""
    found = people(words, person, table, [])
    places: Select = [*((name, name) for name in SITUATION), ("situation", situation_number(person.ages))]
    own = " ".join(f"WHEN {number} THEN c.limits_{number}" for number in range(len(SITUATIONS)))
    situations = ", ".join(f"limits_{number}" for number in range(len(SITUATIONS)))
    return [
        ("cbc_age_classes", _values(_classes(tables), f"class, day_place, month_place, beside, at_risk, {situations}")),
        ("cbc_stages", _values(_stages(tables), "sex, stage, stage_of_person, only_at_risk")),
        ("cbc_limits", _limits(words, tables)),
        ("cbc_situations", words.select(places, found, distinct=True)),
        ("cbc_possible", _POSSIBLE.format(own=own)),
        ("cbc_left_open", _LEFT_OPEN),
        ("cbc_choices", _CHOICES),
    ]


def _values(rows: list[str], columns: str, selected: str = "*") -> str:
    listed = ",\n  ".join(rows)
    return f"SELECT {selected}\nFROM (VALUES\n  {listed}\n) AS v({columns})"


def _classes(tables: KeyTables) -> list[str]:
    return [
        f"({own.number}, {own.day_place}, {own.month_place}, {_truth(own.beside)}, {_truth(own.pregnancy_ages)}, "
        f"{', '.join(map(str, own.rows))})"
        for own in tables.classes
    ]


def _stages(tables: KeyTables) -> list[str]:
    return [
        f"({own.sex}, {own.stage}, {own.situation}, {_truth(own.only_pregnancy_ages)})" for own in tables.situations
    ]


def _limits(words: DialectWords, tables: KeyTables) -> str:
    """Write the distinct rows of limits, as texts that no database rounds."""
    written = [["NULL" if value is None else f"'{value!r}'" for value in row] for row in tables.limits]
    rows = [f"({', '.join([str(number), *own])})" for number, own in enumerate(written)]
    names = [f"limit_{number}" for number in range(len(tables.columns))]
    casts = [f"CAST({name} AS {words.number_type}) AS {name}" for name in names]
    told = "".join(f"-- {name} is {column}\n" for name, column in zip(names, tables.columns, strict=True))
    return told + _values(rows, ", ".join(["own_limits", *names]), ", ".join(["own_limits", *casts]))


def _truth(value: bool) -> str:
    return "TRUE" if value else "FALSE"
