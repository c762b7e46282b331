"""DuckDB: rows come as Arrow as they are worked out, so that the memory does not depend on them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbc_screen.databases.address import Address, parts_of, quoted
from cbc_screen.databases.faults import told
from cbc_screen.databases.places import no_place
from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 65_536
_MODE = 0o600
_QUIET = "SET enable_progress_bar = false"  # it would stand in what goes to standard output
_MEMORY = "512MB"  # of a query that writes; what does not fit goes to the disk
# A name of DuckDB is the same in capitals.
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
def rows(address: Address, statement: str) -> Iterator[pa.RecordBatchReader]:
    """Give the rows of a statement, a part at a time."""
    duckdb = _library()
    if not os.path.exists(address.where):
        raise UsageError(f"the source {os.path.basename(address.where)!r} does not exist; check its name and folder")
    connection = told(address, lambda: duckdb.connect(address.where, read_only=True))
    try:
        told(address, lambda: connection.execute(_QUIET).fetchall())
        parts = told(address, lambda: connection.extract_statements(statement))
        if len(parts) != 1 or parts[0].type != duckdb.StatementType.SELECT:
            raise UsageError(f"{address.called}: the query is not one SELECT")
        relation = told(address, lambda: connection.sql(statement))
        for name, kind in zip(relation.columns, relation.types, strict=True):
            if str(kind) == "JSON":  # comes as a text like any other
                raise no_place(name, "json")
        # By a relation: a result of `execute` would lie in memory as a whole.
        reader = relation.to_arrow_reader if hasattr(relation, "to_arrow_reader") else relation.fetch_arrow_reader
        yield told(address, lambda: reader(_ROWS))
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
        # A folder of its owner's only: DuckDB would let others read a new file and what it writes beside it.
        self._folder = tempfile.TemporaryDirectory(prefix="cbc-screen-", dir=self._path.parent)
        self._writers: dict[str, Any] = {}
        self._notes: dict[str, str] = {}

    def require_absent(self, table: str) -> None:
        """Refuse the name of a table that exists."""
        if os.path.lexists(self._path):
            with self._connected(self._path, read_only=True) as connection:
                self._require_absent(connection, table)

    def append(self, table: str, rows: pa.Table) -> None:
        """Add rows; the first ones make the table."""
        import pyarrow.parquet as pq

        if table not in self._writers:
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
        with self._connected(where, read_only=False) as connection:
            told(self._address, connection.begin)
            for number, table in enumerate(self._writers):
                self._require_absent(connection, table)
                statement = f"CREATE TABLE {quoted(table)} AS SELECT * FROM read_parquet(?)"
                self._run(connection, statement, [str(self._rows(number))])
                remark = self._notes.get(table, "").replace("'", "''")
                self._run(connection, f"COMMENT ON TABLE {quoted(table)} IS '{remark}'")
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
    def _connected(self, path: Path, *, read_only: bool) -> Iterator[Any]:
        connection = told(self._address, lambda: _library().connect(str(path), read_only=read_only))
        try:
            for setting in (_QUIET, f"SET memory_limit = '{_MEMORY}'", "SET threads = 1"):
                self._run(connection, setting)
            yield connection
        finally:
            connection.close()

    def _run(self, connection: Any, statement: str, given: Sequence[str] = ()) -> list[Any]:
        """Run a statement to its end: another may not begin before."""
        return told(self._address, lambda: list(connection.execute(statement, list(given)).fetchall()))

    def _require_absent(self, connection: Any, table: str) -> None:
        *schema, name = parts_of(table)
        own = [name, schema[0] if schema else "main"]
        [[many]] = self._run(connection, _THERE, own)
        if many:
            raise UsageError(f"{self._address.name}: a table {table} exists, and none is overwritten; name another one")

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
