"""DuckDB: rows come as Arrow as they are worked out, so that the memory does not depend on them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbc_screen.databases.address import Address, parts_of, quoted_parts
from cbc_screen.databases.faults import Words, exists, no_schema, not_opened, not_written, said, told
from cbc_screen.databases.places import no_place
from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 65_536
_MODE = 0o600
# Types that come as another one: a document as a text like any other, a time without the offset that it has, the largest of
# the unsigned whole numbers as negative ones.
_LOSING = {"JSON": "json", "TIME WITH TIME ZONE": "time with time zone", "UHUGEINT": "uhugeint"}
_QUIET = "SET enable_progress_bar = false"  # it would stand in what goes to standard output
_UTC = "SET TimeZone = 'UTC'"  # else a moment is told in the zone of the machine, perhaps on another day
_MEMORY = "512MB"  # of a query that writes; what does not fit goes to the disk
# A name of DuckDB is the same in capitals.
_SCHEMA = (
    "SELECT catalog_name, schema_name FROM information_schema.schemata "
    "WHERE catalog_name = current_database() AND lower(schema_name) = lower(?)"
)
_MAIN = "main"  # the schema that a new file has
_THERE = "SELECT count(*) FROM information_schema.tables WHERE lower(table_name) = lower(?) AND lower(table_schema) = lower(?)"


def _library() -> Any:
    try:
        import duckdb
    except ImportError:
        duckdb = None  # type: ignore[assignment]
    if duckdb is None:
        raise UsageError("files of DuckDB need its library: pip install 'cbc-screen[duckdb]'")
    return duckdb


@contextmanager
def rows(address: Address, statement: str) -> Iterator[tuple[pa.RecordBatchReader, Words]]:
    """Give the rows of a statement, a part at a time, and what an error in the middle of them means."""
    duckdb = _library()
    if not os.path.exists(address.where):
        raise UsageError("the source does not exist")
    connection = told(address, lambda: duckdb.connect(address.where, read_only=True), not_opened)
    try:
        told(address, lambda: connection.execute(_QUIET).fetchall())
        with suppress(duckdb.Error):  # without its part for zones DuckDB has UTC only
            connection.execute(_UTC)
        parts = told(address, lambda: connection.extract_statements(statement))
        if len(parts) != 1 or parts[0].type != duckdb.StatementType.SELECT:
            raise UsageError(f"{address.called}: the query is not one SELECT")
        relation = told(address, lambda: connection.sql(statement))
        for name, kind in zip(relation.columns, relation.types, strict=True):
            if str(kind) in _LOSING:
                raise no_place(name, _LOSING[str(kind)])
        # By a relation: a result of `execute` would lie in memory as a whole.
        reader = relation.to_arrow_reader if hasattr(relation, "to_arrow_reader") else relation.fetch_arrow_reader
        yield told(address, lambda: reader(_ROWS)), said
    finally:
        connection.close()


class NewDuckDBTable:
    """Tables that are there when they are whole: kept beside the database, and put into it at the end in one transaction.

    A transaction that is open as long as a scan keeps its rows in memory (measured: 1.2 GB for 300,000 rows), and the file
    locked.
    """

    def __init__(self, address: Address) -> None:
        assert address.table is not None
        self._address, self._path = address, Path(address.where)
        _library()
        if not self._path.parent.is_dir():
            raise UsageError(f"the folder of {self._path.name} does not exist")
        if os.path.lexists(self._path) and not self._path.exists():
            raise UsageError(f"{self._path.name} is a link to no file; name a file")
        # A folder of its owner's only: DuckDB would let others read a new file and what it writes beside it.
        self._folder = tempfile.TemporaryDirectory(prefix="cbc-screen-", dir=self._path.parent)
        self._writers: dict[str, Any] = {}
        self._notes: dict[str, str] = {}

    def require_absent(self, table: str) -> None:
        """Refuse the name of a table that exists, or that cannot be made; it is made, and let go of, to see."""
        if not os.path.lexists(self._path):
            *schema, _ = parts_of(table)
            if schema and schema[0].lower() != _MAIN:
                raise no_schema(self._address, table)
            return
        with self._connected(self._path) as connection:
            told(self._address, connection.begin)
            self._run(connection, f"CREATE TABLE {self._place(connection, table)} (row BIGINT)")
            told(self._address, connection.rollback)

    def append(self, table: str, rows: pa.Table) -> None:
        """Add rows; the first ones make the table."""
        import pyarrow.parquet as pq

        rows = told(self._address, lambda: _as_kept(rows), not_written)
        if table not in self._writers:
            _require_one_name_each(rows.column_names)
            self._writers[table] = pq.ParquetWriter(self._rows(len(self._writers)), rows.schema, compression="lz4")
        self._writers[table].write_table(rows)

    def note(self, table: str, text: str) -> None:
        """Say in the database what a table is."""
        self._notes[table] = text

    def commit(self) -> None:
        """Make the tables."""
        for writer in self._writers.values():
            writer.close()
        is_new = not os.path.lexists(self._path)
        where = Path(self._folder.name) / self._path.name if is_new else self._path
        with self._connected(where) as connection:
            told(self._address, connection.begin)
            for number, table in enumerate(self._writers):
                place = self._place(connection, table)
                self._run(
                    connection, f"CREATE TABLE {place} AS SELECT * FROM read_parquet(?)", [str(self._rows(number))]
                )
                remark = self._notes.get(table, "").replace("'", "''")
                self._run(connection, f"COMMENT ON TABLE {place} IS '{remark}'")
            told(self._address, connection.commit)
        if is_new:
            self._name(where)

    def close(self) -> None:
        """Let go of what was kept."""
        for writer in self._writers.values():
            with suppress(Exception):
                writer.close()
        self._folder.cleanup()

    def _rows(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.parquet"

    @contextmanager
    def _connected(self, path: Path) -> Iterator[Any]:
        connection = told(self._address, lambda: _library().connect(str(path)), not_opened)
        try:
            for setting in (_QUIET, f"SET memory_limit = '{_MEMORY}'", "SET threads = 1"):
                self._run(connection, setting)
            yield connection
        finally:
            connection.close()

    def _run(self, connection: Any, statement: str, given: Sequence[str] = ()) -> list[Any]:
        """Run a statement to its end: another may not begin before."""
        return told(self._address, lambda: list(connection.execute(statement, list(given)).fetchall()), not_written)

    def _place(self, connection: Any, table: str) -> str:
        """Return where a table goes, with the name of its database: "temp.x" would be gone with the connection."""
        *schema, name = parts_of(table)
        found = self._run(connection, _SCHEMA, [schema[0] if schema else _MAIN])
        if not found:
            raise no_schema(self._address, table)
        [(catalog, own)] = found
        [[many]] = self._run(connection, _THERE, [name, own])
        if many:
            raise exists(self._address, table)
        return quoted_parts(catalog, own, name)

    def _name(self, made: Path) -> None:
        """Give a new file its name."""
        made.chmod(_MODE)
        there = False
        try:
            os.link(made, self._path)  # unlike a rename it replaces nothing
        except FileExistsError:
            there = True
        if there:
            raise UsageError(f"{self._path.name} was made by somebody else in between; run it again")


def _require_one_name_each(columns: Sequence[str]) -> None:
    """Refuse columns whose names DuckDB takes for one: it would give the second, which may be the answer, another name."""
    seen: dict[str, str] = {}
    for column in columns:
        other = seen.setdefault(column.lower(), column)
        if other is not column:
            raise UsageError(
                f"columns {other!r} and {column!r} are one name to DuckDB, in which capitals do not count; rename one in the source"
            )


def _as_kept(rows: pa.Table) -> pa.Table:
    """Return rows in types that DuckDB reads as they are, before all of them are screened: it counts moments in microseconds, and
    would make floats of the longest decimals.
    """
    import pyarrow as pa
    import pyarrow.types as types

    def kept(kind: pa.DataType) -> pa.DataType:
        if types.is_decimal256(kind):
            return pa.string()
        return pa.timestamp("us", kind.tz) if types.is_timestamp(kind) and kind.unit in ("s", "ms") else kind

    return rows.cast(pa.schema([pa.field(field.name, kept(field.type)) for field in rows.schema]))
