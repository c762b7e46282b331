"""The rows of a query or a table, kept in a Parquet file while they are read: once, as the database had them at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from cbc_screen.databases import duckdb, postgresql
from cbc_screen.databases.address import Address, Database, quoted
from cbc_screen.databases.faults import Words, told
from cbc_screen.databases.places import in_places, with_places
from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP = 65_536  # rows
_ROWS = {Database.POSTGRESQL: postgresql.rows, Database.DUCKDB: duckdb.rows}


def asked(address: Address, query: str | None, table: str | None) -> tuple[Address, str]:
    """Return the address with what is read of it, and the statement that reads it."""
    if table is not None and address.table is not None:
        raise UsageError("the table is named twice: behind the address, and by table (--table)")
    table = table if table is not None else address.table
    # What ends a statement in psql would end the one that this is put into, and so would a remark behind it.
    query = f"{query.strip().rstrip(';')}\n" if query is not None and query.strip(" ;\n\t") else None
    if (query is None) == (table is None):
        what = "name what is read" if query is None else "a table and a query are two things; give one of them"
        raise UsageError(f"{address.name}: {what}: table (--table NAME) or query (--query 'SELECT ...')")
    named = replace(address, table=table)
    return named, query if query is not None else f"SELECT * FROM {quoted(str(table))}"


def keep_rows(address: Address, query: str | None, table: str | None, file: IO[bytes]) -> None:
    """Write the rows to a Parquet file; the same rows in the same order are the same bytes."""
    import pyarrow.parquet as pq

    address, statement = asked(address, query, table)
    with _ROWS[address.database](address, statement) as (reader, words):
        schema, done = with_places(reader.schema), 0
        with pq.ParquetWriter(file, schema, compression="lz4") as writer:
            for group in _groups(_batches(address, reader, schema, words), schema):
                writer.write_table(group, row_group_size=_GROUP)
                done += len(group)
    if not done:
        raise UsageError(f"{address.called}: there is no row; look at the table, or at what the query asks for")


def _batches(
    address: Address, reader: pa.RecordBatchReader, schema: pa.Schema, words: Words
) -> Iterator[pa.RecordBatch]:
    rows = iter(reader)
    while (batch := told(address, lambda: next(rows, None), words)) is not None:
        yield in_places(batch, schema)


def _groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield as many rows at once whatever the parts are in which they come."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += len(batch)
        while count >= _GROUP:
            whole = pa.Table.from_batches(held, schema)
            yield whole.slice(0, _GROUP)
            held = whole.slice(_GROUP).to_batches()
            count -= _GROUP
    if count:
        yield pa.Table.from_batches(held, schema)
