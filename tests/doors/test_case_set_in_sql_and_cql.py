"""The cases that a clinician can check, through the statement in a database and the library in an engine of CQL."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from sql_answers import by_kernel, columns_of, in_duckdb, whole
from test_cql import MOMENT, SHOWN, by_cql

import cbc_screen as cbc
from count_tables import LINES, Row
from effort import share
from strategies import KNOWLEDGE
from test_cases import CASES

OTHERS = ("lymphocytes", "monocytes", "eosinophils", "basophils")
READ_BY_SQL = {*LINES, *OTHERS, *(f"{cell}_percent" for cell in OTHERS)}
CELL = re.compile(r"(<=|>=|<|>)? ?(\d+(?:\.\d+)?) (\S+)")
CHOICES = {"definition", "grading"}  # the only options of a case that are of the statement too


def row_of(record: Mapping[str, Any], read: set[str]) -> Row | None:
    """Return a record as numbers in canonical units; None where it says more than a table of numbers can."""
    years = re.fullmatch(r"(\d{1,2}) y", str(record.get("age", "")))
    names = record.keys() - {"age", "sex"}
    if years is None or record.get("sex") not in ("F", "M") or not names or not names <= read:
        return None
    row: Row = {"age": float(years[1]), "sex": record["sex"], "pregnancy": None}
    for name in names:
        cell = record[name]
        text = (
            f"{cell['value']} {cell['unit']}" if isinstance(cell, dict) and cell.keys() == {"value", "unit"} else cell
        )
        found = CELL.fullmatch(text) if isinstance(text, str) else None
        canonical = KNOWLEDGE.analytes[name].units.canonical
        # A zero without decimals is a rounded one, and "250.000" is told from 250 by its text alone.
        if found is None or found[3] != canonical or float(found[2]) == 0 or re.search(r"\.\d{3}$", found[2]):
            return None
        row[name], row[f"{name}_comparator"] = float(found[2]), found[1]
    return row


def cases(read: set[str]) -> dict[tuple[tuple[str, str], ...], list[tuple[str, Row]]]:
    """Return the cases that a table of numbers can hold, by the options they are asked with."""
    found: dict[tuple[tuple[str, str], ...], list[tuple[str, Row]]] = defaultdict(list)
    for name, case in CASES.items():
        options = case.get("screener") or {}
        row = row_of(case["record"], read) if options.keys() <= CHOICES else None
        if row is not None:
            found[tuple(sorted(options.items()))].append((name, row))
    return found


SQL_CASES, CQL_CASES = cases(READ_BY_SQL), cases(set(LINES))


def test_most_of_what_a_table_can_hold_is_asked() -> None:
    assert sum(map(len, SQL_CASES.values())) >= 120
    assert sum(map(len, CQL_CASES.values())) >= 95


@pytest.mark.parametrize("options", SQL_CASES, ids=str)
def test_the_statement_answers_the_case_set_as_the_kernel_does(options: tuple[tuple[str, str], ...]) -> None:
    names, rows = zip(*SQL_CASES[options], strict=True)
    every = sorted({name for row in rows for name in row} | set(whole({})))
    given = [{"id": number, **dict.fromkeys(every), **row} for number, row in enumerate(rows)]
    statement = cbc.sql(keep=["id"], columns=columns_of([dict.fromkeys(every)]), **dict(options))
    found = {row["id"]: row for row in in_duckdb(statement, given)}
    for number, (name, wanted) in enumerate(zip(names, by_kernel(given, "y", **dict(options)), strict=True)):
        own = {column: found[number][column] for column in SHOWN if column != "reasons"}
        assert own == {column: wanted[column] for column in own}, name
        expected = {column: value for column, value in CASES[name].get("expect", {}).items() if column in own}
        assert {column: own[column] for column in expected} == expected, name


@pytest.mark.parametrize("options", CQL_CASES, ids=str)
def test_the_library_answers_the_case_set_as_it_was_worked_out(options: tuple[tuple[str, str], ...]) -> None:
    text = cbc.cql(**dict(options)).text
    for name, row in CQL_CASES[options][: share(400)]:
        born = MOMENT.date().replace(year=MOMENT.year - int(row["age"]))
        given = {**dict.fromkeys(LINES), **row, "birth_date": born.isoformat()}
        found = by_cql(given, text)
        expected = {column: value for column, value in CASES[name].get("expect", {}).items() if column in SHOWN}
        assert {column: found[column] for column in expected if column != "reasons"} == {
            column: value for column, value in expected.items() if column != "reasons"
        }, name
