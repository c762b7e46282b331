"""PostgreSQL by ADBC: rows come as Arrow as they are read (COPY), so that the memory does not depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from cbc_screen.databases.address import Address, parts_of, quoted
from cbc_screen.databases.faults import Words, exists, no_schema, not_connected, not_written, said, told
from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_READING = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    # The same rows in the same order, so that a scan can go on: several scans of a large table would share theirs.
    "SET synchronize_seqscans = off",
)
# Whether the table exists; how many bytes of a name the server keeps: it would cut a longer one; the schema it goes to.
_PLACE = (
    "SELECT to_regclass($1) IS NOT NULL, "
    "current_setting('max_identifier_length')::int, "
    "CASE WHEN $2::text = '' THEN current_schema()::text ELSE (SELECT nspname::text FROM pg_namespace WHERE nspname = $2::text) END"
)
_IN_ORDER = "SET max_parallel_workers_per_gather = 0"  # of a table, which nobody can give an order


def connect(address: Address, *, autocommit: bool) -> Any:
    """Return a connection."""
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        dbapi = None
    if dbapi is None:
        raise UsageError("PostgreSQL needs its driver: pip install 'cbc-screen[postgresql]'")
    return told(address, lambda: dbapi.connect(address.where, autocommit=autocommit), not_connected)


@contextmanager
def rows(address: Address, statement: str) -> Iterator[tuple[pa.RecordBatchReader, Words]]:
    """Give the rows of a statement, a part at a time, and what an error in the middle of them means."""
    connection = connect(address, autocommit=True)
    cursor = connection.cursor()
    try:
        for setting in (*_READING, *([_IN_ORDER] if address.table is not None else [])):
            told(address, lambda own=setting: cursor.execute(own))  # type: ignore[misc]
        told(address, lambda: cursor.execute(statement))
        yield told(address, cursor.fetch_record_batch), lambda error: said(error, answers=_answers(connection))
    finally:
        close(cursor, connection)


def _answers(connection: Any) -> bool:
    """Tell whether the server still answers: it words its errors in a language of its own."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as error:
        return bool(getattr(error, "sqlstate", None))  # the transaction is over, the connection is not
    return True


def close(*opened: Any) -> None:
    """Close what may have gone away."""
    for one in opened:
        with suppress(Exception):
            one.close()


class NewPostgresTable:
    """Tables that are there when they are whole: all in one transaction."""

    def __init__(self, address: Address) -> None:
        assert address.table is not None
        self._address, self._made, self._longest = address, set[str](), 0
        self._connection = connect(address, autocommit=False)

    def require_absent(self, table: str) -> None:
        """Refuse the name of a table that exists, or that cannot be made; it is made, and let go of, to see."""
        schema = parts_of(table)[:-1]

        def found() -> Any:
            with self._connection.cursor() as cursor:
                cursor.execute(_PLACE, (quoted(table), schema[0] if schema else ""))
                return cursor.fetchone()

        def tried() -> None:
            with self._connection.cursor() as cursor:
                cursor.execute(f"CREATE TABLE {quoted(table)} (row bigint)")
            self._connection.rollback()

        is_there, self._longest, home = told(self._address, found)
        for name in parts_of(table):
            if (length := len(name.encode())) > self._longest:
                raise UsageError(
                    f"{self._address.name}: the name {name} takes {length} bytes, of which the database keeps {self._longest}; give a "
                    "shorter one (_manifest stands behind that of the manifest)"
                )
        if home is None:
            raise no_schema(self._address, table)
        if is_there:
            raise exists(self._address, table)
        told(self._address, tried)

    def append(self, table: str, rows: pa.Table) -> None:
        """Add rows; the first ones make the table."""
        *schema, name = parts_of(table)
        mode = "append" if table in self._made else "create"
        for column in rows.column_names if mode == "create" else ():
            if (length := len(column.encode())) > self._longest:
                raise UsageError(
                    f"{self._address.name}: the name of column {column!r} takes {length} bytes, of which the database keeps "
                    f"{self._longest}; leave it out of keep, or rename it in the source"
                )
        own = {"db_schema_name": schema[0]} if schema else {}

        def add() -> None:
            # A cursor of its own for each part: it lets go of what it has sent.
            with self._connection.cursor() as cursor:
                cursor.adbc_ingest(name, rows, mode=mode, **own)

        told(self._address, add, lambda error: not_written(error, answers=_answers(self._connection)))
        self._made.add(table)

    def note(self, table: str, text: str) -> None:
        """Say in the database what a table is."""
        quote = "'" + text.replace("'", "''") + "'"

        def say() -> None:
            with self._connection.cursor() as cursor:
                cursor.execute(f"COMMENT ON TABLE {quoted(table)} IS {quote}")

        told(self._address, say)

    def commit(self) -> None:
        """Let others see the tables."""
        told(self._address, self._connection.commit)

    def close(self) -> None:
        """Let go of the database; what was not committed is gone."""
        with suppress(Exception):
            self._connection.rollback()
        close(self._connection)
