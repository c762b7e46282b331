"""Neutrophils that were not sent, bounded by what other white cells leave: the statement says it as the kernel does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from sql_answers import Answers, assert_equal, by_kernel, columns_of, in_duckdb, one

import cbc_screen as cbc
from count_tables import Row, WhiteTables, arrow
from effort import share

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/white_parts.yaml").read_text(encoding="utf-8"))["cases"]
CELL = re.compile(r"(<=|>=|<|>|hemolyzed)? ?([0-9.]+)? (?:g/L|10\^9/L|%)")
SHOWN = ("pattern", "white_line", "white_line_basis", "white_grade", "lines_low_min", "lines_low_max", "severity")


def row_of(record: dict[str, Any]) -> Row | None:
    """Return the record of a case as a row; None where a cell is more than a number, a sign and a unit."""
    row: Row = {"age": float(record["age"].removesuffix(" y")), "sex": record["sex"], "pregnancy": None}
    for name, cell in record.items():
        if name in ("age", "sex"):
            continue
        if name == "context":
            row |= {finding: state == "present" for finding, state in cell.items()}
            continue
        found = CELL.fullmatch(cell)
        if found is None:
            return None
        row[name] = None if found[2] is None else float(found[2])
        row[f"{name}_comparator"] = found[1]
    return row


ROWS = [(case, row) for case in CASES if (row := row_of(case["record"])) is not None]


def test_all_cases_are_asked_but_those_of_marks_between_digits_and_of_a_text():
    left = [case["name"] for case in CASES if row_of(case["record"]) is None]
    assert len(left) == 5
    assert all("mark" in name or "60.5 or 605" in name or "cannot be read" in name for name in left)


@pytest.mark.parametrize(("case", "row"), ROWS, ids=[case["name"] for case, _ in ROWS])
def test_the_cases_worked_out_by_hand(case, row):
    wanted = {name: own for name, own in case["expect"].items() if name in SHOWN}
    assert wanted
    found = one(row, **case.get("screener", {}))
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("white", "lymphocytes", "line", "basis"),
    [
        # 10 x 1.02 - 8.41 = 1.79, the lower limit of a woman of 40.
        ((10.0, None), (8.40, None), "not_low", "wbc"),
        ((10.0, None), (8.41, None), "not_low", "wbc"),
        ((10.0, None), (8.411, None), "low", "wbc_less_others"),
        ((10.0, None), (8.41, "<"), "not_low", "wbc"),  # more than 1.79 are left
        ((10.0, None), (8.42, "<"), "cannot_tell", "wbc"),
        ((10.0, None), (8.42, ">"), "low", "wbc_less_others"),
        ((10.0, "<"), (8.42, None), "low", "wbc_less_others"),
        ((10.0, ">="), (8.42, None), "cannot_tell", "wbc"),
        ((10.0, ">="), (8.41, None), "not_low", "wbc"),
        ((10.0, "?"), (8.41, None), "cannot_tell", "wbc"),
        ((10.0, None), (8.41, "?"), "cannot_tell", "wbc"),
        ((10.0, None), (10.3, None), "not_low", "wbc"),  # more than the white cells: one of the two is wrong
    ],
)
def test_beside_the_limit(white, lymphocytes, line, basis):
    row = {"age": 40.0, "wbc": white[0], "wbc_comparator": white[1]}
    row |= {"lymphocytes": lymphocytes[0], "lymphocytes_comparator": lymphocytes[1]}
    found = one(row)
    assert (found["white_line"], found["white_line_basis"]) == (line, basis)


@pytest.mark.parametrize(
    ("definition", "grading", "age_unit"),
    [
        ("reference", "clinical", "y"),
        ("clinical", "ctcae_v5", "mo"),
        ("mds", "who_2024", "d"),
        ("aplastic", "daids_v2_1", "y"),
    ],
)
def test_every_limit_that_other_white_cells_may_leave(definition, grading, age_unit):
    rows = WhiteTables(len(definition), age_unit).rows(share(3_000))
    chosen = {"definition": definition, "grading": grading}
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), age_unit=age_unit, **chosen)
    assert_equal(rows, in_duckdb(statement, rows), age_unit, **chosen)


def test_in_postgresql(server):
    rows = WhiteTables(3, "mo").rows(share(3_000))
    server.put("counts", arrow(rows), over=True)
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), age_unit="mo", dialect="postgresql")
    assert_equal(rows, server.rows(statement), "mo")


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of PySpark's own sockets
def test_in_spark(spark):
    """Of few columns: what Spark plans grows with the statement."""
    columns = ("age", "sex", "wbc", "wbc_comparator", "lymphocytes", "lymphocytes_percent")
    rows = [{name: row[name] for name in columns} for row in WhiteTables(4).rows(400)]
    spark.createDataFrame(arrow(rows)).createOrReplaceTempView("counts")
    found: Answers = spark.sql(cbc.sql(keep=["id"], columns=columns_of(rows), dialect="spark")).toArrow().to_pylist()
    assert_equal(rows, found)


def test_these_rows_reach_every_answer():
    answers = by_kernel(WhiteTables(5).rows(1_000), "y")
    told = {(row["white_line"], row["white_line_basis"]) for row in answers}
    assert told >= {
        *(("low", basis) for basis in ("neutrophils", "wbc", "wbc_less_others")),
        *(("not_low", basis) for basis in ("neutrophils", "wbc")),
        *(("cannot_tell", basis) for basis in ("neutrophils", "wbc")),
    }
