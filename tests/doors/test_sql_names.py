"""Names of tables and columns in the statement that `cbc_screen.sql` writes: whose they are, and what is refused."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from sql_answers import in_duckdb, whole

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from cbc_screen.exported.dialects import DIALECTS, Dialect
from count_tables import LINES, arrow

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # of PySpark's own sockets
LOW = whole({"hemoglobin": 60.0})
QUOTES = {"duckdb": '"', "postgresql": '"', "spark": "`"}


def quoted(name: str, dialect: str) -> str:
    mark = QUOTES[dialect]
    return mark + name.replace(mark, mark * 2) + mark


def red_lines(table: str, written: str) -> list[str]:
    """Return the answers of DuckDB for a table of one low hemoglobin."""
    with duckdb.connect() as database:
        database.register("given", arrow([LOW]))
        database.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
        return [row[0] for row in database.sql(f"SELECT red_line FROM ({cbc.sql(table=written)})").fetchall()]


# Kept columns ---------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", QUOTES)
@pytest.mark.parametrize("name", ["pattern", "Red_Line", "reasons", "NOTICE", "hemoglobin_grade"])
def test_a_kept_column_never_takes_the_name_of_an_answer(dialect, name):
    for own in (name, quoted(name, dialect)):
        with pytest.raises(UsageError, match=f"{name.lower()} is the name of an answer"):
            cbc.sql(keep=["id", own], dialect=dialect)


@pytest.mark.parametrize("dialect", QUOTES)
def test_a_kept_column_is_named_once(dialect):
    for keep in (["id", quoted("id", dialect)], [quoted("ID", dialect), "id"], [quoted("a b", dialect), "a b"]):
        with pytest.raises(UsageError, match="named twice"):
            cbc.sql(keep=keep, dialect=dialect)


def test_a_name_in_the_quotes_of_another_database_is_a_name_with_quotes_in_it():
    statement = cbc.sql(keep=['"pattern"'], dialect="spark")
    assert '`"pattern"`' in statement


# Tables and views -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "view"),
    [
        ("counts", "counts"),
        ("counts", "COUNTS"),
        ('"Counts"', "counts"),
        ("lab.counts", "counts"),
        ("counts", "lab.counts"),
        ("warehouse.lab.counts", 'Lab."counts"'),
    ],
)
def test_a_view_never_replaces_the_table_that_it_reads(table, view):
    with pytest.raises(UsageError, match="view: may be the table itself"):
        cbc.sql(table=table, view=view)


@pytest.mark.parametrize(("table", "view"), [("lab.counts", "own.counts"), ("counts", "flags"), ("a.b", "b.a")])
def test_a_view_of_another_name_is_written(table, view):
    assert f"CREATE OR REPLACE VIEW {view} AS" in cbc.sql(table=table, view=view)


@pytest.mark.parametrize(
    "name", ["limits", "stages", "situations", "possible", "choices", "numbered", "told", "joined"]
)
def test_no_part_of_the_statement_hides_a_table_of_a_plain_name(name):
    assert red_lines(name, name) == ["low"]


def test_a_table_that_a_part_would_hide_is_read_with_its_schema():
    for name in ("cbc_told", "CBC_Limits", '"cbc_keyed"'):
        with pytest.raises(UsageError, match="a part of the statement has this name"):
            cbc.sql(table=name)
        assert red_lines(name, f"main.{name}") == ["low"]
    assert red_lines("cbc_counts", "cbc_counts") == ["low"]


@pytest.mark.parametrize(
    ("made", "written"),
    [
        ('"order"', '"order"'),
        ('"a""b"', '"a""b"'),
        ('"a""b"', 'a"b'),
        ('"lab.counts"', '"lab.counts"'),
        ('"Zählungen 2026"', "Zählungen 2026"),
        ('"\'; DROP TABLE counts --"', "'; DROP TABLE counts --"),
        ('""""', '"'),
    ],
)
def test_names_with_quotes_points_and_blanks(made, written):
    assert red_lines(made, written) == ["low"]


@pytest.mark.parametrize("dialect", QUOTES)
def test_a_name_in_quotes_is_written_as_it_is(dialect):
    words, mark = DIALECTS[Dialect(dialect)], QUOTES[dialect]
    doubled = f"{mark}a{mark * 2}b{mark}"
    assert words.identifier(doubled) == doubled
    assert words.unquoted(doubled) == f"a{mark}b"
    assert words.identifier(f"a{mark}b") == doubled
    assert words.identifier(f"{mark}a{mark}b{mark}") == f"{mark * 3}a{mark * 2}b{mark * 3}"
    assert words.parts(f"{mark}x.y{mark * 2}.z{mark}.t") == [f"{mark}x.y{mark * 2}.z{mark}", "t"]


def test_names_with_quotes_in_postgresql_and_spark(server, spark):
    table = arrow([LOW]).rename_columns(['we"ird`', "age", "sex", "pregnancy", *LINES])
    server.run('CREATE SCHEMA "La b"')
    server.put("plain", table.rename_columns(["odd", *table.column_names[1:]]), over=True)
    server.run('ALTER TABLE plain RENAME odd TO "we""ird`"', 'ALTER TABLE plain SET SCHEMA "La b"')
    own = cbc.sql(table='La b."plain"', keep=['we"ird`'], dialect="postgresql")
    assert [(row['we"ird`'], row["red_line"]) for row in server.rows(own)] == [(0, "low")]
    spark.createDataFrame(table).createOrReplaceTempView("plain")
    for name in ('we"ird`', '`we"ird```'):
        found = spark.sql(cbc.sql(table="plain", keep=[name], dialect="spark")).collect()
        assert [(row['we"ird`'], row["red_line"]) for row in found] == [(0, "low")]


@pytest.mark.parametrize("name", ["", " ", "\t", '""', '" "', "a\0b", "lab..counts", ".", "lab.", None, 7, ["counts"]])
def test_what_is_no_name_is_refused_in_one_way(name):
    said = "a name must be a text that is not blank, without NUL"
    with pytest.raises(UsageError, match=f"table: {said}"):
        cbc.sql(table=name)
    if name is not None:
        with pytest.raises(UsageError, match=f"view: {said}"):
            cbc.sql(view=name)
    if name not in ("lab..counts", ".", "lab."):  # a column has no schema
        with pytest.raises(UsageError, match=f"keep: {said}"):
            cbc.sql(keep=[name])
        with pytest.raises(UsageError, match=f"columns: hemoglobin: {said}"):
            cbc.sql(columns={"hemoglobin": name})


def test_columns_may_have_the_names_that_the_statement_uses_within():
    columns = {"platelets": "in_hemoglobin", "hemoglobin": "cbc_row", "sex": "in_platelets", "age": "sex"}
    table = pa.table({"in_hemoglobin": [200.0], "cbc_row": [60.0], "in_platelets": ["F"], "sex": [54.0], "kept_0": [7]})
    (found,) = in_duckdb(cbc.sql(columns=columns, keep=["kept_0", "cbc_row"]), table)
    assert (found["kept_0"], found["cbc_row"]) == (7, 60.0)
    assert (found["red_line"], found["platelet_line"]) == ("low", "not_low")


# Texts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ward's", "a\\", "a\\'b", "''", '"; DROP', "ä\u2028b"])
def test_texts_stay_what_they_are(name, server, spark):
    assert duckdb.sql(f"SELECT {DIALECTS[Dialect.DUCKDB].text(name)}").fetchall() == [(name,)]
    assert server.rows(f"SELECT {DIALECTS[Dialect.POSTGRESQL].text(name)} AS own") == [{"own": name}]
    assert spark.sql(f"SELECT {DIALECTS[Dialect.SPARK].text(name)} AS own").collect()[0]["own"] == name


def test_the_name_of_a_file_of_ranges_ends_no_text(ranges_of_own, server, spark):
    """`screened_with` names the file."""
    options = {"ranges": str(ranges_of_own), "keep": ["id"]}
    said = f"ranges {ranges_of_own.name},"
    assert said in in_duckdb(cbc.sql(**options), arrow([LOW]))[0]["screened_with"]
    server.put("counts", arrow([LOW]), over=True)
    assert said in server.rows(cbc.sql(**options, dialect="postgresql"))[0]["screened_with"]
    spark.createDataFrame(arrow([LOW])).createOrReplaceTempView("counts")
    assert said in spark.sql(cbc.sql(**options, dialect="spark")).collect()[0]["screened_with"]


@pytest.mark.parametrize("name", ["hb\nDROP TABLE counts", "hb\u2028x", "hb\x1b[2J", "hb\u202ex", "hb\rDROP"])
def test_no_name_leaves_the_comment_of_the_head_or_rewrites_a_terminal(name):
    statement = cbc.sql(columns={"hemoglobin": name}, sex_codes={name: "F"})
    head, _, body = statement.partition("\nWITH ")
    assert all(line.startswith("-- ") for line in head.split("\n"))
    assert head.replace("\n", "").isprintable()
    assert f'"{name}"' in body
