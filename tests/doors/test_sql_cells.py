"""What a cell means to the statement that `cbc_screen.sql` writes: a text that it cannot read is never left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sql_answers import in_duckdb, whole

import cbc_screen as cbc
from cbc_screen.exported.dialects import DIALECTS, Dialect, DialectWords
from count_tables import LINES, arrow
from strategies import KNOWLEDGE

ROOT = Path(__file__).resolve().parents[2]
Ask = Callable[[str, pa.Table], list[dict[str, Any]]]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # of PySpark's own sockets
COUNTS = {"age": 54.0, "sex": "F", "hemoglobin": 130.0, "wbc": 9.0, "neutrophils": 5.0, "platelets": 200.0}


@pytest.fixture(params=["duckdb", "postgresql"])
def database(request: pytest.FixtureRequest) -> tuple[str, Ask]:
    """A database and what asks it. Spark plans a whole statement for seconds; it is asked for single cells below."""
    return request.param, asker(request, request.param)


@pytest.fixture(params=["duckdb", "postgresql", "spark", "spark_ansi"])
def words(request: pytest.FixtureRequest) -> tuple[DialectWords, Ask]:
    """What a database writes, and what asks it; Spark with its own casts, and with those of the standard."""
    ask = asker(request, request.param.removesuffix("_ansi"))
    if request.param.startswith("spark"):
        session = request.getfixturevalue("spark")
        session.conf.set("spark.sql.ansi.enabled", str(request.param == "spark_ansi").lower())
    return DIALECTS[Dialect(request.param.removesuffix("_ansi"))], ask


def asker(request: pytest.FixtureRequest, name: str) -> Ask:
    if name == "duckdb":
        return in_duckdb
    if name == "postgresql":
        server = request.getfixturevalue("server")

        def ask(statement: str, table: pa.Table) -> list[dict[str, Any]]:
            server.put("counts", table, over=True)
            return server.rows(statement)

        return ask
    session = request.getfixturevalue("spark")

    def ask_spark(statement: str, table: pa.Table) -> list[dict[str, Any]]:
        session.createDataFrame(table).createOrReplaceTempView("counts")
        return session.sql(statement).toArrow().to_pylist()

    return ask_spark


def read(words: tuple[DialectWords, Ask], how: str, cells: list[Any], kind: pa.DataType | None = None) -> list[Any]:
    """Return what single cells are read as."""
    dialect, ask = words
    table = pa.table({"id": list(range(len(cells))), "own": pa.array(cells, kind or pa.string())})
    statement = f"SELECT id, {getattr(dialect, how)('own')} AS own FROM counts"
    return [row["own"] for row in sorted(ask(statement, table), key=lambda row: row["id"])]


def table_of(cells: list[Any], name: str, kind: pa.DataType | None = None) -> pa.Table:
    """Return a count for each cell of one column, healthy but for it."""
    columns: dict[str, Any] = {other: [value] * len(cells) for other, value in COUNTS.items() if other != name}
    columns["pregnancy"] = pa.array([None] * len(cells), pa.string())
    return pa.table({"id": list(range(len(cells))), **columns, name: pa.array(cells, kind or pa.string())})


def answers(database: tuple[str, Ask], table: pa.Table, answer: str, **options: Any) -> list[Any]:
    dialect, ask = database
    statement = cbc.sql(dialect=dialect, keep=["id"], **options)
    return [row[answer] for row in sorted(ask(statement, table), key=lambda row: row["id"])]


# Numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["CLUMPED", "<5", "5d", "1_0", "0x10", "60,0", " ", "١٠", "2026-01-01", "1e", "--5"])
def test_a_text_is_no_number_in_any_database(words, text):
    with pytest.raises(Exception, match="column own holds a text that is no number") as stopped:
        read(words, "as_number", ["4", text])
    shown = str(stopped.value).partition("holds a text")[2].splitlines()[0]
    assert text == " " or text not in shown


def test_numbers_that_are_written_as_texts(words):
    cells = ["117", "116.9", " 117.0 ", "1.17e2", "+117", "117.", ".5", "-3", "1E-7", None, "nan", "NaN"]
    wanted = [117.0, 116.9, 117.0, 117.0, 117.0, 117.0, 0.5, -3.0, 1e-7, None, None, None]
    assert read(words, "as_number", cells) == wanted
    assert read(words, "as_number", ["inf", "-Infinity", "+inf"]) == [math.inf, -math.inf, math.inf]


def test_numbers_of_every_size_and_type(words):
    numbers = [1.7976931348623157e308, 5e-324, 1e22, 123456789.125, 1e-7, -0.5, math.inf, -math.inf, math.nan, None]
    assert read(words, "as_number", numbers, pa.float64()) == [*numbers[:-2], None, None]
    assert read(words, "as_number", [0, -7, 2**53, None], pa.int64()) == [0.0, -7.0, 2.0**53, None]


def test_a_text_in_a_column_of_numbers_ends_the_statement(database):
    """NULL would say that nothing was sent: white cells would then tell the white line by themselves."""
    for name in ("neutrophils", "age"):
        with pytest.raises(Exception, match=f"column {name} holds a text that is no number") as stopped:
            answers(database, table_of(["4", "CLUMPED"], name), "white_line")
        assert "CLUMPED" not in str(stopped.value)


def test_spark_with_its_own_casts_ends_too(spark):
    spark.conf.set("spark.sql.ansi.enabled", "false")
    spark.createDataFrame(table_of(["4", "CLUMPED"], "neutrophils")).createOrReplaceTempView("counts")
    with pytest.raises(Exception, match="column neutrophils holds a text that is no number") as stopped:
        spark.sql(cbc.sql(dialect="spark")).collect()
    assert "CLUMPED" not in str(stopped.value)


# True and false -------------------------------------------------------------------------


def test_true_and_false_in_every_way_that_a_column_has_them(words):
    assert read(words, "as_truth", [True, False, None], pa.bool_()) == [True, False, None]
    assert read(words, "as_truth", ["true", "T", "Yes", "y", "1", " TRUE "]) == [True] * 6
    assert read(words, "as_truth", ["false", "F", "No", "n", "0", "FALSE "]) == [False] * 6
    assert read(words, "as_truth", [1, 0, None], pa.int64()) == [True, False, None]
    assert read(words, "as_truth", [1.0, 0.0, math.nan], pa.float64()) == [True, False, None]
    assert read(words, "as_truth", [None, "", " "]) == [None] * 3


@pytest.mark.parametrize("cell", ["2", "perhaps", "-1", "ja"])
def test_a_code_that_is_neither_true_nor_false_is_not_guessed(words, cell):
    with pytest.raises(Exception, match="column own holds what is neither true nor false") as stopped:
        read(words, "as_truth", ["true", cell])
    assert "perhaps" not in str(stopped.value)


UNCORRECTED = {name: name for name in (*COUNTS, "pregnancy", "wbc_uncorrected", "nrbc")}


def white_lines(database: tuple[str, Ask], cells: list[Any], kind: pa.DataType | None = None) -> list[Any]:
    """White cells of 4.0 beside 100 nucleated red cells of 100 are 2.0, where they were not corrected for them."""
    table = table_of(cells, "wbc_uncorrected", kind)
    table = table.set_column(table.schema.get_field_index("wbc"), "wbc", pa.array([4.0] * len(cells)))
    table = table.drop_columns("neutrophils").append_column("nrbc", pa.array([100.0] * len(cells)))
    columns = {name: name for name in UNCORRECTED if name != "neutrophils"}
    return answers(database, table, "white_line", columns=columns)


def test_a_truth_of_every_kind_changes_the_answer(database):
    yes, no, nothing = white_lines(database, [True, False, None], pa.bool_())
    assert yes == "low"
    assert no != yes
    assert white_lines(database, ["Y", "no", ""]) == [yes, no, nothing]
    assert white_lines(database, [1, 0, None], pa.int64()) == [yes, no, nothing]
    with pytest.raises(Exception, match="column wbc_uncorrected holds what is neither true nor false"):
        white_lines(database, ["true", "2"])


# Words ----------------------------------------------------------------------------------


def test_words_for_sex_are_those_of_a_record(database):
    """Hemoglobin of 125 is normal in a woman and low in a man. Letters of other scripts and accents are not folded."""
    words = [word for word in KNOWLEDGE.words.sex if word.isascii()]
    cells = [*words, *map(str.upper, words), *map(str.title, words), "1", "2", "E", "M/F", "fe male", "mãle"]
    found = answers(database, with_hemoglobin_125(cells), "red_line")
    line = {"F": "not_low", "M": "low", "unknown": "cannot_tell"}
    assert found == [line[KNOWLEDGE.words.sex.get(cell.lower(), "unknown")] for cell in cells]


def with_hemoglobin_125(cells: list[Any], kind: pa.DataType | None = None) -> pa.Table:
    table = table_of(cells, "sex", kind)
    return table.set_column(table.schema.get_field_index("hemoglobin"), "hemoglobin", pa.array([125.0] * len(cells)))


@pytest.mark.parametrize(
    ("codes", "kind", "cells", "lines"),
    [
        ({"1": "M", "2": "F"}, pa.string(), ["1", " 2 ", "1.0", "3", "f"], "low not_low low cannot_tell not_low"),
        ({"1": "M", "2": "F"}, pa.int64(), [1, 2, None, 3], "low not_low cannot_tell cannot_tell"),
        ({"1": "M", "2": "F"}, pa.float64(), [1.0, 2.0, None, 3.0], "low not_low cannot_tell cannot_tell"),
        ({"M": "F", "H": "M"}, pa.string(), ["M", "m", "H", "mujer"], "not_low not_low low not_low"),
        ({"Ж": "F", "É": "M"}, pa.string(), ["Ж", "É", "X"], "not_low low cannot_tell"),
        ({"o'x": "F", "a\\b": "M"}, pa.string(), ["o'x", "O'X", "a\\b", "ab"], "not_low not_low low cannot_tell"),
        ({"F": "unknown"}, pa.string(), ["F", "female", "M"], "cannot_tell not_low low"),
    ],
)
def test_declared_codes_for_sex(database, codes, kind, cells, lines):
    assert answers(database, with_hemoglobin_125(cells, kind), "red_line", sex_codes=codes) == lines.split()


def test_words_for_a_stage_of_pregnancy_are_those_of_a_record(database):
    words = [word for word in KNOWLEDGE.words.pregnancy if word.isascii()]
    cells = [*words, *map(str.upper, words), "2", "perhaps", None]
    found = answers(database, with_stage(cells), "reasons")
    found_lines = answers(database, with_stage(cells), "red_line")
    kernel = cbc.Screener()
    for cell, reasons, line in zip(cells, found, found_lines, strict=True):
        sent = {name: {"value": value, "unit": KNOWLEDGE.analytes[name].units.canonical}
                for name, value in {**COUNTS, "hemoglobin": 108.0}.items() if name in LINES}  # fmt: skip
        flags = kernel.screen({"age": 31.0, "age_unit": "y", "sex": "F", "pregnancy": cell, **sent}).flags()
        assert (reasons, line) == (flags["reasons"], flags["red_line"]), cell


def with_stage(cells: list[Any]) -> pa.Table:
    rows = [whole({**COUNTS, "age": 31.0, "hemoglobin": 108.0, "pregnancy": cell}) for cell in cells]
    return arrow(rows)


def test_words_and_codes_in_spark(spark):
    table = with_hemoglobin_125(["F", " male ", "HOMBRE", "1.0", "o'x", "2", None, "a\\b"])
    spark.createDataFrame(table).createOrReplaceTempView("counts")
    found = spark.sql(cbc.sql(dialect="spark", keep=["id"], sex_codes={"1": "M", "o'x": "F", "a\\b": "M"})).collect()
    lines = [row["red_line"] for row in sorted(found, key=lambda row: row["id"])]
    assert lines == ["not_low", "low", "low", "low", "not_low", "cannot_tell", "cannot_tell", "low"]


def test_a_sign_with_more_around_it_is_not_usable(database):
    cells = ["<", " < ", "<<", "≤", "＜", "< 5", "NULL", "~", "less than"]
    table = table_of(cells, "hemoglobin_comparator")
    table = table.set_column(table.schema.get_field_index("hemoglobin"), "hemoglobin", pa.array([60.0] * len(cells)))
    columns = {name: name for name in (*COUNTS, "hemoglobin_comparator")}
    found = answers(database, table, "red_line", columns=columns)
    assert found == ["low", "low", *["cannot_tell"] * 7]


def test_the_page_shows_how_a_text_goes_beside_its_number():
    """Sent and not usable is cannot_tell; a blank is not sent."""
    page = (ROOT / "docs/sql.md").read_text(encoding="utf-8")
    view = next(part for part in page.split("```") if part.startswith("sql\nCREATE VIEW")).removeprefix("sql\n")
    columns = {name: name for name in (*COUNTS, "platelets_comparator")}
    statement = cbc.sql(table="numbers", keep=["id"], columns=columns)
    with duckdb.connect() as own:
        own.register("given", table_of(["240", "CLUMPED", "<5", "40", "", None], "platelets"))
        own.execute("CREATE TABLE counts AS SELECT * FROM given")
        own.execute(view)
        found = own.sql(f"SELECT platelet_line, reasons FROM ({statement}) ORDER BY id").fetchall()
    assert found == [
        ("not_low", ""),
        ("cannot_tell", "platelets:VALUE_MISSING"),
        ("cannot_tell", "platelets:VALUE_MISSING"),
        ("low", ""),
        ("cannot_tell", "platelets:NO_RESULT"),
        ("cannot_tell", "platelets:NO_RESULT"),
    ]
