"""A new table of flags, and its manifest beside it: both are there when the scan is whole, or neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from cbc_screen.databases import duckdb, postgresql
from cbc_screen.databases.address import Address, Database, parts_of
from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "_manifest"


class _Tables(Protocol):
    """Tables that are there when they are whole: all in one transaction."""

    def require_absent(self, table: str) -> None: ...
    def append(self, table: str, rows: pa.Table) -> None: ...
    def note(self, table: str, text: str) -> None: ...
    def commit(self) -> None: ...
    def close(self) -> None: ...


_TABLES: dict[Database, Callable[[Address], _Tables]] = {
    Database.POSTGRESQL: postgresql.NewPostgresTable,
    Database.DUCKDB: duckdb.NewDuckDBTable,
}


class FlagTable:
    """The tables that a scan writes to a database; nothing is overwritten."""

    def __init__(self, address: Address) -> None:
        if address.table is None:
            raise UsageError(f"{address.name}: name the new table of flags: ?table=NAME behind the address")
        parts_of(address.table)
        self._name, self._manifest = address.table, address.table + MANIFEST
        self._tables = _TABLES[address.database](address)
        try:
            for name in (self._name, self._manifest):
                self._tables.require_absent(name)
        except UsageError:
            self._tables.close()
            raise

    def append(self, rows: pa.Table) -> None:
        """Add rows of flags."""
        self._tables.append(self._name, rows)

    def finish(self, manifest: str, notice: str) -> None:
        """Write the manifest, and say in the database what the tables are."""
        import pyarrow as pa

        self._tables.append(self._manifest, pa.table({"manifest": [manifest]}))
        for name in (self._name, self._manifest):
            self._tables.note(name, notice)

    def commit(self) -> None:
        """Let others see the tables."""
        self._tables.commit()

    def close(self) -> None:
        """Let go of the database; what was not committed is gone."""
        self._tables.close()
