"""The statement that `cbc_screen.sql` writes answers as `screen` does, in real databases."""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sql_answers import assert_equal, columns_of, in_duckdb, one

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import UsageError
from cbc_screen.exported.cells import JUST_BELOW
from cbc_screen.vocabulary import SCHEMA_VERSION
from count_tables import LINES, OTHERS, Tables, arrow
from effort import share

ROOT = Path(__file__).resolve().parents[2]
SOME = share(8_000)
FEW = share(3_000)


# Row by row as the kernel ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "grading", "age_unit"),
    [
        ("reference", "clinical", "y"),
        ("reference", "ctcae_v6", "mo"),
        ("clinical", "ctcae_v5", "y"),
        ("mds", "who_2024", "wk"),
        ("strict", "who_2011", "d"),
        ("aplastic", "daids_v2_1", "h"),
    ],
)
def test_every_limit_and_every_edge_of_age(definition, grading, age_unit):
    rows = Tables(len(grading), age_unit).rows(SOME)
    chosen = {"definition": definition, "grading": grading}
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), age_unit=age_unit, **chosen)
    assert_equal(rows, in_duckdb(statement, rows), age_unit, **chosen)


def test_what_else_a_count_holds():
    """Percentages, other white cells, segmented and band cells, and the indices that confirm a hemoglobin."""
    rows = Tables(5, "mo", others=OTHERS, signed=(*LINES, "neutrophils_percent", "lymphocytes")).rows(FEW)
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), age_unit="mo")
    assert_equal(rows, in_duckdb(statement, rows), "mo")


def test_ranges_that_came_with_results_and_what_is_stated():
    pick, rows = random.Random(6), Tables(6, "mo").rows(FEW)
    for row in rows:
        for name in ("hemoglobin", "neutrophils", "platelets"):
            own = cbc.reference_range(name, age="54 y", sex="F")
            for side, limit in (("lower", own.lower), ("upper", own.upper)):
                scale = pick.choice((1, 1, 1.1, 0.9, 1.6, 2.5, 0.3, 0))
                row[f"{name}_{side}"] = round(limit * scale, 3) if pick.random() < 0.7 else None
        row["born_preterm"] = pick.choice((True, False, None))
        row["wbc_uncorrected"] = pick.choice((True, False, None))
        row["nrbc"] = pick.choice((None, 0.0, 5.0, 50.0))
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), age_unit="mo")
    assert_equal(rows, in_duckdb(statement, rows), "mo")


def test_hemoglobin_adjusted_for_elevation_and_smoking():
    pick, rows = random.Random(7), Tables(7, "y").rows(FEW)
    for row in rows:
        row["elevation"] = pick.choice((None, 0.0, 999.0, 1000.0, 2600.0, 5000.0))
        row["cigarettes_per_day"] = pick.choice((None, 0.0, 5.0, 10.0, 20.0, 40.0))
        row["smoker"] = pick.choice((None, True, False))
    chosen = {"definition": "mds", "grading": "who_2024", "adjust_hemoglobin": ("elevation", "smoking")}
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), **chosen)
    assert_equal(rows, in_duckdb(statement, rows), **chosen)


def test_ranges_of_ones_own_are_in_the_statement(tmp_path):
    own = tmp_path / "own.csv"
    template = CliRunner().invoke(main, ["ranges", "new"]).output.splitlines()
    lines = list(csv.DictReader(template))
    with own.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        for line in lines:
            if line["analyte"] == "platelets":
                writer.writerow({**line, "lower": "171.5", "upper": "402"})
    rows = Tables(8).rows(FEW)
    rows += [{**rows[0], "age": 54.0, "sex": "F", "pregnancy": None, "platelets": p, "platelets_comparator": None}
             for p in (171.4, 171.5, 171.6)]  # fmt: skip
    found = in_duckdb(cbc.sql(keep=["id"], columns=columns_of(rows), ranges=str(own)), rows)
    assert_equal(rows, found, ranges=str(own))
    lines_of = {row["id"]: row["platelet_line"] for row in found}
    assert [lines_of[len(rows) - 3 + place] for place in range(3)] == ["low", "not_low", "not_low"]


@pytest.mark.parametrize("others", [(), OTHERS], ids=["lines", "all"])
def test_postgresql(server, others):
    rows = Tables(9, "mo", others=others).rows(FEW)
    server.put("counts", arrow(rows), over=True)
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), age_unit="mo", dialect="postgresql")
    assert_equal(rows, server.rows(statement), "mo")


def test_a_view_in_postgresql(server):
    rows = Tables(10).rows(50)
    server.put("counts", arrow(rows), over=True)
    server.run(cbc.sql(keep=["id"], columns=columns_of(rows), dialect="postgresql", view="flags"))
    assert_equal(rows, server.rows("SELECT * FROM flags"))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of PySpark's own sockets
def test_spark(spark):
    rows = Tables(11).rows(300)
    spark.createDataFrame(arrow(rows)).createOrReplaceTempView("counts")
    statement = cbc.sql(keep=["id"], columns=columns_of(rows), dialect="spark")
    assert_equal(rows, spark.sql(statement).toArrow().to_pylist())


# By hand --------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "line"), [(116.9, "low"), (117.0, "not_low"), (117.1, "not_low")])
def test_a_woman_of_54_has_low_hemoglobin_below_117(number, line):
    assert one({"hemoglobin": number})["red_line"] == line


@pytest.mark.parametrize(
    ("sign", "number", "line"),
    [("<", 117.0, "low"), ("<=", 117.0, "cannot_tell"), (">=", 117.0, "not_low"), (">", 116.9, "cannot_tell")],
)
def test_a_sign_before_the_limit(sign, number, line):
    assert one({"hemoglobin": number, "hemoglobin_comparator": sign})["red_line"] == line


def test_a_result_that_was_sent_and_cannot_be_used_is_no_result_that_was_not_sent():
    """White cells alone tell the white line only where no neutrophils were sent."""
    few = {"wbc": 0.4, "neutrophils": None}
    assert one(few)["white_line"] == "low"
    many = {"wbc": 9.0, "hemoglobin": 130.0, "platelets": 200.0}
    sent = one({**many, "neutrophils": None, "neutrophils_comparator": "clumped"})
    assert sent["white_line"] == "cannot_tell"
    assert "neutrophils:VALUE_MISSING" in sent["reasons"]
    assert one({**many, "neutrophils": -3.0})["white_line"] == "cannot_tell"
    assert (
        one({**many, "neutrophils": 3.0, "neutrophils_comparator": "?"})["reasons"] == "neutrophils:NUMBER_UNREADABLE"
    )


def test_what_is_unknown_is_never_normal():
    """Hemoglobin of 125 is normal in a woman and low in a man."""
    assert one({"hemoglobin": 125.0, "sex": "F"})["red_line"] == "not_low"
    assert one({"hemoglobin": 125.0, "sex": "M"})["red_line"] == "low"
    for sex in (None, "unknown", "2", " "):
        assert one({"hemoglobin": 125.0, "sex": sex})["red_line"] == "cannot_tell"
    assert one({"hemoglobin": 60.0, "sex": None, "age": None})["red_line"] == "low"
    nothing = one({})
    assert (nothing["pattern"], nothing["severity"], nothing["reasons"]) == (
        "cannot_tell",
        "cannot_tell",
        "record:NO_RESULT",
    )
    assert [nothing[name] for name in ("hemoglobin_grade", "white_grade", "platelets_grade")] == [None] * 3


def test_codes_for_sex_are_declared():
    row = {"hemoglobin": 125.0, "sex": "8507"}
    assert one(row)["red_line"] == "cannot_tell"
    assert one(row, sex_codes={"8507": "M", "8532": "F"})["red_line"] == "low"


def test_equal_rows_stay_apart_and_none_is_lost():
    row = {"age": 54.0, "sex": None, "pregnancy": "unknown", "hemoglobin": 125.0, "wbc": 5.0, "neutrophils": 3.0}
    rows = [{**row, "platelets": 200.0} for _ in range(7)]
    found = in_duckdb(cbc.sql(columns=columns_of(rows)), rows)
    assert len(found) == 7
    assert in_duckdb(cbc.sql(columns=columns_of(rows)), arrow(rows).slice(0, 0)) == []


@pytest.mark.parametrize("kind", [pa.float32(), pa.decimal128(6, 1), pa.float64()], ids=["single", "decimal", "double"])
def test_a_number_means_what_it_shows_in_every_type(kind):
    table = arrow([{"age": 54.0, "sex": "F", "pregnancy": None, **dict.fromkeys(LINES, 2.0)}])
    neutrophils = cbc.reference_range("neutrophils", age="54 y", sex="F").lower
    place = table.schema.get_field_index("neutrophils")
    cell = pa.array([neutrophils], type=pa.float64()).cast(kind)
    found = in_duckdb(cbc.sql(), table.set_column(place, "neutrophils", cell))
    assert found[0]["white_line"] == "not_low"


def test_names_that_need_quotes_and_cannot_end_the_statement():
    rows = arrow([{"age": 54.0, "sex": "F", "pregnancy": None, **dict.fromkeys(LINES, 60.0)}])
    odd = 'Hb "g/L"\n; DROP TABLE counts'
    table = rows.rename_columns([odd if name == "hemoglobin" else name for name in rows.column_names])
    found = in_duckdb(cbc.sql(columns={"age": "age", "sex": "sex", "hemoglobin": odd}, keep=["id"]), table)
    assert [row["red_line"] for row in found] == ["low"]


@given(st.floats(1e-99, 1e99))
def test_the_number_just_below_and_just_above(number):
    assert number * JUST_BELOW == math.nextafter(number, -math.inf)
    assert number / JUST_BELOW == math.nextafter(number, math.inf)


# What it says ---------------------------------------------------------------------------


def test_the_head_says_what_it_was_made_of_and_what_it_reads():
    statement = cbc.sql(definition="clinical", grading="ctcae_v5", keep=["id"])
    head = "\n".join(line for line in statement.splitlines() if line.startswith("-- "))
    plain = head.replace("\n-- ", " ")
    assert head.startswith(f"-- {cbc.NOTICE}")
    made_with = f"cbc-screen {cbc.__version__}, schema_version {SCHEMA_VERSION}, data {cbc.__data_version__}"
    assert f"{made_with}, ranges default, definition clinical" in plain
    assert "hemoglobin in g/L from hemoglobin" in plain
    assert "Unknown never becomes normal" in plain
    row = one({}, definition="clinical", grading="ctcae_v5")
    assert row["notice"] == cbc.NOTICE
    assert row["screened_with"].startswith(made_with)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dialect": "oracle"}, "duckdb, postgresql, spark"),
        ({"columns": {"hemaglobin": "hb"}}, "hemaglobin"),
        ({"columns": {"ferritin": "ferritin", "hemoglobin": "hb"}}, "changes no answer"),
        ({"columns": {"age": "age"}}, "at least one result"),
        ({"columns": {"hemoglobin": "hb", "wbc_comparator": "sign"}}, "wbc"),
        ({"columns": {"hemoglobin": " "}}, "name"),
        ({"keep": ["pattern"]}, "pattern"),
        ({"keep": ["id", "ID"]}, "twice"),
        ({"keep": "id"}, "list"),
        ({"age_unit": "moon"}, "age_unit"),
        ({"sex_codes": {"1": "male"}}, "sex_codes"),
        ({"definition": "strange"}, "strange"),
    ],
)
def test_what_cannot_be_written_is_said(options, said):
    with pytest.raises(UsageError, match=said):
        cbc.sql(**options)


def test_the_command_writes_the_same_statement(tmp_path):
    out = tmp_path / "flags.sql"
    options = ["sql", "--table", "lab.counts", "--keep", "id", "--columns", "hemoglobin=hb", "--columns", "sex=sex"]
    options += ["--sex-codes", "8507=M", "--dialect", "postgresql", "--age-unit", "mo", "--view", "lab.flags"]
    printed = CliRunner().invoke(main, options)
    assert printed.exit_code == 0
    wanted = cbc.sql(
        table="lab.counts", keep=["id"], columns={"hemoglobin": "hb", "sex": "sex"}, sex_codes={"8507": "M"},
        dialect="postgresql", age_unit="mo", view="lab.flags",
    )  # fmt: skip
    assert printed.output == wanted
    assert CliRunner().invoke(main, [*options, "-o", str(out)]).exit_code == 0
    assert out.read_text() == wanted
    assert CliRunner().invoke(main, [*options, "-o", str(out)]).exit_code == 2


def tables_of(page: Path) -> list[list[dict[str, str]]]:
    """Return the tables of a page, each as rows of cells by heading."""
    found = []
    for block in page.read_text(encoding="utf-8").split("\n\n"):
        lines = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines() if line[:1] == "|"
        ]
        found += [[dict(zip(lines[0], line, strict=True)) for line in lines[2:]]] if lines else []
    return found


def test_the_page_shows_what_comes_out():
    given, shown = tables_of(ROOT / "docs/sql.md")[:2]
    numbers = ("age", *LINES)
    rows = [
        {n: (float(c) if n in numbers else c) if c else None for n, c in r.items() if n != "count_id"} for r in given
    ]
    found = in_duckdb(cbc.sql(keep=["id"], columns=columns_of(rows)), rows)
    assert {int(row["count_id"]) for row in shown} == {own["id"] + 1 for own in found} == set(range(1, 6))
    for row in shown:
        own = next(one for one in found if one["id"] + 1 == int(row["count_id"]))
        assert {n: "NULL" if own[n] is None else str(own[n]) for n in row if n != "count_id"} == {
            name: cell for name, cell in row.items() if name != "count_id"
        }
